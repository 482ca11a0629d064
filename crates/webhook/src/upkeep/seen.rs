//! What is there of what we keep, as the watches show it.

use super::changes::Change;
use crate::proof::Proof;
use crate::registration::{
    Arriving, Drift, Identity, Sight, Versions, Written, added_by, authorities, of_others, proof,
};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use kube::ResourceExt;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::watch;

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Seen {
    state: Mutex<State>,
    // Several wait for it.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    mutating: Sight<MutatingWebhookConfiguration>,
    validating: Sight<ValidatingWebhookConfiguration>,
    // Whether a Secret has changed since somebody asked.
    has_new_secret: bool,
}

impl Seen {
    /// Takes in a change.
    pub(super) fn note(&self, change: Change) {
        {
            let mut state = self.state.lock();
            match change {
                Change::Secret => state.has_new_secret = true,
                Change::Mutating(configuration) => state.mutating = configuration.into(),
                Change::Validating(configuration) => state.validating = configuration.into(),
            }
        }
        self.touch();
    }

    /// Tells whenever there may be a change.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Has whoever waits look again.
    pub(super) fn touch(&self) {
        self.changed.send_replace(());
    }

    /// Waits until it is known what is registered.
    pub(super) async fn until_listed(&self) {
        let mut changes = self.watch();
        while matches!(self.state.lock().mutating, Sight::Unseen) && changes.changed().await.is_ok() {}
    }

    /// Says whether a Secret has changed since the last time.
    pub(super) fn take_new_secret(&self) -> bool {
        std::mem::take(&mut self.state.lock().has_new_secret)
    }

    /// Returns the versions of the two configurations.
    pub(super) fn versions(&self) -> Versions {
        let state = self.state.lock();
        Versions {
            mutating: state.mutating.present().and_then(ResourceExt::resource_version),
            validating: state.validating.present().and_then(ResourceExt::resource_version),
        }
    }

    /// Returns how the two configurations differ from what we wrote.
    pub(super) fn drift(&self, written: &Written) -> Drift {
        let state = self.state.lock();
        written.drift(&state.mutating, &state.validating)
    }

    /// Returns the uid of the mutating configuration, and as whom the leader registered us for Pods and sets.
    pub(super) fn registered(&self) -> Option<(String, Identity)> {
        let state = self.state.lock();
        let mutating = state.mutating.present()?;
        let own = mutating.webhooks.iter().flatten().find(|webhook| added_by(webhook).is_none())?;
        let (authorities, proof) = (authorities(&own.client_config), proof(&own.client_config)?);
        Some((mutating.metadata.uid.clone()?, Identity { authorities, proof, owner: None }))
    }

    /// Returns the proofs that API servers were told of, whoever told them.
    pub(super) fn proofs(&self) -> BTreeSet<Proof> {
        self.state.lock().clients().filter_map(proof).collect()
    }

    /// Returns what replicas have added that did not lead then, by replica.
    pub(super) fn added(&self) -> BTreeMap<String, Vec<MutatingWebhook>> {
        let mut added: BTreeMap<String, Vec<MutatingWebhook>> = BTreeMap::new();
        for webhook in self.state.lock().mutating.present().into_iter().flat_map(|it| it.webhooks.iter().flatten()) {
            if let Some(replica) = added_by(webhook) {
                added.entry(replica.to_owned()).or_default().push(webhook.clone());
            }
        }
        added
    }

    /// Returns the sets about which other replicas were asked.
    pub(super) fn arriving(&self, replica: &str) -> BTreeSet<Arriving> {
        let state = self.state.lock();
        let annotations = state.mutating.present().and_then(|it| it.metadata.annotations.as_ref());
        annotations.map(|annotations| of_others(annotations, replica)).unwrap_or_default()
    }

    /// Returns the authorities that the API server trusts, those of each webhook; none where we are not registered.
    pub(super) fn authorities(&self) -> BTreeSet<String> {
        let state = self.state.lock();
        if state.mutating.present().is_none() || state.validating.present().is_none() {
            return BTreeSet::new();
        }
        state.clients().map(authorities).collect()
    }
}

impl State {
    /// Returns how the API server reaches each webhook.
    fn clients(&self) -> impl Iterator<Item = &WebhookClientConfig> {
        let mutating = self.mutating.present().into_iter().flat_map(|it| it.webhooks.iter().flatten());
        let validating = self.validating.present().into_iter().flat_map(|it| it.webhooks.iter().flatten());
        mutating.map(|webhook| &webhook.client_config).chain(validating.map(|webhook| &webhook.client_config))
    }
}
