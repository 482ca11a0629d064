//! What is done, one after the other.

use super::bench::{Bench, say};
use super::churn::Churn;
use super::creation::Load;
use super::failing::Failing;
use super::idle::Idle;
use super::rollout::Plan;
use super::start::Start;
use super::{Results, Size, bare};
use anyhow::{Context, ensure};
use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the operator may take to know what is there already.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// The new Pods.
    creation: Load,
    /// The Pods of the rollouts beside a bare client.
    pods: usize,
    /// Those of the other rollouts of one set.
    few: &'static [usize],
    /// With how many Pods the operator is started.
    starts: &'static [usize],
    /// How often it lists everything again.
    relists: usize,
    /// The shares of the few Pods that may be unavailable, one rollout each.
    shares: &'static [&'static str],
    /// How many sets share some Pods, and how many these are.
    sets: &'static [(usize, usize)],
    /// For how long nothing happens.
    idle: Duration,
}

/// The scenarios on one cluster.
pub(crate) struct Scenarios<'a> {
    pub(crate) bench: &'a Arc<Bench>,
    pub(crate) scale: Scale,
    /// What is not begun by then is left out.
    pub(crate) until: Instant,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
enum Scenario {
    /// New Pods, with one webhook or another.
    Creation,
    /// A start of the operator with so many Pods.
    Start(usize),
    /// Rollouts, beside a bare client.
    Rollouts,
    /// Rollouts to so many Pods with less and less of them unavailable, and of an image that does not exist.
    Shares(usize),
    /// What else needs no more than so many Pods.
    Few(usize),
    /// So many sets that share so many Pods.
    Sets(usize, usize),
}

impl Scale {
    pub(crate) fn of(size: Size) -> Self {
        match size {
            Size::Quick => Self {
                creation: Load { kilobytes: &[3], at_once: &[16], length: Duration::from_secs(2) },
                pods: 500,
                few: &[],
                starts: &[1_000],
                relists: 0,
                shares: &[],
                sets: &[],
                idle: Duration::from_secs(5),
            },
            Size::Full => Self {
                creation: Load { kilobytes: &[3, 20], at_once: &[1, 16], length: Duration::from_secs(5) },
                pods: 10_000,
                few: &[2_000],
                starts: &[10_000, 50_000],
                relists: 3,
                shares: &["100%", "10%", "1%"],
                sets: &[(50, 2_500), (500, 2_500)],
                idle: Duration::from_secs(60),
            },
        }
    }
}

impl Scale {
    fn scenarios(self) -> Vec<Scenario> {
        let [first, rest @ ..] = self.starts else { return Vec::new() };
        let begin = [Scenario::Creation, Scenario::Start(*first), Scenario::Rollouts];
        let few = self.few.iter().flat_map(|pods| [Scenario::Shares(*pods), Scenario::Few(*pods)]);
        let sets = self.sets.iter().map(|(sets, pods)| Scenario::Sets(*sets, *pods));
        let starts = rest.iter().map(|pods| Scenario::Start(*pods));
        begin.into_iter().chain(few).chain(starts).chain(sets).collect()
    }
}

