//! What was told a short while ago: the same again is no news.

use sidecarset_core::event::Event;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// For how long an event is not told again.
const MEMORY: Duration = Duration::from_secs(600);

/// How many are remembered.
const MOST: usize = 500;

/// The events of the last minutes.
#[derive(Debug, Default)]
pub(super) struct Recent {
    told: BTreeSet<Event>,
    order: VecDeque<(Instant, Event)>,
}

impl Recent {
    /// Takes note of an event, and answers whether it is news.
    pub(super) fn note(&mut self, event: &Event, now: Instant) -> bool {
        let is_old = |(at, _): &mut (Instant, Event)| *at + MEMORY <= now;
        while let Some((_, old)) = self.order.pop_front_if(is_old) {
            self.told.remove(&old);
        }
        if !self.told.insert(event.clone()) {
            return false;
        }
        self.order.push_back((now, event.clone()));
        if self.order.len() > MOST
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.told.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidecarset_core::event::{EventKind, Subject};

    fn event(note: &str) -> Event {
        Event {
            subject: Subject::Set { name: "log-sc".into(), uid: None },
            kind: EventKind::Warning,
            reason: "Reason".to_owned(),
            action: "Rollout",
            note: note.to_owned(),
        }
    }

    #[test]
    fn the_same_event_is_told_once_in_ten_minutes() {
        let now = Instant::now();
        let mut recent = Recent::default();

        assert!(recent.note(&event("a"), now));
        assert!(!recent.note(&event("a"), now + Duration::from_secs(599)));
        assert!(recent.note(&event("b"), now));
        assert!(recent.note(&event("a"), now + Duration::from_secs(600)));
    }

    #[test]
    fn no_more_than_five_hundred_are_remembered() {
        let now = Instant::now();
        let mut recent = Recent::default();

        for at in 0..=500 {
            recent.note(&event(&at.to_string()), now);
        }

        assert!(recent.note(&event("0"), now));
        assert!(!recent.note(&event("500"), now));
    }
}
