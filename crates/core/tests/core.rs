//! The decisions, seen from outside: whole Pods in, whole Pods out; rollouts; properties.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "core/apart_from_kruise.rs"]
mod apart_from_kruise;
#[path = "core/as_in_kruise.rs"]
mod as_in_kruise;
#[path = "core/at_rest.rs"]
mod at_rest;
#[path = "core/availability.rs"]
mod availability;
#[path = "core/blocking.rs"]
mod blocking;
#[path = "core/build.rs"]
mod build;
#[path = "core/case.rs"]
mod case;
#[path = "core/claims.rs"]
mod claims;
#[path = "core/crash.rs"]
mod crash;
#[path = "core/definitions.rs"]
mod definitions;
#[path = "core/degraded.rs"]
mod degraded;
#[path = "core/events.rs"]
mod events;
#[path = "core/expressions.rs"]
mod expressions;
#[path = "core/failure.rs"]
mod failure;
#[path = "core/fuzz.rs"]
mod fuzz;
#[path = "core/history.rs"]
mod history;
#[path = "core/holds.rs"]
mod holds;
#[path = "core/hot.rs"]
mod hot;
#[path = "core/images.rs"]
mod images;
#[path = "core/injection.rs"]
mod injection;
#[path = "core/kruise.rs"]
mod kruise;
#[path = "core/left_alone.rs"]
mod left_alone;
#[path = "core/merging.rs"]
mod merging;
#[path = "core/neighbours.rs"]
mod neighbours;
#[path = "core/normalization.rs"]
mod normalization;
#[path = "core/ordering.rs"]
mod ordering;
#[path = "core/patterns.rs"]
mod patterns;
#[path = "core/permissions.rs"]
mod permissions;
#[path = "core/pinning.rs"]
mod pinning;
#[path = "core/presence.rs"]
mod presence;
#[path = "core/properties.rs"]
mod properties;
#[path = "core/resizing.rs"]
mod resizing;
#[path = "core/rollout.rs"]
mod rollout;
#[path = "core/selection.rs"]
mod selection;
#[path = "core/status.rs"]
mod status;
#[path = "core/survey.rs"]
mod survey;
#[path = "core/takeover.rs"]
mod takeover;
#[expect(clippy::disallowed_methods, reason = "how long it may take is for whoever runs the tests to say")]
#[path = "core/trials.rs"]
mod trials;
#[path = "core/upgradable.rs"]
mod upgradable;
#[path = "core/validation.rs"]
mod validation;
#[path = "core/whole_pod.rs"]
mod whole_pod;
