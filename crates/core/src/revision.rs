//! What makes two definitions of a SidecarSet the same one.

mod encoding;
mod hash;

pub use hash::{Hashes, hashes};
