//! A Secret of type `kubernetes.io/tls` that somebody else keeps, such as cert-manager.

use super::decision::{Fault, check_given};
use super::{Error, Material, Names};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use parking_lot::Mutex;
use std::fmt::{self, Debug};

/// How long the authorities before stay trusted: other replicas may serve their certificate until they have seen the
/// new one, which takes them a moment.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// Reads the Secret.
pub struct Reader {
    secrets: Api<Secret>,
    namespace: String,
    name: String,
    names: Names,
    seen: Mutex<Seen>,
}

/// The authorities that were there when we looked.
#[derive(Debug, Default)]
struct Seen {
    present: String,
    before: Option<Before>,
}

#[derive(Debug)]
struct Before {
    authorities: String,
    until: Timestamp,
}

impl Reader {
    /// Reads this Secret of the namespace, whose certificate has to be for these names.
    #[must_use]
    pub fn new(client: Client, namespace: &str, name: &str, names: Names) -> Self {
        Self {
            secrets: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            names,
            seen: Mutex::default(),
        }
    }

    pub(super) fn secret(&self) -> &str {
        &self.name
    }

    /// Returns what the Secret holds. Where its authorities have changed, those before stay trusted beside them for ten
    /// minutes.
    ///
    /// # Errors
    /// The Secret cannot be read, or what it holds cannot be served.
    pub async fn read(&self, now: Timestamp) -> Result<Material, Error> {
        let read = self.secrets.get_opt(&self.name).await;
        let secret = read.map_err(|source| Error::ReadGiven { secret: self.key(), source })?;
        let unusable = |fault| Error::Given { secret: self.key(), fault };
        let found = secret.as_ref().and_then(Material::given).ok_or(unusable(Fault::Missing))?;
        check_given(&found, &self.names, now).map_err(unusable)?;
        let authorities = self.seen.lock().see(found.authorities(), now);
        Ok(Material { authorities, ..found })
    }

    fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl Seen {
    /// Takes note of the present authorities, and returns those that are to be trusted.
    fn see(&mut self, present: &str, now: Timestamp) -> String {
        if self.present != present {
            let authorities = std::mem::replace(&mut self.present, present.to_owned());
            self.before = (!authorities.is_empty()).then(|| Before { authorities, until: now + OVERLAP });
        }
        self.before.take_if(|before| before.until <= now);
        match &self.before {
            Some(before) => format!("{}\n{}", present.trim_end(), before.authorities),
            None => present.to_owned(),
        }
    }
}

impl Debug for Reader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reader")
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn seen(authorities: &[&str]) -> Seen {
        let mut seen = Seen::default();
        for text in authorities {
            seen.see(text, NOW);
        }
        seen
    }

    #[test]
    fn the_authorities_are_trusted_as_they_are() {
        assert_eq!(seen(&[]).see("first\n", NOW), "first\n");
        assert_eq!(seen(&["first\n"]).see("first\n", NOW), "first\n");
    }

    #[test]
    fn those_before_stay_trusted_for_ten_minutes() {
        let mut seen = seen(&["first\n", "second\n"]);

        assert_eq!(seen.see("second\n", NOW + 599.seconds()), "second\nfirst\n");
        assert_eq!(seen.see("second\n", NOW + 600.seconds()), "second\n");
    }

    #[test]
    fn those_before_the_ones_before_do_not() {
        assert_eq!(seen(&["first\n", "second\n"]).see("third\n", NOW), "third\nsecond\n");
    }
}
