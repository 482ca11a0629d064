//! What the operator is told when it starts.

use crate::logging::LogFormat;
use anyhow::Context as _;
use clap::{ArgAction, Args};
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use leader_lease::{Election, Term};
use serde::Deserialize;
use serde_json::Value;
use sidecarset_core::quantity::Quantity;
use sidecarset_core::selection::Selector;
use sidecarset_core::validation::{Violations, WithoutRule, is_label_value, is_qualified_name};
use sidecarset_metrics::Gauge;
use sidecarset_webhook::certificate::Lifetimes;
use sidecarset_webhook::proof::Terms;
use sidecarset_webhook::server::{Budget, Clients, Limits, listen_address};
use sidecarset_webhook::settings::{BaseUrl, Endpoint, Extra, FailurePolicy};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// How the operator runs.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The kubeconfig of the cluster; without it, the ServiceAccount of the Pod it runs in, or $KUBECONFIG
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    pub(super) context: Option<String>,

    /// The operator's own namespace: it holds the certificate and the revisions, and its Pods are never injected
    #[arg(long, env = "POD_NAMESPACE", default_value = "sidecarset-system", value_name = "NAME")]
    pub(super) namespace: String,

    /// The Service through which the API server reaches the webhook
    #[arg(long, default_value = "sidecarset-webhook", value_name = "NAME", conflicts_with = "webhook_url")]
    webhook_service: String,

    /// The URL at which the API server reaches the webhook when it runs outside of the cluster
    #[arg(long, value_name = "https://HOST[:PORT]")]
    webhook_url: Option<BaseUrl>,

    /// A label of the webhook configurations; may be given several times. Those that others add stay
    #[arg(long = "webhook-label", value_parser = label, value_name = "KEY=VALUE")]
    webhook_labels: Vec<(String, String)>,

    /// An annotation of the webhook configurations; may be given several times. Those that others add stay
    #[arg(long = "webhook-annotation", value_parser = annotation, value_name = "KEY=VALUE")]
    webhook_annotations: Vec<(String, String)>,

    /// A label selector as JSON: for Pods of other namespaces, the API server does not call the webhook, whatever SidecarSets select
    #[arg(long, default_value = "{}", value_parser = selector, value_name = "SELECTOR")]
    webhook_namespace_selector: Selector,

    /// A label selector as JSON: for other Pods, the API server does not call the webhook, whatever SidecarSets select
    #[arg(long, default_value = "{}", value_parser = selector, value_name = "SELECTOR")]
    webhook_object_selector: Selector,

    /// Where the webhook listens: the address :: is every address of IPv6 and IPv4, or of IPv4 where there is no IPv6; 0.0.0.0 is every
    /// address of IPv4
    #[arg(long, default_value = "[::]:9443", value_parser = listen_address, value_name = "[ADDRESS]:PORT")]
    webhook_bind: SocketAddr,

    /// The Secret of the operator's namespace in which somebody else, such as cert-manager, keeps the certificate of the
    /// webhook as ca.crt, tls.crt and tls.key; without it, the operator makes one itself
    #[arg(long, value_name = "NAME")]
    certificate_secret: Option<String>,

    /// How long a certificate lasts that the operator makes; it is renewed when a third of that is left
    #[arg(long, default_value = "8760h", value_parser = duration, value_name = "DURATION")]
    certificate_lifetime: Duration,

    /// How long an authority lasts that the operator makes; it is replaced when less than a certificate's life is left
    #[arg(long, default_value = "87600h", value_parser = duration, value_name = "DURATION")]
    authority_lifetime: Duration,

    /// How long the secret path is used under which API servers ask; it is replaced when a third of that is left
    #[arg(long, default_value = "24h", value_parser = duration, value_name = "DURATION")]
    proof_lifetime: Duration,

    /// The authorities of client certificates, as a PEM file that is read once: nobody is answered who does not show a
    /// certificate of one of them, or a token. Without it, who knows the secret path is answered
    #[arg(long, value_name = "FILE")]
    client_ca_file: Option<PathBuf>,

    /// A common name that a client's certificate may have; may be given several times. Without it, every one may
    #[arg(long = "client-name", value_name = "NAME", requires = "client_ca_file")]
    client_names: Vec<String>,

    /// The bearer tokens of API servers, as a file with one in each line that is read again when it changes: nobody is
    /// answered who does not show one of them, or a certificate. Without it, who knows the secret path is answered
    #[arg(long, value_name = "FILE")]
    client_token_file: Option<PathBuf>,

    /// How many connections the webhook has at once. One more takes the place of the oldest that has not shown to be an API
    /// server's
    #[arg(long, default_value_t = Limits::REVIEWS.connections, value_name = "CONNECTIONS")]
    max_connections: NonZeroUsize,

    /// How much memory all reviews together may take that are under way: four times their bodies. Beyond that they wait for a
    /// second, and the API server is then told to try again
    #[arg(long, default_value = "64Mi", value_parser = bytes, value_name = "BYTES")]
    max_review_memory: usize,

    /// Where /healthz, /readyz, /version and /metrics are answered, as for --webhook-bind
    #[arg(long, default_value = "[::]:8081", value_parser = listen_address, value_name = "[ADDRESS]:PORT")]
    pub(super) health_bind: SocketAddr,

    /// What the API server does with a Pod about which it cannot ask, where no SidecarSet says otherwise: Fail or
    /// Ignore
    #[arg(long, default_value_t = FailurePolicy::Fail, value_name = "POLICY")]
    pub(super) failure_policy: FailurePolicy,

    /// The ClusterRole that the webhook configurations belong to: they are deleted when it is. Without it, they stay
    /// until somebody deletes them
    #[arg(long, value_name = "NAME")]
    owner_cluster_role: Option<String>,

    /// Allow spec.patchPodMetadata where the white list has no rule for a SidecarSet; without this, it is refused
    #[arg(long)]
    allow_pod_metadata_patches: bool,

    /// How many writes of Pods may be under way at once
    #[arg(long, default_value = "16", value_name = "WRITES")]
    concurrency: NonZeroUsize,

    /// How many SidecarSets are looked at at once
    #[arg(long, default_value = "4", value_name = "SETS")]
    workers: NonZeroUsize,

    /// Write only while a Lease of the operator's namespace names this replica; false where no other one runs, for example
    /// outside of the cluster
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, value_name = "BOOL")]
    leader_elect: bool,

    /// How long others wait after the last renewal of the Lease before one of them leads
    #[arg(long, default_value = "15s", value_parser = duration, value_name = "DURATION")]
    lease_duration: Duration,

    /// How long the leader tries to renew the Lease before it stops
    #[arg(long, default_value = "10s", value_parser = duration, value_name = "DURATION")]
    lease_renew_deadline: Duration,

    /// How often the leader renews the Lease, and others look at it
    #[arg(long, default_value = "2s", value_parser = duration, value_name = "DURATION")]
    lease_retry_period: Duration,

    /// How long reviews are answered on new connections once the operator is to stop: others have to learn that it is no
    /// longer to be asked
    #[arg(long, default_value = "5s", value_parser = duration, value_name = "DURATION")]
    pub(super) drain_delay: Duration,

    /// The form of log lines; $RUST_LOG chooses which
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    pub log_format: LogFormat,
}

