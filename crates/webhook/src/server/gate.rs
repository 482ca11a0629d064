//! Lets API servers in, and nobody else: before the body of a request is read, before anything is counted or traced.

use super::callers::{Callers, Certificate};
use super::router::nowhere;
use super::standing::{Asking, Standing};
use crate::metrics::Metrics;
use axum::Router;
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use futures::future::{BoxFuture, ready};
use hyper::body::Incoming;
use hyper::service::Service;
use std::convert::Infallible;
use std::sync::Arc;
use tower::ServiceExt;

/// What answers the requests of one connection.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    pub(super) router: Router,
    /// Nothing where everybody may ask.
    pub(super) callers: Option<Callers>,
    pub(super) certificate: Certificate,
    pub(super) standing: Arc<Standing>,
    pub(super) metrics: Arc<Metrics>,
}

/// What answers the requests of one connection, and does not ask whose it is.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) router: Router,
    pub(super) standing: Arc<Standing>,
}

impl Service<Request<Incoming>> for Gate {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let asking = self.standing.begin();
        let Some(request) = self.admit(request) else {
            self.metrics.turned_away();
            return Box::pin(ready(Ok(nowhere().into_response())));
        };
        self.standing.prove();
        answer(&self.router, request, asking)
    }
}

impl Service<Request<Incoming>> for Open {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        answer(&self.router, request, self.standing.begin())
    }
}

fn answer(
    router: &Router,
    request: Request<Incoming>,
    asking: Asking,
) -> BoxFuture<'static, Result<Response, Infallible>> {
    let answer = router.clone().oneshot(request);
    Box::pin(async move {
        let answer = answer.await;
        drop(asking);
        answer
    })
}

impl Gate {
    /// Returns a request of an API server, with the path that it is about.
    fn admit(&self, request: Request<Incoming>) -> Option<Request<Incoming>> {
        let Some(callers) = &self.callers else { return Some(request) };
        let (mut parts, body) = request.into_parts();
        parts.uri = callers.admit(&parts, self.certificate)?;
        Some(Request::from_parts(parts, body))
    }
}
