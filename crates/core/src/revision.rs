//! What makes two definitions of a SidecarSet the same one, and the past definitions that are remembered.

mod choice;
mod difference;
mod draft;
mod encoding;
mod failure;
mod fingerprint;
mod hash;
mod history;
mod next;
mod pin;
mod recorded;
mod stored;

pub use choice::{choices, choose, draw};
pub(crate) use difference::differences;
pub use difference::{Difference, Extent};
pub use draft::Draft;
pub use failure::Failure;
pub(crate) use failure::returning;
pub use fingerprint::Fingerprint;
pub use hash::{Hashes, hashes};
pub use history::{History, Revisions};
pub use next::{Change, NewRevision, Taken, Update, changes, taken_by};
pub(crate) use pin::PATH as PIN_PATH;
pub use pin::{Asked, Pin, PinPolicy, Unusable, Why};
pub use recorded::{Record, Recorded, in_force};
pub use stored::{DEFINITION, Revision, Unreadable};
