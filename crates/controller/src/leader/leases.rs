//! The Lease, as it is read and written.

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::{Api, Client};
use serde_json::Value;
use tokio::time::error::Elapsed;

/// The name of the Lease.
pub const NAME: &str = "sidecarset-operator";

/// The Lease of a namespace.
pub(super) struct Leases {
    api: Api<Lease>,
    // As it is on the wire.
    raw: Api<DynamicObject>,
    namespace: String,
}

/// What became of a write.
pub(super) enum Replaced {
    /// This is the Lease since then.
    By(Box<Lease>),
    /// It was not written: it is not the version that it was to take the place of.
    NotAsItWas,
}

/// Why nothing is known of the Lease.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("failed to read lease {namespace}/{NAME}")]
    Read { namespace: String, source: kube::Error },
    #[error("failed to write lease {namespace}/{NAME}")]
    Write { namespace: String, source: kube::Error },
    #[error("namespace {namespace}, which holds lease {NAME}, does not exist")]
    NamespaceMissing { namespace: String },
    #[error("the API server did not answer in time")]
    Deadline(#[from] Elapsed),
}

impl Leases {
    pub(super) fn new(client: Client, namespace: &str) -> Self {
        let raw = Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<Lease>(&()));
        Self { api: Api::namespaced(client, namespace), raw, namespace: namespace.to_owned() }
    }

    /// Returns the Lease, if there is one.
    pub(super) async fn read(&self) -> Result<Option<Lease>, Error> {
        let failed = |source| Error::Read { namespace: self.namespace.clone(), source };
        let read = self.raw.get_opt(NAME).await.map_err(failed)?;
        read.map(lease).transpose().map_err(|error| failed(kube::Error::SerdeError(error)))
    }

    /// Creates the Lease.
    pub(super) async fn create(&self, mut lease: Lease) -> Result<Replaced, Error> {
        lease.metadata.name = Some(NAME.to_owned());
        match self.api.create(&PostParams::default(), &lease).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                Err(Error::NamespaceMissing { namespace: self.namespace.clone() })
            }
            written => self.read_answer(written),
        }
    }

    /// Writes the Lease in place of the very version that it carries.
    pub(super) async fn replace(&self, lease: Lease) -> Result<Replaced, Error> {
        let written = self.api.replace(NAME, &PostParams::default(), &lease).await;
        self.read_answer(written)
    }

    fn read_answer(&self, answer: Result<Lease, kube::Error>) -> Result<Replaced, Error> {
        match answer {
            Ok(lease) => Ok(Replaced::By(Box::new(lease))),
            // Somebody was faster, or deleted it.
            Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Ok(Replaced::NotAsItWas),
            Err(source) => Err(Error::Write { namespace: self.namespace.clone(), source }),
        }
    }
}

/// Reads what matters of a Lease. Times do not: somebody may have written one that cannot be read here.
fn lease(object: DynamicObject) -> Result<Lease, serde_json::Error> {
    let mut spec = object.data.get("spec").cloned().unwrap_or_default();
    if let Value::Object(members) = &mut spec {
        members.retain(|key, _| {
            ["holderIdentity", "leaseDurationSeconds", "leaseTransitions", "acquireTime"].contains(&&**key)
        });
        let is_readable = |time: &Value| serde_json::from_value::<MicroTime>(time.clone()).is_ok();
        if members.get("acquireTime").is_some_and(|time| !is_readable(time)) {
            members.remove("acquireTime");
        }
    }
    let spec: Option<LeaseSpec> = serde_json::from_value(spec)?;
    Ok(Lease { metadata: object.metadata, spec })
}
