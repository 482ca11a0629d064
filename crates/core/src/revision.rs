//! What makes two definitions of a SidecarSet the same one, and the past definitions that are remembered.

mod encoding;
mod fingerprint;
mod hash;
mod history;
mod recorded;
mod stored;

pub use fingerprint::Fingerprint;
pub use hash::{Hashes, hashes};
pub use history::Revisions;
pub use recorded::{Record, in_force};
pub use stored::{Revision, Unreadable};
