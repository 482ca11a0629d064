//! What shows that whoever asks is an API server: it knows the path under which we are registered, which nobody can guess. Made
//! here, kept in one Secret, and replaced long before anybody could make much of an old one.

mod accepted;
mod terms;

pub use accepted::Accepted;
pub use terms::Terms;

use jiff::Timestamp;
use rustls::crypto::{GetRandomFailed, ring};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Debug, Write};

/// How many random bytes there are in one.
const BYTES: usize = 32;

/// How many are kept at most: more of them would mean that something replaces them again and again.
const MOST: usize = 8;

/// A segment of a path that nobody can guess: 64 hexadecimal digits, because the API server takes no other letters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Proof(String);

/// A text that is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {} hexadecimal digits", 2 * BYTES)]
pub struct ParseProofError;

/// The proofs that there are, the newest one first. API servers are told of one of them, and all of them are accepted: not
/// everybody learns of a new one at the same moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Proofs(Vec<Dated>);

/// A proof, and when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Dated {
    path: Proof,
    made: Timestamp,
}

impl Proof {
    /// Makes one that nobody knows.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn random() -> Result<Self, GetRandomFailed> {
        let mut bytes = [0; BYTES];
        ring::default_provider().secure_random.fill(&mut bytes)?;
        let mut text = String::with_capacity(2 * BYTES);
        for byte in bytes {
            write!(text, "{byte:02x}").expect("a String takes every text");
        }
        Ok(Self(text))
    }

    /// Returns the segment of the path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a path of ours as it is registered.
    #[must_use]
    pub fn before(&self, path: &str) -> String {
        format!("/{}{path}", self.0)
    }

    /// Returns the proof under which a path or URL was registered, if it was under one.
    #[must_use]
    pub fn of_registered(path: &str) -> Option<Self> {
        path.split('/').find_map(|segment| segment.to_owned().try_into().ok())
    }
}

impl TryFrom<String> for Proof {
    type Error = ParseProofError;

    fn try_from(text: String) -> Result<Self, ParseProofError> {
        let is_proof = text.len() == 2 * BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_proof { Ok(Self(text)) } else { Err(ParseProofError) }
    }
}

impl From<Proof> for String {
    fn from(proof: Proof) -> Self {
        proof.0
    }
}

// It must not come into a log.
impl Debug for Proof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Proof(..)")
    }
}

impl Proofs {
    /// Reads what a Secret holds. What cannot be read is none.
    #[must_use]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Returns what the Secret is to hold.
    #[must_use]
    pub fn written(&self) -> String {
        serde_json::to_string(self).expect("proofs and times are texts")
    }

    /// Returns all that are accepted.
    pub fn iter(&self) -> impl Iterator<Item = &Proof> {
        self.0.iter().map(|dated| &dated.path)
    }

