//! Authorities that were replaced stay trusted for a while: not everybody sees that at the same moment.

use super::bundle::union;
use jiff::{SignedDuration, Timestamp};

/// How long the authorities before stay trusted: other replicas may serve their certificate until they have seen the
/// new one, which takes them a moment.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// The authorities that were there when we looked.
#[derive(Debug, Default)]
pub(super) struct Overlap {
    present: String,
    before: Option<Before>,
}

#[derive(Debug)]
struct Before {
    authorities: String,
    until: Timestamp,
}

impl Overlap {
    /// Takes note of the present authorities, and returns those that are to be trusted.
    pub(super) fn see(&mut self, present: &str, now: Timestamp) -> String {
        if self.present != present {
            let authorities = std::mem::replace(&mut self.present, present.to_owned());
            self.before = (!authorities.is_empty()).then(|| Before { authorities, until: now + OVERLAP });
        }
        self.before.take_if(|before| before.until <= now);
        match &self.before {
            Some(before) => union(present, &before.authorities),
            None => present.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn bundle(names: &[&str]) -> String {
        names.iter().map(|name| format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n")).collect()
    }

    fn seen(bundles: &[&[&str]]) -> Overlap {
        let mut overlap = Overlap::default();
        for names in bundles {
            overlap.see(&bundle(names), NOW);
        }
        overlap
    }

    #[test]
    fn the_authorities_are_trusted_as_they_are() {
        assert_eq!(seen(&[]).see(&bundle(&["first"]), NOW), bundle(&["first"]));
        assert_eq!(seen(&[&["first"]]).see(&bundle(&["first"]), NOW), bundle(&["first"]));
    }

    #[test]
    fn those_before_stay_trusted_for_ten_minutes() {
        let mut seen = seen(&[&["first"], &["second"]]);

        assert_eq!(seen.see(&bundle(&["second"]), NOW + 599.seconds()), bundle(&["second", "first"]));
        assert_eq!(seen.see(&bundle(&["second"]), NOW + 600.seconds()), bundle(&["second"]));
    }

    #[test]
    fn those_before_the_ones_before_do_not() {
        assert_eq!(seen(&[&["first"], &["second"]]).see(&bundle(&["third"]), NOW), bundle(&["third", "second"]));
    }

    #[test]
    fn none_is_named_twice() {
        let mut seen = seen(&[&["second", "first"]]);

        assert_eq!(seen.see(&bundle(&["third", "second"]), NOW), bundle(&["third", "second", "first"]));
    }
}
