//! A Secret of type `kubernetes.io/tls` that somebody else keeps, such as cert-manager.

use super::decision::{Fault, check_given};
use super::overlap::Overlap;
use super::{Error, Material, Names};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use parking_lot::Mutex;
use std::fmt::{self, Debug};

/// Reads the Secret.
pub struct Reader {
    secrets: Api<Secret>,
    namespace: String,
    name: String,
    names: Names,
    seen: Mutex<Overlap>,
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

impl Debug for Reader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reader")
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