    /// Returns those that have to be kept, where these are others than there are: with a new one once the newest is old, and without
    /// those that nobody uses any more.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn renewed(&self, terms: Terms, now: Timestamp) -> Result<Option<Self>, GetRandomFailed> {
        let mut kept = self.0.clone();
        if let Some(settled) = kept.iter().position(|dated| terms.replaces(dated.made) <= now) {
            kept.truncate(settled + 1);
        }
        if kept.first().is_none_or(|newest| terms.ends(newest.made) <= now || terms.is_beyond(newest.made, now)) {
            kept.insert(0, Dated { path: Proof::random()?, made: now });
        }
        kept.truncate(MOST);
        Ok((kept != self.0).then_some(Self(kept)))
    }

    /// Returns the one that API servers are to use: the newest that every replica has had the time to learn of. Where there is none
    /// yet, what is registered stays, and where nothing is, there is nobody who could be asked and not know it.
    #[must_use]
    pub fn registered<'a>(&'a self, present: Option<&'a Proof>, terms: Terms, now: Timestamp) -> Option<&'a Proof> {
        let known = self.0.iter().find(|dated| terms.spreads(dated.made) <= now).map(|dated| &dated.path);
        known.or(present).or_else(|| self.iter().next())
    }

    /// Returns when something has to be done next: a new one is made, registered, or takes the place of those before it.
    #[must_use]
    pub fn next(&self, terms: Terms, now: Timestamp) -> Option<Timestamp> {
        let of_one = |dated: &Dated| [terms.spreads(dated.made), terms.replaces(dated.made), terms.ends(dated.made)];
        self.0.iter().flat_map(of_one).filter(|at| *at > now).min()
    }

    /// Says whether the newest one is still to be learned of by replicas.
    #[must_use]
    pub fn spreads(&self, terms: Terms, now: Timestamp) -> bool {
        !self.0.iter().any(|dated| terms.spreads(dated.made) <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
    /// Known to all after a minute, alone after eleven, and replaced after sixteen hours.
    const TERMS: Terms = Terms::A_DAY;

    fn renewed(proofs: &Proofs, now: Timestamp) -> Proofs {
        proofs.renewed(TERMS, now).unwrap().unwrap_or_else(|| proofs.clone())
    }

    fn first() -> Proofs {
        renewed(&Proofs::default(), NOW)
    }

    #[test]
    fn each_is_another_one_and_is_a_path_that_the_api_server_takes() {
        let [one, other] = [Proof::random().unwrap(), Proof::random().unwrap()];

        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), 64);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    }

    #[test]
    fn it_is_found_in_the_path_and_in_the_url_under_which_we_are_registered() {
        let proof = Proof::random().unwrap();
        let path = proof.before("/mutate-pod");

        assert_eq!(Proof::of_registered(&path), Some(proof.clone()));
        assert_eq!(Proof::of_registered(&format!("https://10.0.0.1:9443/base{path}")), Some(proof));
        assert_eq!(Proof::of_registered("/mutate-pod"), None);
    }

    #[test]
    fn it_is_in_no_log() {
        let proofs = first();

        assert!(!format!("{proofs:?}").contains(proofs.iter().next().unwrap().as_str()));
    }

    #[test]
    fn what_is_written_is_read_again_and_junk_is_none() {
        let proofs = first();

        assert_eq!(Proofs::read(&proofs.written()), proofs);
        for junk in ["", "[", "[{}]", r#"[{"path":"short","made":"2026-01-01T00:00:00Z"}]"#] {
            assert_eq!(Proofs::read(junk), Proofs::default(), "{junk}");
        }
    }

    #[test]
    fn one_is_kept_until_two_thirds_of_its_life_are_over() {
        let first = first();

        assert_eq!(first.renewed(TERMS, NOW + 16.hours() - 1.seconds()).unwrap(), None);
        assert_eq!(renewed(&first, NOW + 16.hours()).iter().count(), 2);
    }

    #[test]
    fn a_new_one_is_registered_when_replicas_had_a_minute_to_learn_of_it() {
        let old = first();
        let later = NOW + 16.hours();
        let both = renewed(&old, later);
        let [new, before] = [both.iter().next(), old.iter().next()];

        assert_eq!(both.registered(None, TERMS, later + 59.seconds()), before);
        assert_eq!(both.registered(None, TERMS, later + 60.seconds()), new);
    }

    #[test]
    fn the_one_before_is_accepted_until_ten_minutes_after_nobody_is_told_of_it_any_more() {
        let later = NOW + 16.hours();
        let both = renewed(&first(), later);

        assert_eq!(renewed(&both, later + 659.seconds()).iter().count(), 2);
        assert_eq!(renewed(&both, later + 660.seconds()).iter().collect::<Vec<_>>(), [both.iter().next().unwrap()]);
    }

    #[test]
    fn what_is_registered_stays_so_while_the_first_one_of_a_new_secret_spreads() {
        let (proofs, present) = (first(), Proof::random().unwrap());
        let registered = |present, now| proofs.registered(present, TERMS, now);

        assert_eq!(registered(Some(&present), NOW + 59.seconds()), Some(&present));
        assert_eq!(registered(Some(&present), NOW + 60.seconds()), proofs.iter().next());
        assert_eq!(registered(None, NOW), proofs.iter().next());
    }

    #[test]
    fn something_is_done_when_it_is_known_to_all_when_it_stands_alone_and_when_it_is_old() {
        let proofs = first();
        let next =
            |seconds: i64| proofs.next(TERMS, NOW + seconds.seconds()).map(|at| at.as_second() - NOW.as_second());

        assert_eq!([next(0), next(60), next(660), next(57_600)], [Some(60), Some(660), Some(57_600), None]);
    }

    #[test]
    fn one_that_says_it_is_of_another_century_is_replaced() {
        let far = Proofs(vec![Dated { path: Proof::random().unwrap(), made: NOW + (24 * 36_500).hours() }]);

        assert_eq!(renewed(&far, NOW).iter().count(), 2);
    }

    #[test]
    fn all_of_it_happens_within_a_short_life_too() {
        let terms = Terms::new(Duration::from_secs(6)).unwrap();
        let both = first().renewed(terms, NOW + 4.seconds()).unwrap().unwrap();

        assert_eq!(both.registered(None, terms, NOW + 4500.milliseconds()), both.iter().next());
        assert_eq!(both.renewed(terms, NOW + 5500.milliseconds()).unwrap().unwrap().iter().count(), 1);
    }
}
