//! What happens in a history from outside.

use super::chance::Chance;
use super::release::Release;
use std::time::Duration;

/// What happens to a world of Pods. Pods and containers are counted from anywhere.
#[derive(Debug, Clone)]
pub(super) enum Chaos {
    /// Somebody writes the set.
    Release(Release),
    Crash {
        pod: usize,
        container: usize,
    },
    Create,
    Delete {
        pod: usize,
    },
    /// Another Pod takes the place of one, under its name.
    Recreate {
        pod: usize,
    },
    /// A Pod is deleted and stays.
    Terminate {
        pod: usize,
    },
    /// A Pod is evicted and stays.
    Fail {
        pod: usize,
    },
    /// A Pod leaves the selector, or comes back.
    Relabel {
        pod: usize,
    },
    /// Somebody else writes a Pod.
    Annotate {
        pod: usize,
    },
    /// We are killed, and started again.
    Restart,
    /// The watch shows nothing for a while, and what happened meanwhile never, until the Pods are listed again.
    Lose(Duration),
    /// The watch is late from now on.
    Lag(Duration),
    /// The watch shows once more what it has shown.
    Repeat(usize),
    /// The next writes to a Pod go wrong.
    Fault {
        pod: usize,
        fault: Fault,
        times: usize,
    },
    /// The kubelet takes its time from now on.
    Slow(Duration),
}

/// What goes wrong with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is answered with this code.
    Code(u16),
    /// It is done, nobody is told, and it is done so much later than it was asked for.
    DoneLate(Duration),
    /// It is not done, and nobody is told.
    Lost,
}

/// How a world begins, and what happens in it.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) seed: u64,
    pub(super) pods: usize,
    pub(super) first: Release,
    pub(super) events: Vec<(Duration, Chaos)>,
}

impl History {
    /// Returns the history of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let chance = &mut Chance::new(seed);
        let first = Release::first(chance);
        let pods = 1 + chance.below(chance_of_many(seed));
        let mut release = first.clone();
        let events = (0..5 + chance.below(40)).flat_map(|_| scene(chance, &mut release)).collect();
        Self { seed, pods, first, events }
    }

    /// Returns the same without some of what happens.
    pub(super) fn without(&self, from: usize, to: usize) -> Self {
        let mut events = self.events.clone();
        events.drain(from..to);
        Self { events, ..self.clone() }
    }
}

fn chance_of_many(seed: u64) -> usize {
    if seed.is_multiple_of(8) { 12 } else { 5 }
}

/// Returns something that happens; often the set is written while the Pods are listed that the watch has lost.
fn scene(chance: &mut Chance, release: &mut Release) -> Vec<(Duration, Chaos)> {
    let mut scene = vec![(pause(chance), chaos(chance, release))];
    if let (_, Chaos::Lose(time)) = scene[0]
        && chance.one_in(2)
    {
        *release = release.next(chance);
        scene.push((time + chance.millis(0, 2000), Chaos::Release(release.clone())));
    }
    scene
}

fn pause(chance: &mut Chance) -> Duration {
    if chance.one_in(8) { chance.millis(10_000, 40_000) } else { chance.millis(0, 3000) }
}

fn chaos(chance: &mut Chance, release: &mut Release) -> Chaos {
    let pod = chance.below(64);
    match chance.below(32) {
        0..=7 => {
            *release = release.next(chance);
            Chaos::Release(release.clone())
        }
        8 | 9 => Chaos::Crash { pod, container: chance.below(8) },
        10 => Chaos::Create,
        11 => Chaos::Delete { pod },
        12 | 13 => Chaos::Recreate { pod },
        14 => Chaos::Terminate { pod },
        15 => Chaos::Fail { pod },
        16 | 17 => Chaos::Relabel { pod },
        18 | 19 => Chaos::Annotate { pod },
        20 => Chaos::Restart,
        21 | 22 => Chaos::Lose(chance.millis(100, 20_000)),
        23 => Chaos::Lag(chance.millis(0, 8000)),
        24 => Chaos::Repeat(1 + chance.below(4)),
        25 => Chaos::Slow(chance.millis(1000, 8000)),
        _ => Chaos::Fault { pod, fault: fault(chance), times: 1 + chance.below(4) },
    }
}

fn fault(chance: &mut Chance) -> Fault {
    match chance.below(8) {
        0 | 1 => Fault::DoneLate(Duration::ZERO),
        2 => Fault::DoneLate(chance.millis(0, 20_000)),
        3 => Fault::Lost,
        _ => Fault::Code(chance.pick(&[400, 403, 409, 422, 429, 500, 503, 504])),
    }
}
