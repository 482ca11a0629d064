//! The webhook from the outside: over HTTP, over TLS, and towards the API server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "webhook/call.rs"]
mod call;
#[path = "webhook/certificate.rs"]
mod certificate;
#[path = "webhook/events.rs"]
mod events;
#[path = "webhook/exchange.rs"]
mod exchange;
#[path = "webhook/fuzz.rs"]
mod fuzz;
#[path = "webhook/metrics.rs"]
mod metrics;
#[path = "webhook/namespace.rs"]
mod namespace;
#[path = "webhook/narrowing.rs"]
mod narrowing;
// The webhook and the controller run as one ServiceAccount.
#[path = "../../controller/tests/controller/permission.rs"]
mod permission;
#[path = "webhook/pinning.rs"]
mod pinning;
#[path = "webhook/pod.rs"]
mod pod;
#[path = "webhook/port.rs"]
mod port;
#[path = "webhook/registration.rs"]
mod registration;
#[path = "webhook/rejections.rs"]
mod rejections;
#[path = "webhook/relabeling.rs"]
mod relabeling;
#[path = "webhook/run.rs"]
mod run;
#[path = "webhook/scenario.rs"]
mod scenario;
#[path = "webhook/sidecarset.rs"]
mod sidecarset;
#[path = "webhook/tls.rs"]
mod tls;
#[path = "webhook/transport.rs"]
mod transport;
#[path = "webhook/whitelist.rs"]
mod whitelist;
