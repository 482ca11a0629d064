//! The body of a review, read once there is room for it.

use super::budget::{Budget, Busy, LARGEST_BODY, Share};
use super::router::Refusal;
use crate::context::Context;
use crate::metrics::Review;
use axum::body::{self, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use sidecarset_core::chain::chain;
use std::convert::Infallible;
use std::sync::Arc;

pub(super) const JSON: &str = "application/json";

/// The body of a request that says it is JSON.
pub(super) struct Body(Result<Received, Refusal>);

/// A body that is here, with the memory that its review may take.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) text: Vec<u8>,
    pub(super) share: Share,
}

/// A text that is sent, and that takes its share of memory until then.
struct Sent {
    text: String,
    _share: Share,
}

impl Body {
    /// Returns what has come, or why nothing has.
    pub(super) fn received(self, review: &mut Review<'_>) -> Result<Received, Refusal> {
        self.0.inspect_err(|refusal| {
            if refusal.is_for_now() {
                review.is_put_off();
            }
        })
    }
}

impl FromRequest<Arc<Context>> for Body {
    type Rejection = Infallible;

    async fn from_request(request: Request, context: &Arc<Context>) -> Result<Self, Infallible> {
        Ok(Self(receive(request, &context.budget).await))
    }
}

async fn receive(request: Request, budget: &Arc<Budget>) -> Result<Received, Refusal> {
    if !says_json(request.headers()) {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a review is application/json"));
    }
    let body = request.into_body();
    // Whoever does not say how long it is may send as much as anybody.
    let said = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if said.is_some_and(|length| length > LARGEST_BODY) {
        return Err(too_large());
    }
    let share = budget.share(said.unwrap_or(LARGEST_BODY)).await?;
    let text = read(body, said.unwrap_or_default()).await?;
    Ok(Received { text, share })
}

async fn read(mut body: body::Body, length: usize) -> Result<Vec<u8>, Refusal> {
    let mut text = Vec::with_capacity(length);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, &chain(&error).to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if text.len() + data.len() > LARGEST_BODY {
            return Err(too_large());
        }
        text.extend_from_slice(&data);
    }
    Ok(text)
}

/// Returns a text as the body of an answer, if there is room for it.
pub(super) fn sent(text: String, mut share: Share) -> Result<Bytes, Busy> {
    share.cover(text.len())?;
    Ok(Bytes::from_owner(Sent { text, _share: share }))
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "a review of an object that can be stored is shorter")
}

fn says_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON)
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}
