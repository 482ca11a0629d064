//! The cluster that a person speaks of, and what is told when it does not answer.

use super::failure::Failure;
use clap::Args;
use kube::client::ClientBuilder;
use kube::client::retry::RetryPolicy;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;
use tower::buffer::BufferLayer;
use tower::retry::RetryLayer;

/// How long it may take to reach the API server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How many requests may wait for each other to be sent.
const QUEUE: usize = 64;

/// Which cluster is meant.
#[derive(Debug, Clone, Args)]
pub struct ClusterArguments {
    /// The kubeconfig; without it, $KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig; without it, its current one
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    context: Option<String>,

    /// The namespace of Pods
    #[arg(short, long, value_name = "NAME", help_heading = "Cluster")]
    namespace: Option<String>,
}

/// Which Pods are meant, of those of all namespaces.
#[derive(Debug, Clone, Copy, Args)]
pub struct ScopeArguments {
    /// The Pods of all namespaces, which is what is meant without --namespace
    #[arg(short = 'A', long, conflicts_with = "namespace", help_heading = "Cluster")]
    all_namespaces: bool,
}

/// A cluster.
#[derive(Clone)]
pub struct Cluster {
    /// What speaks to it.
    pub client: Client,
    /// What speaks to it and repeats nothing: that an eviction is not allowed now is an answer, and not a busy API server.
    pub once: Client,
    /// The namespace that a person named.
    pub namespace: Option<String>,
    /// The namespace that is meant where nobody names one.
    pub default_namespace: String,
    server: String,
}

impl ClusterArguments {
    /// Says which cluster is meant, in the place of a command line.
    pub fn new(kubeconfig: Option<String>, context: Option<String>, namespace: Option<String>) -> Self {
        Self { kubeconfig: kubeconfig.map(PathBuf::from), context, namespace }
    }

    /// Makes ready to speak to the cluster. Nothing is asked yet.
    ///
    /// # Errors
    /// There is no kubeconfig, or it cannot be used.
    pub async fn connect(&self) -> anyhow::Result<Cluster> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let mut config = match &self.kubeconfig {
            Some(path) => from_file(path, &options).await?,
            None => inferred(&options).await?,
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        let server = config.cluster_url.to_string();
        let default_namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        crate::install_crypto()?;
        let unusable = |error: kube::Error| Failure::new(format!("cannot use the kubeconfig: {error}"));
        config.default_retry = false;
        let once = Client::try_from(config.clone()).map_err(unusable)?;
        let client = patient(config).map_err(unusable)?;
        let server = server.trim_end_matches('/').to_owned();
        Ok(Cluster { client, once, namespace: self.namespace.clone(), default_namespace, server })
    }
}

/// Makes what asks a busy API server again, three times within some seconds.
// The retries of kube itself go on for minutes, in which a person would see nothing.
fn patient(config: Config) -> kube::Result<Client> {
    let sends = ClientBuilder::try_from(config)?;
    // What sends a request again has to be cloned for it.
    let queued = sends.with_layer(&BufferLayer::new(QUEUE));
    Ok(queued.with_layer(&RetryLayer::new(RetryPolicy::default())).build())
}

impl Cluster {
    /// Turns what went wrong into a sentence for people.
    pub fn told(&self, error: kube::Error) -> Failure {
        match error {
            kube::Error::Api(status) => answered(&status),
            error => self.unanswered(&error),
        }
    }

    fn unanswered(&self, error: &kube::Error) -> Failure {
        let mut cause: &dyn Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        Failure::new(format!("failed to reach the API server at {}: {cause}", self.server))
            .hinting("is the cluster up, and is this the right kubeconfig or --context?")
    }
}

/// An API server without our definition does not know the path, and says so in its own form.
fn answered(status: &kube::core::Status) -> Failure {
    let is_of_an_object = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
    if status.code == 404 && !is_of_an_object {
        return Failure::new("the server doesn't have a resource type \"sidecarsets\"").hinting(
            "the definition of SidecarSet is missing: `sidecarset crd | kubectl apply --server-side -f -` installs it",
        );
    }
    let failure = Failure::answered(status);
    match status.code {
        401 => failure.hinting("the API server does not know you: are the credentials of the kubeconfig still good?"),
        403 => failure.hinting("you may not do this: `kubectl auth can-i --list` says what you may"),
        _ => failure,
    }
}

async fn from_file(path: &PathBuf, options: &KubeConfigOptions) -> anyhow::Result<Config> {
    let shown = path.display();
    let file = Kubeconfig::read_from(path)
        .map_err(|error| Failure::new(format!("failed to read the kubeconfig {shown}: {}", told(&error))))?;
    let config = Config::from_custom_kubeconfig(file, options).await;
    Ok(config.map_err(|error| Failure::new(format!("failed to use the kubeconfig {shown}: {}", told(&error))))?)
}

async fn inferred(options: &KubeConfigOptions) -> anyhow::Result<Config> {
    match Config::from_kubeconfig(options).await {
        Ok(config) => Ok(config),
        // As kubectl does in a Pod.
        Err(_)
            if options.context.is_none()
                && let Ok(config) = Config::incluster() =>
        {
            Ok(config)
        }
        Err(error) => Err(Failure::new(format!("found no kubeconfig that can be used: {}", told(&error)))
            .hinting("name one by --kubeconfig or $KUBECONFIG")
            .into()),
    }
}

fn told(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, path) => format!("{}: {error}", path.display()),
        error => error.to_string(),
    }
}