impl Arguments {
    pub(super) fn without_rule(&self) -> WithoutRule {
        if self.allow_pod_metadata_patches { WithoutRule::Allow } else { WithoutRule::Refuse }
    }

    pub(super) fn controller(&self) -> sidecarset_controller::Settings {
        sidecarset_controller::Settings {
            namespace: self.namespace.clone(),
            workers: self.workers,
            concurrency: self.concurrency,
            clock: jiff::Timestamp::now,
        }
    }

    pub(super) fn webhook(&self, replica: &str) -> anyhow::Result<sidecarset_webhook::Settings> {
        let endpoint = match &self.webhook_url {
            Some(url) => Endpoint::Url(url.clone()),
            None => Endpoint::Service { name: self.webhook_service.clone() },
        };
        Ok(sidecarset_webhook::Settings {
            bind: self.webhook_bind,
            namespace: self.namespace.clone(),
            endpoint,
            certificate_secret: self.certificate_secret.clone(),
            lifetimes: Lifetimes::new(self.certificate_lifetime, self.authority_lifetime)
                .context("--certificate-lifetime and --authority-lifetime do not go together")?,
            failure_policy: self.failure_policy,
            owner: self.owner_cluster_role.clone(),
            replica: replica.to_owned(),
            proof_terms: Terms::new(self.proof_lifetime).context("--proof-lifetime is out of range")?,
            clients: self.clients()?,
            token_file: self.client_token_file.clone(),
            connections: self.max_connections,
            extra: Extra {
                labels: self.webhook_labels.iter().cloned().collect(),
                annotations: self.webhook_annotations.iter().cloned().collect(),
                namespace_selector: self.webhook_namespace_selector.clone(),
                object_selector: self.webhook_object_selector.clone(),
            },
        })
    }

