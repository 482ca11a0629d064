//! What is told to people as an event, beside the status: what changed, once. Nothing depends on an event being written.

mod outcome;
mod rollout;

pub use outcome::{clashed, reset, reset_failed};
pub use rollout::Narrator;

use crate::record::{PodKey, Uid};
use std::sync::Arc;

/// An event before it has a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// What it is about.
    pub subject: Subject,
    /// Whether somebody should look.
    pub kind: EventKind,
    /// The reason, in one word of CamelCase.
    pub reason: String,
    /// What the operator was doing.
    pub action: &'static str,
    /// What a person reads.
    pub note: String,
}

/// The most bytes that the API server takes as the text of an event.
const LONGEST_NOTE: usize = 1024;

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A SidecarSet.
    Set {
        /// The name.
        name: Arc<str>,
        /// Which object of that name.
        uid: Option<Arc<str>>,
    },
    /// A Pod.
    Pod {
        /// The namespace and name.
        key: PodKey,
        /// Which object of that name.
        uid: Uid,
    },
}

/// Whether somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// It is as it should be.
    Normal,
    /// A person should look.
    Warning,
}

/// Returns as much of a text as an event may have. What it is made of may be of any length, and events wait in a queue.
fn shortened(note: String) -> String {
    if note.len() <= LONGEST_NOTE {
        return note;
    }
    let end = note.floor_char_boundary(LONGEST_NOTE - '…'.len_utf8());
    note.get(..end).unwrap_or_default().to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_is_cut_between_two_letters() {
        let note = shortened("ä".repeat(1000));

        assert_eq!((note.len(), note.chars().last()), (1023, Some('…')));
        assert_eq!(shortened("short".to_owned()), "short");
    }
}
