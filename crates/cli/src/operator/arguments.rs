//! What the operator is told when it starts.

use crate::logging::LogFormat;
use anyhow::Context as _;
use clap::{ArgAction, Args};
use jiff::SignedDuration;
use sidecarset_controller::leader::Candidacy;
use sidecarset_core::lease::Term;
use sidecarset_core::validation::WithoutRule;
use sidecarset_webhook::certificate::Lifetimes;
use sidecarset_webhook::server::Clients;
use sidecarset_webhook::settings::{BaseUrl, Endpoint, FailurePolicy};
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

    /// Where the webhook listens
    #[arg(long, default_value = "0.0.0.0:9443", value_name = "ADDRESS:PORT")]
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

    /// The authorities of client certificates, as a PEM file that is read once: nobody is answered who does not show a
    /// certificate of one of them. Without it, everybody is
    #[arg(long, value_name = "FILE")]
    client_ca_file: Option<PathBuf>,

    /// A common name that a client's certificate may have; may be given several times. Without it, every one may
    #[arg(long = "client-name", value_name = "NAME", requires = "client_ca_file")]
    client_names: Vec<String>,

    /// Where /healthz, /readyz, /version and /metrics are answered
    #[arg(long, default_value = "0.0.0.0:8081", value_name = "ADDRESS:PORT")]
    pub(super) health_bind: SocketAddr,

    /// What the API server does with a Pod about which it cannot ask, where no SidecarSet says otherwise: Fail or
    /// Ignore
    #[arg(long, default_value_t = FailurePolicy::Fail, value_name = "POLICY")]
    failure_policy: FailurePolicy,

    /// The ClusterRole that the webhook configurations belong to: they are deleted when it is. Without it, they stay
    /// until somebody deletes them
    #[arg(long, value_name = "NAME")]
    owner_cluster_role: Option<String>,

    /// Allow spec.patchPodMetadata where the white list has no rule for a SidecarSet; without this, it is refused
    #[arg(long)]
    allow_pod_metadata_patches: bool,

    /// How many writes to the cluster may be under way at once
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
            clients: self.clients()?,
        })
    }

    fn clients(&self) -> anyhow::Result<Option<Clients>> {
        let Some(path) = &self.client_ca_file else { return Ok(None) };
        let text = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        let clients = Clients::parse(&text, self.client_names.iter().cloned());
        Ok(Some(clients.with_context(|| format!("failed to use {}", path.display()))?))
    }

    /// Returns how this replica comes to lead under a name of its own; nothing where it is the only one.
    pub(super) fn candidacy(&self, identity: String) -> anyhow::Result<Option<Candidacy>> {
        let term = Term::new(self.lease_duration, self.lease_renew_deadline, self.lease_retry_period)
            .context("--lease-duration, --lease-renew-deadline and --lease-retry-period do not go together")?;
        Ok(self.leader_elect.then(|| Candidacy {
            namespace: self.namespace.clone(),
            identity,
            term,
            clock: jiff::Timestamp::now,
        }))
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: SignedDuration = text.parse().map_err(|_| "expected a duration, such as 15s or 500ms".to_owned())?;
    Duration::try_from(duration).map_err(|_| "a duration is not negative".to_owned())
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

    fn candidacy(line: &[&str]) -> Result<Option<Candidacy>, String> {
        let line = Line::try_parse_from(["test"].iter().chain(line)).map_err(|error| error.to_string())?;
        line.arguments.candidacy("me".to_owned()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn one_of_several_leads_unless_it_is_said_that_there_is_only_one() {
        assert_eq!(candidacy(&[]).unwrap().unwrap().term, Term::default());
        assert!(candidacy(&["--leader-elect"]).unwrap().is_some());
        assert!(candidacy(&["--leader-elect=false"]).unwrap().is_none());
    }

    #[test]
    fn times_that_do_not_go_together_are_refused_with_the_reason() {
        let refused = candidacy(&["--lease-duration", "5s"]).unwrap_err();

        assert!(refused.ends_with(": the renew deadline has to be shorter than the lease"), "{refused}");
        for text in ["5", "-5s", "soon"] {
            assert!(candidacy(&[&format!("--lease-duration={text}")]).unwrap_err().contains("duration"), "{text}");
        }
    }
}
