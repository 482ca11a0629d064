//! The Lease, as it is read and written.

use http::Request;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{GetParams, PostParams};
use kube::core::request;
use kube::{Client, Resource};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;
use tokio::time::error::Elapsed;

/// A Lease of a namespace.
pub(crate) struct LeaseApi {
    client: Client,
    // What asks for Leases of the namespace.
    requests: request::Request,
    name: String,
    namespace: String,
}

/// What became of a write.
pub(crate) enum Replaced {
    /// This is the Lease since then.
    By(Box<Lease>),
    /// It was not written: it is not the version that it was to take the place of.
    NotAsItWas,
}

/// Why nothing is known of the Lease.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("failed to read lease {lease}")]
    Read { lease: String, source: kube::Error },
    #[error("failed to write lease {lease}")]
    Write { lease: String, source: kube::Error },
    #[error("namespace {namespace}, which holds lease {name}, does not exist")]
    NamespaceMissing { namespace: String, name: String },
    #[error("the API server did not answer in time")]
    Deadline(#[from] Elapsed),
}

impl LeaseApi {
    pub(crate) fn new(client: Client, namespace: &str, name: &str) -> Self {
        Self {
            client,
            requests: request::Request::new(Lease::url_path(&(), Some(namespace))),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    /// Returns the Lease, if there is one.
    pub(crate) async fn read(&self) -> Result<Option<Lease>, Error> {
        match self.send(self.requests.get(&self.name, &GetParams::default())).await {
            Ok(lease) => Ok(Some(lease)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(source) => Err(Error::Read { lease: self.display(), source }),
        }
    }

    /// Creates the Lease.
    pub(crate) async fn create(&self, mut lease: Lease) -> Result<Replaced, Error> {
        lease.metadata.name = Some(self.name.clone());
        let request = self.requests.create(&PostParams::default(), self.body(&lease)?);
        match self.send(request).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                Err(Error::NamespaceMissing { namespace: self.namespace.clone(), name: self.name.clone() })
            }
            written => self.written(written),
        }
    }

    /// Writes the Lease in place of the very version that it carries.
    pub(crate) async fn replace(&self, lease: Lease) -> Result<Replaced, Error> {
        let request = self.requests.replace(&self.name, &PostParams::default(), self.body(&lease)?);
        let written = self.send(request).await;
        self.written(written)
    }

    async fn send(&self, request: Result<Request<Vec<u8>>, request::Error>) -> kube::Result<Lease> {
        let request = request.map_err(kube::Error::BuildRequest)?;
        self.client.request::<Stored>(request).await.map(|Stored(lease)| lease)
    }

    fn written(&self, answer: kube::Result<Lease>) -> Result<Replaced, Error> {
        match answer {
            Ok(lease) => Ok(Replaced::By(Box::new(lease))),
            // Somebody was faster, or deleted it.
            Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Ok(Replaced::NotAsItWas),
            Err(source) => Err(Error::Write { lease: self.display(), source }),
        }
    }

    fn body(&self, lease: &Lease) -> Result<Vec<u8>, Error> {
        let failed = |source| Error::Write { lease: self.display(), source: kube::Error::SerdeError(source) };
        serde_json::to_vec(lease).map_err(failed)
    }

    fn display(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// A Lease as the API server holds it. Whoever may write it may put times into it, and into the notes of who wrote what, that
/// the API server takes and that cannot be read here: these do not matter. Who holds it does.
struct Stored(Lease);

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        let mut metadata = object["metadata"].take();
        if let Some(members) = metadata.as_object_mut() {
            members.remove("managedFields");
        }
        let metadata: ObjectMeta = serde_json::from_value(metadata).map_err(D::Error::custom)?;
        let spec = spec(object["spec"].take()).map_err(D::Error::custom)?;
        Ok(Self(Lease { metadata, spec }))
    }
}

/// Reads a spec, without the times that cannot be read.
fn spec(mut spec: Value) -> serde_json::Result<Option<LeaseSpec>> {
    for time in ["acquireTime", "renewTime"] {
        let Some(member) = spec.get_mut(time) else { continue };
        if serde_json::from_value::<MicroTime>(member.clone()).is_err() {
            *member = Value::Null;
        }
    }
    serde_json::from_value(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(lease: &Value) -> serde_json::Result<Lease> {
        serde_json::from_str(&lease.to_string()).map(|Stored(lease)| lease)
    }

    #[test]
    fn who_holds_a_lease_is_read_whatever_times_it_has() {
        let metadata = json!({
            "name": "leader", "labels": {"team": "a"}, "resourceVersion": "7",
            "managedFields": [{"manager": "somebody", "time": "20240-01-01T00:00:00Z"}],
        });
        for time in ["20240-01-01T00:00:00.000000Z", "2024-13-30T23:59:60.000000Z", "soon"] {
            let spec =
                json!({"holderIdentity": "a", "leaseDurationSeconds": 9, "leaseTransitions": 3, "renewTime": time});

            let lease = read(&json!({"metadata": metadata, "spec": spec})).unwrap();

            let spec = lease.spec.unwrap();
            assert_eq!(spec.holder_identity.as_deref(), Some("a"), "{time}");
            assert_eq!((spec.lease_duration_seconds, spec.lease_transitions), (Some(9), Some(3)));
            assert_eq!(lease.metadata.resource_version.as_deref(), Some("7"));
            assert_eq!(lease.metadata.labels.unwrap()["team"], "a");
        }
    }

    #[test]
    fn a_time_that_can_be_read_is_kept() {
        let spec = json!({"acquireTime": "2026-01-01T00:00:00.000001Z", "renewTime": "never"});

        let spec = read(&json!({"metadata": {}, "spec": spec})).unwrap().spec.unwrap();

        assert_eq!(spec.acquire_time.unwrap().0.to_string(), "2026-01-01T00:00:00.000001Z");
        assert_eq!(spec.renew_time, None);
    }

    #[test]
    fn a_lease_without_a_spec_is_held_by_nobody() {
        assert_eq!(read(&json!({"metadata": {"name": "leader"}})).unwrap().spec, None);
    }
}
