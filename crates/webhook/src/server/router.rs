//! From an HTTP request to a review and back.

use super::body::{Body, JSON, Received, sent};
use super::budget::{Busy, Share};
use super::path;
use crate::context::Context;
use crate::metrics::{Review, Webhook};
use crate::review::{self, Verdict};
use crate::{pod, relabeling, sidecarset};
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use serde_json::json;
use sidecarset_core::chain::chain;
use sidecarset_core::registration::Call;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::error;

/// Longer than the API server waits.
const DEADLINE: Duration = Duration::from_secs(10);
/// After how many seconds an API server tries again that is told to: it does so as long as there is time for it.
const AGAIN: &str = "1";

/// Why a request has no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    code: StatusCode,
    message: String,
}

/// Answers reviews from what the context knows.
pub fn router(context: Context) -> Router {
    Router::new()
        .route(path::POD, post(mutate_pod))
        .route(path::POD_OF_CALL, post(mutate_called_pod))
        .route(path::NAMESPACE, post(validate_namespace))
        .route(path::MUTATE_SET, post(mutate_set))
        .route(path::VALIDATE_SET, post(validate_set))
        .fallback(|| async { nowhere() })
        .method_not_allowed_fallback(|| async { Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "a review is a POST") })
        // As one layer: each costs every request a copy of all within.
        .layer((
            CatchPanicLayer::custom(panicked),
            TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, DEADLINE),
        ))
        .with_state(Arc::new(context))
}

async fn mutate_pod(State(context): State<Arc<Context>>, body: Body) -> Result<Response, Refusal> {
    mutate_pod_of(None, &context, body).await
}

async fn mutate_called_pod(
    State(context): State<Arc<Context>>,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Body,
) -> Result<Response, Refusal> {
    // What is no text is as good as what another version has written there.
    let call = path.ok().and_then(|Path((policy, scope))| Call::parse(&policy, &scope));
    mutate_pod_of(call, &context, body).await
}

async fn mutate_pod_of(call: Option<Call>, context: &Context, body: Body) -> Result<Response, Refusal> {
    let mut review = begin(context, Webhook::Pod)?;
    let Received { text, share } = body.received(&mut review)?;
    let (uid, answered) = {
        let document = review::read(&text)?;
        let request = review::request(&document)?;
        review.is_read();
        (request.uid.to_owned(), pod::mutate(&request, call, context).await)
    };
    drop(text);
    match answered {
        Ok(verdict) => answer(review, &uid, verdict, share),
        Err(unavailable) => {
            review.is_unavailable();
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, &unavailable.0))
        }
    }
}

async fn validate_namespace(State(context): State<Arc<Context>>, body: Body) -> Result<Response, Refusal> {
    let mut review = begin(&context, Webhook::ValidateNamespace)?;
    let Received { text, share } = body.received(&mut review)?;
    let (uid, verdict) = {
        let document = review::read(&text)?;
        let request = review::request(&document)?;
        review.is_read();
        (request.uid.to_owned(), relabeling::review(&request, &context).await)
    };
    drop(text);
    answer(review, &uid, verdict, share)
}

async fn mutate_set(State(context): State<Arc<Context>>, body: Body) -> Result<Response, Refusal> {
    let mut review = begin(&context, Webhook::MutateSet)?;
    let Received { text, mut share } = body.received(&mut review)?;
    let (uid, verdict) = {
        let document = review::read(&text)?;
        let request = review::request(&document)?;
        cover(&mut review, &mut share, sidecarset::cost(&request))?;
        review.is_read();
        (request.uid.to_owned(), sidecarset::mutate(&request))
    };
    drop(text);
    answer(review, &uid, verdict, share)
}

async fn validate_set(State(context): State<Arc<Context>>, body: Body) -> Result<Response, Refusal> {
    let mut review = begin(&context, Webhook::ValidateSet)?;
    let Received { text, mut share } = body.received(&mut review)?;
    let (uid, verdict, candidate) = {
        let document = review::read(&text)?;
        let request = review::request(&document)?;
        cover(&mut review, &mut share, sidecarset::cost(&request))?;
        review.is_read();
        let verdict = sidecarset::validate(&request, &context);
        let candidate = sidecarset::candidate(&request, &verdict).map(|(set, scope)| (set.to_owned(), scope));
        (request.uid.to_owned(), verdict, candidate)
    };
    drop(text);
    if let Some((set, scope)) = candidate {
        context.registrar.cover(&set, scope).await;
    }
    answer(review, &uid, verdict, share)
}

/// Has a review take more memory than others of its length.
fn cover(review: &mut Review<'_>, share: &mut Share, bytes: usize) -> Result<(), Refusal> {
    share.cover(bytes).map_err(|busy| {
        review.is_put_off();
        busy.into()
    })
}

/// Begins a review, unless what it would be answered from may be old.
fn begin(context: &Context, webhook: Webhook) -> Result<Review<'_>, Refusal> {
    let mut review = context.metrics.begin(webhook);
    if context.freshness.is_current() {
        return Ok(review);
    }
    review.is_stale();
    Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the operator has not heard from the API server for 10 seconds"))
}

/// Returns what is said where there is nothing, or nothing for whoever asks.
pub(super) fn nowhere() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is no webhook at this path")
}

fn answer(mut review: Review<'_>, uid: &str, verdict: Verdict, share: Share) -> Result<Response, Refusal> {
    review.is_decided(&verdict);
    let answer = sent(review::answer(uid, verdict), share).inspect_err(|Busy| review.is_put_off())?;
    Ok(([(header::CONTENT_TYPE, JSON)], answer).into_response())
}

impl From<Busy> for Refusal {
    fn from(_: Busy) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too many reviews are under way")
    }
}

impl From<review::Error> for Refusal {
    fn from(error: review::Error) -> Self {
        Self::new(StatusCode::BAD_REQUEST, &chain(&error).to_string())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "tower-http hands over what was thrown")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    error!(panic = text, "a review ended in a panic");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the SidecarSet operator has a defect: see its log").into_response()
}

impl Refusal {
    pub(super) fn new(code: StatusCode, message: &str) -> Self {
        Self { code, message: message.to_owned() }
    }

    pub(super) fn is_for_now(&self) -> bool {
        self.code == StatusCode::TOO_MANY_REQUESTS
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let again = self.is_for_now().then_some([(header::RETRY_AFTER, AGAIN)]);
        // Of an error that is no status an API server passes only its code on to whoever asked for the object.
        let status = Status {
            status: Some("Failure".to_owned()),
            code: Some(self.code.as_u16().into()),
            message: Some(self.message),
            ..Status::default()
        };
        (self.code, [(header::CONTENT_TYPE, JSON)], again, json!(status).to_string()).into_response()
    }
}
