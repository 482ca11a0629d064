//! What decides which sets are looked at, what follows from that, and when. It reads and writes nothing: what was observed and
//! what was answered is handed in, and so is the time.

mod attempts;
pub mod backoff;
mod condition_backoff;
mod driver;
mod index;
mod look;
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

use attempts::{InFlightOfSet, InFlightWrites};
use condition_backoff::ConditionBackoff;
use schedule::{Rest, Schedule};
use sets::{News, Sets};
