//! Acting on a cluster from the command line, with an API server that answers as a test says.

#[path = "acting/changes.rs"]
mod changes;
#[path = "acting/completion.rs"]
mod completion;
#[path = "acting/evictions.rs"]
mod evictions;
#[path = "acting/past.rs"]
mod past;
#[path = "acting/script.rs"]
pub mod script;
#[path = "acting/trouble.rs"]
mod trouble;
