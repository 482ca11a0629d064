//! What decides which sets are looked at, what follows from that, and when. It reads and writes nothing: what was observed and
//! what was answered is handed in, and so is the time.

mod attempts;
pub mod backoff;
mod driver;
mod index;
mod look;
mod pauses;
mod permits;
mod round;
mod schedule;
mod sets;
mod status_patch;
#[cfg(test)]
mod test_pod;
mod time;

pub use attempts::WriteHold;
pub use driver::{
    ConditionWrite, Driver, Output, PodAnswer, PodNews, PodWrite, Poll, RecordWrite, RevisionAnswer, StatusAnswer,
    StatusWrite, Surroundings, UpgradeWrite, WITHOUT_AMOUNTS,
};
pub use index::{PodCounts, PodIndex, Selectable, Touched};
pub use look::{Decision, Gathered, Look};
pub use round::Round;
pub use schedule::Waiting;
pub use time::{Monotonic, Now};

use attempts::{Attempts, SetAttempts};
use pauses::Pauses;
use schedule::{Rest, Schedule};
use sets::{News, Sets};