    /// Returns how much memory reviews may take, which is shown by `taken`.
    pub(super) fn budget(&self, taken: Gauge) -> anyhow::Result<Budget> {
        Budget::new(self.max_review_memory, taken).context("--max-review-memory is too small")
    }

    fn clients(&self) -> anyhow::Result<Option<Clients>> {
        let Some(path) = &self.client_ca_file else { return Ok(None) };
        let text = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        let clients = Clients::parse(&text, self.client_names.iter().cloned());
        Ok(Some(clients.with_context(|| format!("failed to use {}", path.display()))?))
    }

    /// Returns how this replica comes to lead under a name of its own; nothing where it is the only one.
    pub(super) fn election(&self, identity: String) -> anyhow::Result<Option<Election>> {
        let term = Term::new(self.lease_duration, self.lease_renew_deadline, self.lease_retry_period)
            .context("--lease-duration, --lease-renew-deadline and --lease-retry-period do not go together")?;
        Ok(self.leader_elect.then(|| Election {
            name: sidecarset_controller::LEASE.to_owned(),
            namespace: self.namespace.clone(),
            identity,
            term,
            clock: jiff::Timestamp::now,
        }))
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = annotation(text)?;
    match is_qualified_name(&key) && is_label_value(&value) {
        true => Ok((key, value)),
        false => Err("a label has at most 63 letters, digits, '-', '_' and '.'".to_owned()),
    }
}

fn annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if is_qualified_name(&key.to_ascii_lowercase()) => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("expected KEY=VALUE".to_owned()),
    }
}

fn selector(text: &str) -> Result<Selector, String> {
    let given: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let source = LabelSelector::deserialize(&given).map_err(|error| error.to_string())?;
    // A member with a typing error would be passed over, and the selector ask for less than is meant.
    if !serde_json::to_value(&source).is_ok_and(|known| known == given) {
        return Err("a selector has matchLabels and matchExpressions, and nothing else".to_owned());
    }
    let mut violations = Violations::default();
    Selector::parse(&source, "selector", &mut violations).ok_or_else(|| violations.to_string())
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: SignedDuration = text.parse().map_err(|_| "expected a duration, such as 15s or 500ms".to_owned())?;
    Duration::try_from(duration).map_err(|_| "a duration is not negative".to_owned())
}

