//! Who may ask: whoever shows that it is an API server.

use super::clients::{Clients, Without};
use super::tokens::Tokens;
use crate::proof::{Accepted, Proof};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use std::sync::Arc;

/// Who may ask.
#[derive(Debug, Clone)]
pub struct Callers {
    /// Whoever knows the path under which we are registered. That alone is not enough where one of the others is asked for.
    pub proofs: Arc<Accepted>,
    /// Whoever has a certificate of one of these authorities.
    pub certificates: Option<Clients>,
    /// Whoever has one of these tokens.
    pub tokens: Option<Arc<Tokens>>,
}

/// Whether a client has shown a certificate that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certificate {
    Shown,
    None,
}

impl Callers {
    /// Returns where a request leads within what is served, if it is one of an API server.
    pub(super) fn admit(&self, request: &Parts, certificate: Certificate) -> Option<Uri> {
        let (segment, rest) = first_segment(request.uri.path())?;
        if self.certificates.is_none() && self.tokens.is_none() {
            return if self.proofs.accepts(segment) { led_to(&request.uri, rest) } else { None };
        }
        let has_token = || self.tokens.as_ref().is_some_and(|tokens| tokens.are_shown_by(&request.headers));
        if certificate == Certificate::None && !has_token() {
            return None;
        }
        // An API server asks where we are registered; others that are let in need not know where that is.
        let has_proof = Proof::try_from(segment.to_owned()).is_ok();
        if has_proof { led_to(&request.uri, rest) } else { Some(request.uri.clone()) }
    }

    /// Says what becomes of a client without a certificate, where one is asked for.
    pub(super) fn without_certificate(&self) -> Without {
        if self.tokens.is_some() { Without::Heard } else { Without::TurnedAway }
    }
}

/// Splits `/a/b/c` into `a` and `/b/c`.
fn first_segment(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/')?;
    Some(path.split_at(path.find('/').unwrap_or(path.len())))
}

/// Returns the same with another path.
fn led_to(uri: &Uri, path: &str) -> Option<Uri> {
    let path = if path.is_empty() { "/" } else { path };
    let path = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Lifetimes, Names, issue};
    use axum::http::Request;
    use jiff::Timestamp;

    fn request(uri: &str) -> Parts {
        Request::post(uri).body(()).unwrap().into_parts().0
    }

    fn knowing(proof: &Proof) -> Callers {
        let callers = Callers { proofs: Arc::default(), certificates: None, tokens: None };
        callers.proofs.keep([proof]);
        callers
    }

    fn admitted(callers: &Callers, certificate: Certificate, uri: &str) -> Option<String> {
        callers.admit(&request(uri), certificate).map(|uri| uri.to_string())
    }

    #[test]
    fn who_knows_the_path_is_led_to_what_is_behind_it() {
        let proof = Proof::random().unwrap();
        let callers = knowing(&proof);
        let led = |rest: &str| admitted(&callers, Certificate::None, &format!("/{}{rest}", proof.as_str()));

        assert_eq!(led("/mutate-pod?timeout=3s").as_deref(), Some("/mutate-pod?timeout=3s"));
        assert_eq!(led("/mutate-pod/a").as_deref(), Some("/mutate-pod/a"));
        assert_eq!(led("").as_deref(), Some("/"));
        let absolute = format!("https://a:9443/{}/mutate-pod", proof.as_str());
        let led = admitted(&callers, Certificate::None, &absolute);
        assert_eq!(led.as_deref(), Some("https://a:9443/mutate-pod"));
    }

    #[test]
    fn who_does_not_know_it_is_led_nowhere() {
        let (proof, other) = (Proof::random().unwrap(), Proof::random().unwrap());
        let callers = knowing(&proof);

        let paths =
            ["/mutate-pod".to_owned(), other.before("/mutate-pod"), format!("/a{}", proof.before("/mutate-pod"))];
        for path in paths.iter().map(String::as_str).chain(["/", "//", "*"]) {
            assert_eq!(admitted(&callers, Certificate::None, path), None, "{path}");
        }
    }

    #[test]
    fn the_path_alone_is_not_enough_where_a_certificate_is_asked_for_and_with_one_it_need_not_be_known() {
        let proof = Proof::random().unwrap();
        let names = Names::new(["a"]);
        let authority = issue(&names, None, Lifetimes::A_YEAR, Timestamp::constant(1_790_000_000, 0)).unwrap();
        let clients = Clients::parse(authority.authorities().as_bytes(), []).unwrap();
        let callers = Callers { certificates: Some(clients), ..knowing(&proof) };
        let path = proof.before("/mutate-pod");

        assert_eq!(admitted(&callers, Certificate::None, &path), None);
        for path in [&*path, "/mutate-pod", &Proof::random().unwrap().before("/mutate-pod")] {
            assert_eq!(admitted(&callers, Certificate::Shown, path).as_deref(), Some("/mutate-pod"));
        }
    }
}
