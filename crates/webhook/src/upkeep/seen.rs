//! What is there of what we keep, as the watches show it.

use super::changes::Change;
use crate::registration::{Arriving, Versions, added_by, authorities, of_others};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
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
    mutating: Option<MutatingWebhookConfiguration>,
    validating: Option<ValidatingWebhookConfiguration>,
    // Whether the Secret has changed since somebody asked.
    has_new_secret: bool,
}

impl Seen {
    /// Takes in a change.
    pub(super) fn note(&self, change: Change) {
        {
            let mut state = self.state.lock();
            match change {
                Change::Secret => state.has_new_secret = true,
                Change::Mutating(configuration) => state.mutating = configuration.map(|it| *it),
                Change::Validating(configuration) => state.validating = configuration.map(|it| *it),
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

    /// Says whether the Secret has changed since the last time.
    pub(super) fn take_new_secret(&self) -> bool {
        std::mem::take(&mut self.state.lock().has_new_secret)
    }

    /// Returns the versions of the two configurations.
    pub(super) fn versions(&self) -> Versions {
        let state = self.state.lock();
        Versions {
            mutating: state.mutating.as_ref().and_then(ResourceExt::resource_version),
            validating: state.validating.as_ref().and_then(ResourceExt::resource_version),
        }
    }

    /// Returns the uid of the mutating configuration, and the authorities with which the leader registered Pods and sets.
    pub(super) fn registered(&self) -> Option<(String, String)> {
        let state = self.state.lock();
        let mutating = state.mutating.as_ref()?;
        let own = mutating.webhooks.iter().flatten().find(|webhook| added_by(webhook).is_none())?;
        Some((mutating.metadata.uid.clone()?, authorities(&own.client_config)))
    }

    /// Returns what replicas have added that did not lead then, by replica.
    pub(super) fn added(&self) -> BTreeMap<String, Vec<MutatingWebhook>> {
        let mut added: BTreeMap<String, Vec<MutatingWebhook>> = BTreeMap::new();
        for webhook in self.state.lock().mutating.iter().flat_map(|it| it.webhooks.iter().flatten()) {
            if let Some(replica) = added_by(webhook) {
                added.entry(replica.to_owned()).or_default().push(webhook.clone());
            }
        }
        added
    }

    /// Returns the sets about which other replicas were asked.
    pub(super) fn arriving(&self, replica: &str) -> BTreeSet<Arriving> {
        let state = self.state.lock();
        let annotations = state.mutating.as_ref().and_then(|it| it.metadata.annotations.as_ref());
        annotations.map(|annotations| of_others(annotations, replica)).unwrap_or_default()
    }

    /// Returns the authorities that the API server trusts, those of each webhook; none where we are not registered.
    pub(super) fn authorities(&self) -> BTreeSet<String> {
        let state = self.state.lock();
        let (Some(mutating), Some(validating)) = (&state.mutating, &state.validating) else { return BTreeSet::new() };
        let mutating = mutating.webhooks.iter().flatten().map(|webhook| &webhook.client_config);
        let validating = validating.webhooks.iter().flatten().map(|webhook| &webhook.client_config);
        mutating.chain(validating).map(authorities).collect()
    }
}
