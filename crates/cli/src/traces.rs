//! Sends traces to a collector, where the environment says to which: reviews, as parts of what the API server traces, and looks
//! at SidecarSets with the upgrades that they lead to.

use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::env;
use tracing::field::Empty;
use tracing::{Instrument, Subscriber, debug_span, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

/// The name of the service, where the environment gives no other.
const SERVICE: &str = "sidecarset-operator";

/// The variables that say where a collector is: without one of them nothing is sent.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What sends traces.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Returns what sends traces, if the environment says where to. It needs the runtime.
    pub fn from_environment() -> anyhow::Result<Option<Self>> {
        let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_disabled = env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        if is_disabled || !ENDPOINTS.iter().any(is_set) {
            return Ok(None);
        }
        let exporter =
            SpanExporter::builder().with_tonic().build().context("failed to set up the sending of traces")?;
        let resource = Resource::builder();
        let resource = if is_set(&"OTEL_SERVICE_NAME") { resource } else { resource.with_service_name(SERVICE) };
        let provider =
            SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter).build();
        Ok(Some(Self(provider)))
    }

    /// Returns what takes the spans, and the log lines of what was changed within them.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let taken = Targets::new()
            .with_target(sidecarset_controller::SPANS, LevelFilter::DEBUG)
            .with_target(module_path!(), LevelFilter::DEBUG)
            .with_target("sidecarset", LevelFilter::INFO);
        tracing_opentelemetry::layer().with_tracer(self.0.tracer(SERVICE)).with_filter(taken)
    }

    /// Sends what is left.
    pub fn finish(self) {
        if let Err(error) = self.0.shutdown() {
            warn!(error = &error as &dyn std::error::Error, "could not send the last traces");
        }
    }
}

/// Has reviews traced.
pub fn around(router: Router) -> Router {
    router.layer(from_fn(trace))
}

async fn trace(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let span = debug_span!(
        parent: None, "review", otel.kind = "server", url.path = path, result = Empty, reason = Empty,
        http.response.status_code = Empty,
    );
    // Where nothing is traced there is nobody to join.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(request.headers())));
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    response
}

/// Where the API server says which trace a request is a part of.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
