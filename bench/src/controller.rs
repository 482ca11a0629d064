//! What the controller costs by itself, against an API server in memory: with the number of Pods, with the number of sets,
//! while Pods change, in a rollout, and while nothing happens.
//!
//! The controller is a process of its own: this program, started once more with [`ARGUMENT`].

mod child;
mod cluster;
mod objects;
mod scene;
mod server;
mod told;

pub use child::{ARGUMENT, run as run_process};
pub use told::sections;

use scene::{Change, PACE, Scene, Used};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::runtime::Runtime;

/// How much is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether a few worlds are enough, and a short while in each.
    pub is_quick: bool,
}

/// What was measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Results {
    /// Controllers that were started, each in another world.
    pub starts: Vec<Start>,
    /// What changes of Pods cost.
    pub changes: Vec<Changes>,
    /// A while in which nothing happened.
    pub idle: Idle,
    /// Upgrades of all Pods, in the worlds that are large enough.
    pub rollouts: Vec<Rollout>,
}

/// A world: so many Pods in so many sets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// How many Pods there are.
    pub pods: usize,
    /// How many sets they are spread over. With none, no set selects them.
    pub sets: usize,
}

/// What a start came to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Start {
    /// Where it was.
    pub world: World,
    /// The time from the start of the process until it knew all objects.
    pub ready: Duration,
    /// What it held in bytes, when it had come to rest.
    pub resident: u64,
    /// The most that it held until then.
    pub peak: u64,
    /// The time on a processor until then.
    pub cpu: Duration,
    /// What it held after it had listed all Pods again, three times.
    pub resident_after_lists: u64,
    /// The most that it held until then.
    pub peak_after_lists: u64,
}

/// What a Pod does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// It turns ready, or no longer is.
    Readiness,
    /// Something changes that nobody asks about.
    Irrelevant,
}

/// What changes of Pods came to, at a hundred in a second.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Changes {
    /// Where it was.
    pub world: World,
    /// What the Pods did.
    pub what: What,
    /// The time on a processor for each change.
    pub cpu: Duration,
    /// The writes of the status of a set, in a second.
    pub writes_per_second: f64,
}

/// What a while came to in which nothing happened.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Idle {
    /// Where it was.
    pub world: World,
    /// Thousandths of a processor.
    pub millicores: f64,
    /// How often its threads were woken, in a second.
    pub wakeups_per_second: f64,
    /// How many requests it made.
    pub requests: u64,
}

/// What the upgrade of all Pods came to.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Rollout {
    /// Where it was.
    pub world: World,
    /// How long it took.
    pub time: Duration,
    /// The time on a processor for each Pod.
    pub cpu: Duration,
    /// The requests for each Pod.
    pub requests: f64,
    /// The most that it held until then, in bytes.
    pub peak: u64,
}

/// The worlds to measure in: those that grow in Pods, those that grow in sets, and one whose Pods no set selects.
const WORLDS: [World; 9] = [
    World { pods: 0, sets: 1 },
    World { pods: 100, sets: 1 },
    World { pods: 1_000, sets: 1 },
    World { pods: 10_000, sets: 1 },
    World { pods: 50_000, sets: 1 },
    World { pods: 10_000, sets: 50 },
    World { pods: 10_000, sets: 500 },
    World { pods: 10_000, sets: 0 },
    World { pods: 50_000, sets: 0 },
];
const QUICK_WORLDS: [World; 3] =
    [World { pods: 0, sets: 1 }, World { pods: 500, sets: 1 }, World { pods: 5_000, sets: 1 }];

/// The world in which nothing happens for a while. In it and in larger ones, all Pods are upgraded at last.
const USUAL: World = World { pods: 10_000, sets: 1 };
const QUICK_USUAL: World = World { pods: 5_000, sets: 1 };

impl Settings {
    fn usual(self) -> World {
        if self.is_quick { QUICK_USUAL } else { USUAL }
    }
}

/// Measures, in half a minute or three minutes.
///
/// # Errors
/// The controller ended, or never came to rest.
pub fn run(settings: &Settings) -> anyhow::Result<Results> {
    Runtime::new()?.block_on(async {
        let mut results = Results::default();
        let worlds: &[World] = if settings.is_quick { &QUICK_WORLDS } else { &WORLDS };
        for world in worlds {
            visit(*world, *settings, &mut results).await?;
        }
        Ok(results)
    })
}

async fn visit(world: World, settings: Settings, results: &mut Results) -> anyhow::Result<()> {
    let scene = Scene::new(world.pods, world.sets).await?;
    let (memory, usage) = (scene.memory()?, scene.usage()?);
    for what in [What::Readiness, What::Irrelevant] {
        if world.pods > 0 {
            results.changes.push(change(&scene, world, what, settings).await?);
        }
    }
    if world == settings.usual() {
        results.idle = idle(&scene, settings).await?;
    }
    for _ in 0..3 {
        scene.list_again().await?;
    }
    let later = scene.memory()?;
    results.starts.push(Start {
        world,
        ready: scene.start,
        resident: memory.resident,
        peak: memory.peak,
        cpu: usage.cpu,
        resident_after_lists: later.resident,
        peak_after_lists: later.peak,
    });
    if world.sets == 1 && world.pods >= settings.usual().pods {
        results.rollouts.push(roll_out(&scene, world).await?);
    }
    Ok(())
}

async fn change(scene: &Scene, world: World, what: What, settings: Settings) -> anyhow::Result<Changes> {
    let seconds = if settings.is_quick { 2 } else { 4 };
    let change = match what {
        What::Readiness => Change::Readiness,
        What::Irrelevant => Change::Irrelevant,
    };
    let used = scene.churn(change, seconds * PACE).await?;
    scene.calm_down().await?;
    let writes_per_second = per_second(used.requests.statuses, used);
    Ok(Changes { world, what, cpu: used.usage.cpu / (seconds * PACE), writes_per_second })
}

async fn idle(scene: &Scene, settings: Settings) -> anyhow::Result<Idle> {
    let used = scene.rest(Duration::from_secs(if settings.is_quick { 3 } else { 10 })).await?;
    Ok(Idle {
        world: settings.usual(),
        millicores: used.usage.cpu.as_secs_f64() / used.time.as_secs_f64() * 1000.0,
        wakeups_per_second: per_second(used.usage.wakeups, used),
        requests: used.requests.all,
    })
}

async fn roll_out(scene: &Scene, world: World) -> anyhow::Result<Rollout> {
    let used = scene.roll_out("set-0", 2).await?;
    let pods = u32::try_from(world.pods).expect("there are a few thousand");
    Ok(Rollout {
        world,
        time: used.time,
        cpu: used.usage.cpu / pods,
        requests: used.requests.all as f64 / f64::from(pods),
        peak: scene.memory()?.peak,
    })
}

fn per_second(count: u64, used: Used) -> f64 {
    count as f64 / used.time.as_secs_f64()
}
