//! The operator on a real cluster, seen from outside. `make test` brings up the cluster, installs the operator
//! and runs these; each works in a namespace of its own.

mod acting;
mod api;
mod blast_radius;
mod canary;
#[path = "../../../core/tests/core/case.rs"]
#[expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
mod case;
mod cluster;
mod contention;
mod degraded;
mod documentation;
mod events;
mod examples;
mod failure;
mod faults;
mod full_disk;
mod guide;
mod ha;
mod history;
mod hot;
mod injection;
mod lazy;
mod metadata;
mod midway;
mod native;
mod neighbour;
mod not_injected;
mod operator;
mod ordering;
mod pause;
mod podlike;
mod refused;
mod relabeling;
mod repair;
mod resizing;
mod resources;
mod revisions;
mod rollout;
mod simulated;
mod spellings;
mod upgradable;
mod validation;
mod views;
mod waiting;
mod whole_pod;
