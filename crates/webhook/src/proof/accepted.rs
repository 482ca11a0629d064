//! The proofs that are accepted at this moment.

use super::Proof;
use super::terms::OVERLAP;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use subtle::{Choice, ConstantTimeEq};
use tokio::time::Instant;

/// The proofs that are accepted at this moment: those of the Secret, those that are registered, whoever wrote that, and for ten
/// minutes those that were one of the two.
#[derive(Debug, Default)]
pub struct Accepted {
    all: ArcSwap<Vec<Known>>,
    sources: Mutex<Sources>,
}

#[derive(Debug, Default)]
struct Sources {
    kept: BTreeSet<Proof>,
    registered: BTreeSet<Proof>,
}

#[derive(Debug, Clone)]
struct Known {
    proof: Proof,
    // Nothing while the Secret has it, or it is registered.
    until: Option<Instant>,
}

impl Accepted {
    /// Accepts what the Secret holds now.
    pub fn keep<'a>(&self, proofs: impl IntoIterator<Item = &'a Proof>) {
        self.update(|sources| sources.kept = proofs.into_iter().cloned().collect());
    }

    /// Accepts what is registered now.
    pub fn register(&self, proofs: impl IntoIterator<Item = Proof>) {
        self.update(|sources| sources.registered = proofs.into_iter().collect());
    }

    /// Says whether this is one of them. It takes as long whichever it is, and however much of it is right.
    #[must_use]
    pub fn accepts(&self, segment: &str) -> bool {
        let now = Instant::now();
        let is_one = |known: &Known| {
            let is_due = Choice::from(u8::from(known.until.is_none_or(|until| now < until)));
            known.proof.as_str().as_bytes().ct_eq(segment.as_bytes()) & is_due
        };
        self.all.load().iter().map(is_one).fold(Choice::from(0), |found, is_one| found | is_one).into()
    }

    fn update(&self, change: impl FnOnce(&mut Sources)) {
        let mut sources = self.sources.lock();
        change(&mut sources);
        let now = Instant::now();
        let before = self.all.load_full();
        let current: BTreeSet<&Proof> = sources.kept.union(&sources.registered).collect();
        let gone = before.iter().filter(|known| !current.contains(&known.proof));
        let gone = gone.map(|known| Known { until: known.until.or(Some(now + OVERLAP)), ..known.clone() });
        let gone = gone.filter(|known| known.until.is_some_and(|until| now < until));
        let current = current.iter().map(|&proof| Known { proof: proof.clone(), until: None });
        self.all.store(current.chain(gone).collect::<Vec<_>>().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::advance;

    fn proof() -> Proof {
        Proof::random().unwrap()
    }

    #[test]
    fn nothing_is_accepted_by_itself() {
        let accepted = Accepted::default();

        assert!(!accepted.accepts(proof().as_str()) && !accepted.accepts(""));
    }

    #[test]
    fn what_is_kept_and_what_is_registered_is_accepted_whole_and_nothing_else() {
        let (kept, registered, accepted) = (proof(), proof(), Accepted::default());
        accepted.keep([&kept]);
        accepted.register([registered.clone()]);

        assert!(accepted.accepts(kept.as_str()) && accepted.accepts(registered.as_str()));
        for other in ["", &kept.as_str()[1..], &kept.as_str().to_uppercase(), &format!("{}0", kept.as_str())] {
            assert!(!accepted.accepts(other), "{other}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_accepted_is_so_for_ten_minutes_more() {
        let (old, new, accepted) = (proof(), proof(), Accepted::default());
        accepted.keep([&old]);
        accepted.keep([&new]);

        advance(Duration::from_secs(599)).await;
        accepted.keep([&new]);
        assert!(accepted.accepts(old.as_str()));
        advance(Duration::from_secs(1)).await;

        assert!(!accepted.accepts(old.as_str()) && accepted.accepts(new.as_str()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_back_is_accepted_without_end() {
        let (one, other, accepted) = (proof(), proof(), Accepted::default());
        accepted.keep([&one]);
        accepted.keep([&other]);
        accepted.register([one.clone()]);

        advance(Duration::from_secs(601)).await;

        assert!(accepted.accepts(one.as_str()));
    }
}