fn bytes(text: &str) -> Result<usize, String> {
    let quantity = Quantity::parse(text).map_err(|error| error.to_string())?;
    usize::try_from(quantity.millis() / 1000).map_err(|_| "there are no less than 0 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn election(line: &[&str]) -> Result<Option<Election>, String> {
        let line = Line::try_parse_from(["test"].iter().chain(line)).map_err(|error| error.to_string())?;
        line.arguments.election("me".to_owned()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn one_of_several_leads_unless_it_is_said_that_there_is_only_one() {
        assert_eq!(election(&[]).unwrap().unwrap().term, Term::default());
        assert!(election(&["--leader-elect"]).unwrap().is_some());
        assert!(election(&["--leader-elect=false"]).unwrap().is_none());
    }

    #[test]
    fn where_it_listens_is_both_families_unless_it_is_said_otherwise() {
        let line = |line: &[&str]| Line::try_parse_from(["test"].iter().chain(line)).unwrap().arguments;
        let defaults = line(&[]);
        let said = line(&["--webhook-bind=0.0.0.0:443", "--health-bind=:80"]);

        assert_eq!(
            (defaults.webhook_bind.to_string(), defaults.health_bind.to_string()),
            bound("[::]:9443", "[::]:8081")
        );
        assert_eq!((said.webhook_bind.to_string(), said.health_bind.to_string()), bound("0.0.0.0:443", "[::]:80"));
    }

    fn bound(webhook: &str, health: &str) -> (String, String) {
        (webhook.to_owned(), health.to_owned())
    }

    #[test]
    fn labels_and_annotations_of_the_configurations_are_keys_with_values() {
        let line = ["--webhook-label=a/b=c", "--webhook-annotation=d=e=f", "--webhook-annotation=g="];
        let extra = Line::try_parse_from(["test"].iter().chain(&line)).unwrap().arguments.webhook("me").unwrap().extra;

        let texts =
            |texts: &[(&str, &str)]| texts.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        assert_eq!(
            extra,
            Extra {
                labels: texts(&[("a/b", "c")]),
                annotations: texts(&[("d", "e=f"), ("g", "")]),
                ..Extra::default()
            }
        );
        for refused in
            ["--webhook-label=a", "--webhook-label==a", "--webhook-label=a=b c", "--webhook-annotation=a b=c"]
        {
            assert!(Line::try_parse_from(["test", refused]).is_err(), "{refused}");
        }
    }

    #[test]
    fn selectors_of_the_configurations_are_written_as_in_a_manifest() {
        let extra = |line: &[&str]| {
            Line::try_parse_from(["test"].iter().chain(line)).map(|it| it.arguments.webhook("me").unwrap().extra)
        };
        let namespaces = r#"{"matchExpressions": [{"key": "platform", "operator": "NotIn", "values": ["yes"]}]}"#;

        let given = extra(&[
            "--webhook-namespace-selector",
            namespaces,
            r#"--webhook-object-selector={"matchLabels":{"a":"b"}}"#,
        ]);

        let given = given.unwrap();
        assert_eq!(given.namespace_selector.to_string(), "platform!=yes");
        assert_eq!(given.object_selector.to_string(), "a=b");
        assert_eq!(extra(&[]).unwrap(), Extra::default());
        for refused in [
            "a=b",
            r#"{"matchLabel": {"a": "b"}}"#,
            r#"{"matchLabels": {"a": "b c"}}"#,
            r#"{"matchExpressions": [{"key": "a", "operator": "Is", "values": ["b"]}]}"#,
            r#"{"matchExpressions": [{"key": "a", "operator": "In", "value": ["b"]}]}"#,
        ] {
            assert!(extra(&["--webhook-object-selector", refused]).is_err(), "{refused}");
        }
    }

    #[test]
    fn memory_for_reviews_is_given_as_the_memory_of_a_container_is() {
        let budget = |text: &str| {
            let line =
                Line::try_parse_from(["test", "--max-review-memory", text]).map_err(|error| error.to_string())?;
            line.arguments.budget(Gauge::default()).map(drop).map_err(|error| format!("{error:#}"))
        };

        assert_eq!([budget("56Mi"), budget("1G")], [Ok(()), Ok(())]);
        assert!(budget("55Mi").unwrap_err().contains("reviews need 56 MiB at least"));
        for text in ["-1", "much"] {
            assert!(budget(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_that_do_not_go_together_are_refused_with_the_reason() {
        let refused = election(&["--lease-duration", "5s"]).unwrap_err();

        assert!(refused.ends_with(": the renew deadline has to be shorter than the lease"), "{refused}");
        for text in ["5", "-5s", "soon"] {
            assert!(election(&[&format!("--lease-duration={text}")]).unwrap_err().contains("duration"), "{text}");
        }
    }
}
