//! What holds in every world in which an image never starts.

use super::strategy;
use super::world::{DEADLINE, World};
use crate::trials::trials;
use proptest::prelude::*;

/// What may happen at any time.
#[derive(Debug, Clone)]
enum Event {
    /// The operator looks at the set; its status may be lost, and it may die thereafter.
    Round {
        is_lost: bool,
        dies: bool,
    },
    Kubelet(usize),
    Wait(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (prop::bool::weighted(0.3), prop::bool::weighted(0.3))
            .prop_map(|(is_lost, dies)| Event::Round { is_lost, dies }),
        4 => (0..12_usize).prop_map(Event::Kubelet),
        1 => (1..DEADLINE).prop_map(Event::Wait),
    ]
}

fn happen(world: &mut World, event: &Event) {
    match *event {
        Event::Round { is_lost, dies } => {
            world.is_status_lost = is_lost;
            world.round();
            world.is_status_lost = false;
            if dies {
                world.restart();
            }
        }
        Event::Kubelet(at) => world.kubelet(at % world.pods.len()),
        Event::Wait(seconds) => world.wait(seconds),
    }
}

proptest! {
    #![proptest_config(trials(12))]

    #[test]
    fn an_image_that_never_starts_reaches_few_pods_whatever_happens(
        pods in 1..8_usize, threshold in 1..4_usize, more in 0..3_usize, events in prop::collection::vec(event(), 0..60),
    ) {
        let max_unavailable = threshold + more;
        let mut world = World::new(pods, &strategy("Halt", threshold, max_unavailable));
        world.release("agent:bad");

        let mut halted_at = None;
        for event in &events {
            happen(&mut world, event);
            if world.reason("Progressing") == "Halted" {
                let reached = world.with_image("agent:bad");
                prop_assert_eq!(*halted_at.get_or_insert(reached), reached);
            }
        }
        world.kubelets();
        world.wait(2 * DEADLINE);
        world.run(3);
        world.wait(2 * DEADLINE);
        world.run(3);

        prop_assert!(world.with_image("agent:bad") <= max_unavailable);
        let can_fail = pods >= threshold;
        prop_assert_eq!(world.reason("Progressing") == "Halted", can_fail);
    }

    #[test]
    fn a_rollback_ends_with_every_pod_as_it_was_whatever_happens(
        pods in 1..8_usize, threshold in 1..4_usize, more in 0..3_usize, events in prop::collection::vec(event(), 0..60),
    ) {
        prop_assume!(pods >= threshold);
        let mut world = World::new(pods, &strategy("Rollback", threshold, threshold + more));
        world.release("agent:bad");

        for event in &events {
            happen(&mut world, event);
        }
        for _ in 0..3 {
            world.run(2 * pods);
            world.wait(2 * DEADLINE);
        }
        world.run(2 * pods);

        prop_assert_eq!((world.with_image("agent:v1"), world.ready()), (pods, pods));
        prop_assert_eq!(world.reason("Progressing"), "RolledBack");
        prop_assert_eq!(world.new_pod().0, "agent:v1");
        world.release("agent:v2");
        world.run(2 * pods);
        prop_assert_eq!((world.with_image("agent:v2"), world.ready()), (pods, pods));
        prop_assert_eq!(world.reason("Progressing"), "Complete");
    }
}
