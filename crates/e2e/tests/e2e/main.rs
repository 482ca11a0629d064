//! The operator on a real cluster, seen from outside. `make test` brings up the cluster, installs the operator
//! and runs these; each works in a namespace of its own.

mod api;
mod canary;
mod cluster;
mod guide;
mod hot;
mod injection;
mod lazy;
mod metadata;
mod native;
mod operator;
mod pause;
mod repair;
mod resources;
mod revisions;
mod rollout;
mod validation;