impl Scenarios<'_> {
    /// Does everything, what matters most first. What fails is noted, and is no reason to leave the rest.
    pub(crate) async fn run(&self, results: &mut Results) {
        for scenario in self.scale.scenarios() {
            let ended = match self.has_time() {
                Ok(()) => self.play(scenario, results).await,
                Err(late) => Err(late),
            };
            if let Err(error) = ended {
                let failure = format!("{scenario}: {error:#}");
                say(&failure);
                results.failures.push(failure);
            }
        }
    }

    async fn play(&self, scenario: Scenario, results: &mut Results) -> anyhow::Result<()> {
        match scenario {
            Scenario::Creation => self.creation(results).await,
            Scenario::Start(pods) => self.start(pods, results).await,
            Scenario::Rollouts => self.rollouts(results).await,
            Scenario::Shares(pods) => self.shares(pods, results).await,
            Scenario::Few(pods) => self.few_pods(pods, results).await,
            Scenario::Sets(sets, pods) => self.many_sets(sets, pods, results).await,
        }
    }

    fn has_time(&self) -> anyhow::Result<()> {
        ensure!(Instant::now() < self.until, "left out, because the time was up");
        Ok(())
    }

    /// Leaves this many Pods there, split between sets, and no operator.
    async fn prepare(&self, sets: usize, pods: usize) -> anyhow::Result<()> {
        say(&format!("putting {pods} pods of {sets} sets into the store"));
        self.bench.fleet.clear().await?;
        let operator = self.bench.start_operator().await?;
        self.bench.fleet.create_sets(sets, &self.bench.next_image()).await?;
        let templates = self.bench.fleet.templates(sets).await?;
        operator.stop().await?;
        self.bench.fleet.fill_all(&templates, pods).await?;
        self.bench.until_at_rest().await
    }

    async fn creation(&self, results: &mut Results) -> anyhow::Result<()> {
        results.starts.push(Start::measure(self.bench, 0, 0).await?);
        results.creations = self.scale.creation.measure(self.bench).await?;
        Ok(())
    }

    /// Rollouts by the operator, and patches of the very same Pods by a bare client: fresh ones, without what earlier upgrades
    /// leave on a Pod, would take the API server less time.
    async fn rollouts(&self, results: &mut Results) -> anyhow::Result<()> {
        let pods = self.scale.pods;
        self.prepare(1, pods).await?;
        let operator = self.bench.start_operator().await?;
        self.bench.fleet.until_counted(1, pods, SETTLED_WITHIN).await?;
        results.idle = Some(Idle::measure(self.bench, &operator, pods, self.scale.idle).await?);
        let plan = Plan { name: "", sets: 1, pods, max_unavailable: "100%" };
        results.rollouts.push(Plan { name: "first of its Pods", ..plan }.run(self.bench, &operator).await?);
        operator.stop().await?;
        results.bare.push(bare::patch_all(self.bench, plan.limit()).await?);
        let operator = self.bench.start_operator().await?;
        results.rollouts.push(plan.run(self.bench, &operator).await?);
        operator.stop().await?;
        results.bare.push(bare::patch_all(self.bench, plan.limit()).await?);
        Ok(())
    }

    async fn shares(&self, pods: usize, results: &mut Results) -> anyhow::Result<()> {
        self.prepare(1, pods).await?;
        let operator = self.bench.start_operator().await?;
        self.bench.fleet.until_counted(1, pods, SETTLED_WITHIN).await?;
        for max_unavailable in self.scale.shares {
            self.has_time().with_context(|| format!("maxUnavailable {max_unavailable}"))?;
            let plan = Plan { name: "", sets: 1, pods, max_unavailable };
            results.rollouts.push(plan.run(self.bench, &operator).await?);
        }
        results.failing = Some(Failing::measure(self.bench, pods).await?);
        operator.stop().await
    }

    /// What else needs no more than a few Pods.
    async fn few_pods(&self, pods: usize, results: &mut Results) -> anyhow::Result<()> {
        self.prepare(1, pods).await?;
        let plan = Plan { name: "bytes counted", sets: 1, pods, max_unavailable: "100%" };
        results.rollouts.push(plan.run_counting_bytes(self.bench).await?);
        let operator = self.bench.start_operator().await?;
        self.bench.fleet.until_counted(1, pods, SETTLED_WITHIN).await?;
        let churn = Churn::start(self.bench);
        let plan = Plan { name: "while Pods come and go", ..plan };
        results.rollouts.push(plan.run_amid(Some(churn), self.bench, &operator).await?);
        operator.stop().await
    }

    async fn many_sets(&self, sets: usize, pods: usize, results: &mut Results) -> anyhow::Result<()> {
        self.prepare(sets, pods).await?;
        let operator = self.bench.start_operator().await?;
        self.bench.fleet.until_counted(sets, pods, SETTLED_WITHIN).await?;
        let all = Plan { name: "all sets at once", sets, pods, max_unavailable: "100%" };
        results.rollouts.push(all.run(self.bench, &operator).await?);
        let one = Plan { name: "one set, the others idle", sets: 1, pods: pods / sets, ..all };
        results.rollouts.push(one.run(self.bench, &operator).await?);
        operator.stop().await
    }

    async fn start(&self, pods: usize, results: &mut Results) -> anyhow::Result<()> {
        self.prepare(1, pods).await?;
        results.starts.push(Start::measure(self.bench, pods, self.scale.relists).await?);
        Ok(())
    }
}

impl Display for Scenario {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Creation => write!(out, "new pods"),
            Self::Start(pods) => write!(out, "a start with {pods} pods"),
            Self::Rollouts => write!(out, "rollouts"),
            Self::Shares(pods) => write!(out, "shares of {pods} pods"),
            Self::Few(pods) => write!(out, "{pods} pods: bytes, and pods that come and go"),
            Self::Sets(sets, pods) => write!(out, "{sets} sets that share {pods} pods"),
        }
    }
}
