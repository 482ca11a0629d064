//! What the operator's own Secret holds.

use super::{Material, text};
use crate::proof::Proofs;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use std::collections::BTreeMap;

const PROOFS: &str = "proofs";

/// What the operator's own Secret holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The certificate; nothing where somebody else makes it, or a part of it is missing.
    pub material: Option<Material>,
    /// The proofs by which API servers are known.
    pub proofs: Proofs,
}

impl Held {
    pub(super) fn read(secret: Option<&Secret>) -> Self {
        let proofs = secret.and_then(|secret| text(secret, PROOFS));
        Self {
            material: secret.and_then(Material::from_secret),
            proofs: proofs.as_deref().map(Proofs::read).unwrap_or_default(),
        }
    }

    pub(super) fn to_data(&self) -> BTreeMap<String, ByteString> {
        let mut data = self.material.as_ref().map(Material::to_data).unwrap_or_default();
        data.insert(PROOFS.to_owned(), ByteString(self.proofs.written().into_bytes()));
        data
    }
}
