//! What the scenarios share.

use super::Settings;
use super::account::{self, BARE, OPERATOR};
use super::devcluster::Devcluster;
use super::fleet::Fleet;
use super::metrics::Requests;
use super::operator::{Launch, Operator};
use super::store::Store;
use crate::process::{self, Usage};
use kube::Client;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::task::block_in_place;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

/// The machine is at rest when all its processors together have worked for less than this, in as many seconds one after the
/// other.
const AT_REST: Duration = Duration::from_millis(300);
const CALM: u32 = 2;
const AT_REST_WITHIN: Duration = Duration::from_secs(60);

/// The cluster, and how everybody reaches it.
pub(crate) struct Bench {
    pub(crate) admin: Client,
    /// The client of the one who patches Pods by hand.
    pub(crate) bare: Client,
    pub(crate) fleet: Fleet,
    launch: Launch,
    images: AtomicU32,
    // The last one, for it is to go down last.
    pub(crate) cluster: Devcluster,
}

/// What everything stood at.
pub(crate) struct Sample {
    at: Instant,
    usage: Usage,
    requests: Requests,
}

/// What was used since a [`Sample`].
pub(crate) struct Used {
    pub(crate) seconds: f64,
    pub(crate) usage: Usage,
    pub(crate) requests: Requests,
}

impl Bench {
    /// Starts a cluster with everything in it but the operator.
    pub(crate) async fn up(settings: &Settings) -> anyhow::Result<Self> {
        say("starting a cluster with simulated nodes");
        let cluster = block_in_place(|| Devcluster::up(&settings.devcluster))?;
        block_in_place(|| cluster.apply(&settings.crd))?;
        let admin = account::admin(&cluster).await?;
        OPERATOR.register(&admin).await?;
        BARE.register(&admin).await?;
        let store = Store::new(&cluster.status.etcd)?;
        Ok(Self {
            bare: BARE.client(&cluster).await?,
            fleet: Fleet::open(admin.clone(), store).await?,
            admin,
            launch: Launch { program: settings.operator.clone(), directory: settings.directory.clone() },
            images: AtomicU32::new(1),
            cluster,
        })
    }

    /// Starts the operator and waits until it is ready.
    pub(crate) async fn start_operator(&self) -> anyhow::Result<Operator> {
        self.start_operator_towards(&self.cluster.status.apiserver).await
    }

    /// Starts the operator with another address for the API server.
    pub(crate) async fn start_operator_towards(&self, server: &str) -> anyhow::Result<Operator> {
        self.launch.start(&OPERATOR.kubeconfig(&self.cluster, server)?).await
    }

    /// Returns an image that no Pod has run yet.
    pub(crate) fn next_image(&self) -> String {
        format!("agent:v{}", self.images.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits until nobody on this machine is busy any more, with what was put into the store or with what was measured before.
    pub(crate) async fn until_at_rest(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut calm = 0;
        while calm < CALM {
            if began.elapsed() > AT_REST_WITHIN {
                say("the machine does not come to rest: what follows may be too slow");
                return Ok(());
            }
            let before = process::busy()?;
            sleep(SECOND).await;
            calm = if process::busy()? - before < AT_REST { calm + 1 } else { 0 };
        }
        Ok(())
    }

    /// Notes what everything stands at.
    pub(crate) async fn sample(&self, operator: &Operator) -> anyhow::Result<Sample> {
        let requests = Requests::count(&self.admin, OPERATOR).await?;
        Ok(Sample { at: Instant::now(), usage: operator.usage()?, requests })
    }

    /// Returns what was used since then.
    pub(crate) async fn used(&self, operator: &Operator, since: &Sample) -> anyhow::Result<Used> {
        let (seconds, usage) = (since.at.elapsed().as_secs_f64(), operator.usage()? - since.usage);
        Ok(Used { seconds, usage, requests: Requests::count(&self.admin, OPERATOR).await? - since.requests })
    }
}

/// Says what is being done.
pub(crate) fn say(what: &str) {
    eprintln!("    cluster: {what}");
}
