//! The controller beside an API server that is made up, in a time that is moved by hand.

#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test, in its fixtures as well")]

mod clock;
mod cluster;
mod conditions;
mod departures;
mod events;
mod failure_policy;
mod failures;
mod history;
mod hot;
#[path = "../../../core/tests/core/kruise.rs"]
mod kruise;
mod leader;
mod metadata;
mod metrics;
mod not_injected;
mod objects;
mod panics;
mod permission;
mod registration;
mod resize;
mod rollout;
mod server;
mod spans;
mod takeover;
mod unreadable;
mod watches;
mod whitelist;
