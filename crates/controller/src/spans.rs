//! What is traced, where somebody listens: looks at sets, and the upgrades of Pods that they lead to. Spans have the level
//! of what is hidden, so that they cost next to nothing otherwise, and come into no log.

use sidecarset_core::record::PodKey;
use sidecarset_core::rollout::Step;
use tracing::field::Empty;
use tracing::{Span, debug_span};

/// The target of all spans.
pub const TARGET: &str = module_path!();

/// Returns the span of a look at a set.
pub(crate) fn round(set: &str) -> Span {
    debug_span!(parent: None, "round", sidecarset.name = set, matched = Empty, held = Empty, upgrades = Empty)
}

/// Tells what a look at a set has come to.
pub(crate) fn decided(matched: usize, held: usize, upgrades: usize) {
    let span = Span::current();
    span.record("matched", matched);
    span.record("held", held);
    span.record("upgrades", upgrades);
}

/// Returns the span of an upgrade, as a part of the look that led to it.
pub(crate) fn upgrade(pod: &PodKey, step: Step) -> Span {
    let (namespace, name) = (pod.namespace(), pod.name());
    debug_span!("upgrade", k8s.namespace.name = namespace, k8s.pod.name = name, step = ?step, result = Empty)
}

/// Tells what an upgrade has come to.
pub(crate) fn ended(result: &'static str) {
    Span::current().record("result", result);
}
