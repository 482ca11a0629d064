//! What holds in every world of Pods with pairs, with kubelets that take their time and images that never start.

use super::pod::{HotPod, Kubelet};
use super::{hot, plan_all};
use crate::build::sidecar_set;
use proptest::prelude::*;
use serde_json::json;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::rollout::{self, Plan, Upgrade};

/// The sidecars that are upgraded hot: a container and an init container.
const PAIRS: [&str; 2] = ["envoy", "mesh"];

/// What happens in the world.
#[derive(Debug, Clone)]
enum Event {
    /// Somebody writes the set.
    Release(Release),
    /// The kubelet acts on a container.
    Kubelet { pod: usize, container: usize, outcome: Kubelet },
    /// The operator looks at the set, for the first time as far as it knows, and some of its writes are taken.
    Round { taken: u8 },
}

#[derive(Debug, Clone, Copy)]
struct Release {
    envoy: u8,
    mesh: u8,
    agent: u8,
    is_paused: bool,
    version: u16,
}

/// The last image never starts.
const BAD: u8 = 3;

fn release(highest: u8) -> impl Strategy<Value = Release> {
    (0..=highest, 0..=highest, 0..3_u8, prop::bool::weighted(0.1), any::<u16>())
        .prop_map(|(envoy, mesh, agent, is_paused, version)| Release { envoy, mesh, agent, is_paused, version })
}

fn event() -> impl Strategy<Value = Event> {
    let outcome = prop_oneof![Just(Kubelet::Runs), Just(Kubelet::Starts)];
    prop_oneof![
        1 => release(BAD).prop_map(Event::Release),
        6 => (0..4_usize, 0..6_usize, outcome)
            .prop_map(|(pod, container, outcome)| Event::Kubelet { pod, container, outcome }),
        4 => any::<u8>().prop_map(|taken| Event::Round { taken }),
    ]
}

impl Release {
    const FIRST: Self = Self { envoy: 0, mesh: 0, agent: 0, is_paused: false, version: 100 };

    fn set(self, max_unavailable: usize) -> CanonicalSet {
        let mut mesh = hot("mesh", &format!("mesh:{}", self.mesh));
        mesh["restartPolicy"] = "Always".into();
        let agent = json!({"name": "agent", "image": format!("agent:{}", self.agent)});
        sidecar_set()
            .spec("containers", json!([hot("envoy", &format!("envoy:{}", self.envoy)), agent]))
            .spec("initContainers", json!([mesh]))
            .strategy("maxUnavailable", max_unavailable)
            .strategy("paused", self.is_paused)
            .version(self.version.into())
            .build()
    }
}

struct World {
    pods: Vec<HotPod>,
    set: CanonicalSet,
    max_unavailable: usize,
}

impl World {
    fn new(pods: usize, max_unavailable: usize) -> Self {
        let set = Release::FIRST.set(max_unavailable);
        let pods = (0..pods).map(|at| HotPod::new(&format!("pod-{at}"), &set)).collect();
        Self { pods, set, max_unavailable }
    }

    fn happen(&mut self, event: &Event) -> Result<(), TestCaseError> {
        match *event {
            Event::Release(release) => self.set = release.set(self.max_unavailable),
            Event::Kubelet { pod, container, outcome } => {
                let at = pod % self.pods.len();
                let names = self.pods[at].names();
                self.act(at, &names[container % names.len()], outcome);
            }
            Event::Round { taken } => {
                self.round(taken)?;
            }
        }
        Ok(())
    }

    /// Lets the kubelet act where there is something to do. It never interrupts what runs as it should.
    fn act(&mut self, pod: usize, container: &str, outcome: Kubelet) {
        let pod = &mut self.pods[pod];
        if pod.is_healthy(container) {
            return;
        }
        let is_bad = pod.image(container).ends_with(&format!(":{BAD}"));
        // What is no pair starts at once: a Pod that is broken anyway may be upgraded beyond the budget.
        let is_quick = !PAIRS.iter().any(|pair| container.starts_with(pair));
        let outcome = if is_bad {
            Kubelet::Starts
        } else if is_quick {
            Kubelet::Runs
        } else {
            outcome
        };
        pod.kubelet(container, outcome);
    }

