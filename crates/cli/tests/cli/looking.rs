//! Looking at a cluster from the command line: an API server that has made-up objects, and what is said of them.

#[path = "looking/explain.rs"]
mod explain;
#[path = "looking/plan.rs"]
mod plan;
#[path = "looking/pods.rs"]
mod pods;
#[path = "looking/server.rs"]
pub mod server;
#[path = "looking/status.rs"]
mod status;
#[path = "looking/trouble.rs"]
mod trouble;
#[path = "looking/world.rs"]
pub mod world;
