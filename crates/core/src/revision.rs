//! What makes two definitions of a SidecarSet the same one.

mod encoding;
mod hash;
mod recorded;

pub use hash::{Hashes, hashes};
pub use recorded::{Record, in_force};