    fn all_act(&mut self) {
        for pod in 0..self.pods.len() {
            for container in self.pods[pod].names() {
                self.act(pod, &container, Kubelet::Runs);
            }
        }
    }

    fn plan(&self) -> Plan {
        plan_all(&self.set, &self.pods.iter().collect::<Vec<_>>())
    }

    fn round(&mut self, taken: u8) -> Result<Plan, TestCaseError> {
        let plan = self.plan();
        for (at, step) in plan.steps().enumerate() {
            if taken >> (at % 8) & 1 == 1 {
                self.write(step)?;
            }
        }
        let middle = self.pods.iter().filter(|pod| PAIRS.iter().any(|pair| is_in_the_middle(pod, pair))).count();
        prop_assert!(middle <= self.max_unavailable, "{middle} pods are in the middle");
        Ok(plan)
    }

    fn write(&mut self, step: &Upgrade) -> Result<(), TestCaseError> {
        let pod = self.pods.iter_mut().find(|pod| *pod.name() == *step.pod.name()).unwrap();
        let before = pod.clone();
        pod.write(step, &self.set);
        prop_assert_eq!(pod.image("main"), "nginx:1.15.1");
        for pair in PAIRS {
            let twins = [format!("{pair}-1"), format!("{pair}-2")];
            let changed: Vec<&String> = twins.iter().filter(|twin| pod.image(twin) != before.image(twin)).collect();
            prop_assert!(changed.len() <= 1, "both containers of {} changed", pair);
            // What serves goes on, or the other one serves already.
            let serves = |pod: &HotPod, twin: &str| before.is_healthy(twin) && pod.image(twin) != "empty:1";
            let served = twins.iter().any(|twin| serves(&before, twin));
            let goes_on = |twin: &String| serves(pod, twin) && pod.image(twin) == before.image(twin);
            prop_assert!(!served || twins.iter().any(goes_on), "{} is interrupted", pair);
            let highest = twins.iter().map(|twin| before.versions(twin).0).max().unwrap();
            for twin in changed.into_iter().filter(|twin| pod.image(twin) != "empty:1") {
                prop_assert!(pod.versions(twin).0 > highest, "the version of {} does not grow", twin);
            }
        }
        Ok(())
    }
}

fn waiting(pod: &HotPod, pair: &str) -> String {
    let at_work = pod.at_work(pair);
    [format!("{pair}-1"), format!("{pair}-2")].into_iter().find(|twin| *twin != at_work).unwrap()
}

fn is_in_the_middle(pod: &HotPod, pair: &str) -> bool {
    pod.image(&waiting(pod, pair)) != "empty:1"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_hot_upgrade_ends_and_interrupts_nothing_on_its_way(
        pods in 1..5_usize, max_unavailable in 1..3_usize,
        events in prop::collection::vec(event(), 0..60), last in release(BAD - 1),
    ) {
        let mut world = World::new(pods, max_unavailable);

        for event in &events {
            world.happen(event)?;
        }
        world.happen(&Event::Release(Release { is_paused: false, ..last }))?;
        for _ in 0..8 * (pods + 1) {
            let plan = world.round(u8::MAX)?;
            world.all_act();
            if plan == Plan::default() {
                break;
            }
        }

        prop_assert_eq!(world.plan(), Plan::default());
        for pod in &world.pods {
            prop_assert!(rollout::is_updated(&world.set, &pod.build()) && rollout::is_ready(&world.set, &pod.build()));
            for (pair, image) in [("envoy", last.envoy), ("mesh", last.mesh)] {
                let at_work = pod.at_work(pair);
                prop_assert_eq!(pod.image(&at_work), format!("{pair}:{image}"));
                prop_assert_eq!(pod.versions(&at_work).1, 0);
                prop_assert_eq!(pod.image(&waiting(pod, pair)), "empty:1");
                prop_assert_eq!(pod.versions(&waiting(pod, pair)).0, 0);
            }
            prop_assert_eq!(pod.image("agent"), format!("agent:{}", last.agent));
        }
    }
}
