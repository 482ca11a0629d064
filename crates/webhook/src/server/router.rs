//! From an HTTP request to a review and back.

use super::path;
use crate::context::Context;
use crate::metrics::Webhook;
use crate::review::{self, Verdict};
use crate::{pod, sidecarset};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{self, DefaultBodyLimit, FromRequest, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use std::any::Any;
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::error;

/// The API server sends an object and its predecessor, each of at most 3 MiB.
const LARGEST_BODY: usize = 7 * 1024 * 1024;
/// Longer than the API server waits.
const DEADLINE: Duration = Duration::from_secs(10);
const JSON: &str = "application/json";

/// The body of a request that says it is JSON.
struct Body(Result<Bytes, Refusal>);

/// Why a request has no answer.
struct Refusal {
    code: StatusCode,
    message: String,
}

/// Answers reviews from what the context knows.
pub fn router(context: Context) -> Router {
    Router::new()
        .route(path::POD, post(mutate_pod))
        .route(path::MUTATE_SET, post(mutate_set))
        .route(path::VALIDATE_SET, post(validate_set))
        .fallback(|| async { Refusal::new(StatusCode::NOT_FOUND, "there is no webhook at this path") })
        .method_not_allowed_fallback(|| async { Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "a review is a POST") })
        // As one layer: each costs every request a copy of all within.
        .layer((
            CatchPanicLayer::custom(panicked),
            TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, DEADLINE),
            DefaultBodyLimit::max(LARGEST_BODY),
        ))
        .with_state(Arc::new(context))
}

async fn mutate_pod(State(context): State<Arc<Context>>, body: Body) -> Result<Response, Refusal> {
    let mut review = context.metrics.begin(Webhook::Pod);
    let body = body.0?;
    let document = review::read(&body)?;
    let request = review::request(&document)?;
    review.is_read();
    let verdict = pod::mutate(&request, &context).await;
    review.is_decided(&verdict);
    Ok(answer(request.uid, verdict))
}

async fn mutate_set(State(context): State<Arc<Context>>, body: Body) -> Result<Response, Refusal> {
    let mut review = context.metrics.begin(Webhook::MutateSet);
    let body = body.0?;
    let document = review::read(&body)?;
    let request = review::request(&document)?;
    review.is_read();
    let verdict = sidecarset::mutate(&request);
    review.is_decided(&verdict);
    Ok(answer(request.uid, verdict))
}

async fn validate_set(State(context): State<Arc<Context>>, body: Body) -> Result<Response, Refusal> {
    let mut review = context.metrics.begin(Webhook::ValidateSet);
    let body = body.0?;
    let document = review::read(&body)?;
    let request = review::request(&document)?;
    review.is_read();
    let verdict = sidecarset::validate(&request, &context);
    if let Some((set, interest)) = sidecarset::candidate(&request, &verdict) {
        context.registrar.cover(set, interest).await;
    }
    review.is_decided(&verdict);
    Ok(answer(request.uid, verdict))
}

fn answer(uid: &str, verdict: Verdict) -> Response {
    ([(header::CONTENT_TYPE, JSON)], review::answer(uid, verdict)).into_response()
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Infallible;

    async fn from_request(request: extract::Request, state: &S) -> Result<Self, Infallible> {
        let is_json = says_json(request.headers());
        let body = Bytes::from_request(request, state).await;
        if !is_json {
            return Ok(Self(Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a review is application/json"))));
        }
        Ok(Self(body.map_err(|rejection| Refusal::new(rejection.status(), &rejection.body_text()))))
    }
}

fn says_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON)
}

impl From<review::Error> for Refusal {
    fn from(error: review::Error) -> Self {
        Self::new(StatusCode::BAD_REQUEST, &story(&error))
    }
}

/// Returns an error with everything that led to it.
fn story(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "tower-http hands over what was thrown")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    error!(panic = text, "a review ended in a panic");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the SidecarSet operator has a defect: see its log").into_response()
}

impl Refusal {
    fn new(code: StatusCode, message: &str) -> Self {
        Self { code, message: message.to_owned() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error": self.message}).to_string();
        (self.code, [(header::CONTENT_TYPE, JSON)], body).into_response()
    }
}
