//! How the webhook is set up.

use crate::certificate::{Lifetimes, Names};
use crate::proof::Terms;
use crate::server::Clients;
use axum::http::Uri;
pub use sidecarset_core::registration::FailurePolicy;
use sidecarset_core::selection::Selector;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

/// How the webhook is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where we listen.
    pub bind: SocketAddr,
    /// The operator's namespace: it holds the certificate, and its own Pods are never injected.
    pub namespace: String,
    /// How the API server reaches us.
    pub endpoint: Endpoint,
    /// The Secret of our namespace in which somebody else keeps our certificate; without it, we do.
    pub certificate_secret: Option<String>,
    /// How long the certificates and authorities last that we make.
    pub lifetimes: Lifetimes,
    /// What the API server does while we are away with SidecarSets, and with Pods of sets that do not say.
    pub failure_policy: FailurePolicy,
    /// The cluster role with which our registration goes away, if any.
    pub owner: Option<String>,
    /// By which name this replica is known among others: letters, digits and dashes.
    pub replica: String,
    /// For how long the path is used by which we know API servers.
    pub proof_terms: Terms,
    /// Whose certificates have to be shown besides, if any.
    pub clients: Option<Clients>,
    /// The file with the tokens of which one has to be shown besides, if any; or instead of a certificate.
    pub token_file: Option<PathBuf>,
    /// How many connections there are at once.
    pub connections: NonZeroUsize,
    /// What the webhook configurations have beyond what we need.
    pub extra: Extra,
}

/// What somebody wants on the webhook configurations. Labels and annotations that others add stay without being named here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extra {
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// The annotations.
    pub annotations: BTreeMap<String, String>,
    /// What namespaces have to fulfil, so that the API server calls for their Pods.
    pub namespace_selector: Selector,
    /// What Pods have to fulfil, so that the API server calls for them.
    pub object_selector: Selector,
}

/// How the API server reaches us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Through a Service of the operator's namespace, on port 443.
    Service {
        /// The name of the Service.
        name: String,
    },
    /// Through a URL, outside of the cluster.
    Url(BaseUrl),
}

/// A URL below which the webhooks are: `https://HOST[:PORT][/PATH]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    host: String,
}

/// A text that is not the URL of a webhook.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected https://HOST[:PORT][/PATH], got {text:?}")]
pub struct ParseBaseUrlError {
    text: String,
}

impl Settings {
    /// Returns the names that our certificate is for.
    #[must_use]
    pub fn names(&self) -> Names {
        let namespace = &self.namespace;
        match &self.endpoint {
            Endpoint::Service { name } => {
                Names::new([format!("{name}.{namespace}.svc"), format!("{name}.{namespace}")])
            }
            Endpoint::Url(url) => Names::new([url.host.as_str()]),
        }
    }
}

impl BaseUrl {
    /// Returns the URL of what is at `path`, which begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

impl FromStr for BaseUrl {
    type Err = ParseBaseUrlError;

    fn from_str(text: &str) -> Result<Self, ParseBaseUrlError> {
        let wrong = || ParseBaseUrlError { text: text.to_owned() };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        // The API server takes neither a query nor a user.
        if uri.scheme_str() != Some("https") || uri.query().is_some() || has_user {
            return Err(wrong());
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { text: text.trim_end_matches('/').to_owned(), host })
    }
}

impl Display for BaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_joined_with_one_slash() {
        let url: BaseUrl = "https://10.0.0.1:9443/".parse().unwrap();

        assert_eq!(url.join("/mutate-pod"), "https://10.0.0.1:9443/mutate-pod");
    }

    #[test]
    fn the_host_of_a_base_url_has_no_brackets() {
        let url: BaseUrl = "https://[::1]:9443".parse().unwrap();

        assert_eq!(url.host, "::1");
    }

    #[test]
    fn a_url_that_the_api_server_would_not_take_is_refused() {
        for text in [
            "http://host",
            "https://user@host",
            "https://host/?a=b",
            "host:443",
            "https://::1:9443",
            "https://[::1",
            "",
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(ParseBaseUrlError { text: text.to_owned() }));
        }
    }
}
