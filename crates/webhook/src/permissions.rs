//! What the administrators of the cluster allow, kept up to date: which annotations sets may write onto Pods.

use arc_swap::ArcSwap;
use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use sidecarset_api::markers::{CONFIGURATION, PATCH_POD_METADATA_WHITELIST};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::validation::{Violations, Whitelist, WithoutRule};
use std::error::Error;
use std::pin::pin;
use tokio::sync::oneshot;
use tracing::{info, warn};

/// What the administrators of the cluster allow.
#[derive(Debug)]
pub struct Permissions {
    whitelist: ArcSwap<Whitelist>,
    without_rule: WithoutRule,
}

impl Permissions {
    /// Begins without a white list.
    #[must_use]
    pub fn new(without_rule: WithoutRule) -> Self {
        Self { whitelist: ArcSwap::from_pointee(Whitelist::read(None)), without_rule }
    }

    /// Takes over the white list, as it stands in the ConfigMap.
    pub fn set_whitelist(&self, text: Option<&str>) {
        let whitelist = Whitelist::read(text);
        match whitelist.fault() {
            Some(fault) => warn!(fault, "the white list of annotations allows nothing"),
            None => info!(is_there = text.is_some(), "took over the white list of annotations"),
        }
        self.whitelist.store(whitelist.into());
    }

    /// Adds what a set asks for and may not.
    pub(crate) fn check(&self, set: &SidecarSet, violations: &mut Violations) {
        self.whitelist.load().check(set, self.without_rule, violations);
    }

    /// Keeps the white list up to date, for ever. `listed` is told when it is known for the first time.
    pub(crate) async fn watch(&self, client: Client, namespace: &str, listed: oneshot::Sender<()>) {
        let configurations: Api<ConfigMap> = Api::namespaced(client, namespace);
        let one = watcher::Config::default().fields(&format!("metadata.name={CONFIGURATION}"));
        let mut events = pin!(watcher(configurations, one).default_backoff());
        let (mut listed, mut found) = (Some(listed), None);
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => found = None,
                Ok(Event::InitApply(configuration)) => found = Some(configuration),
                Ok(Event::InitDone) => {
                    self.take(found.take().as_ref());
                    // Nobody may be waiting any more: the webhook is being shut down.
                    let _ = listed.take().map(|listed| listed.send(()));
                }
                Ok(Event::Apply(configuration)) => self.take(Some(&configuration)),
                Ok(Event::Delete(_)) => self.take(None),
                Err(error) => warn!(error = &error as &dyn Error, "failed to watch the white list of annotations"),
            }
        }
    }

    fn take(&self, configuration: Option<&ConfigMap>) {
        let text = configuration.and_then(|it| it.data.as_ref()?.get(PATCH_POD_METADATA_WHITELIST));
        self.set_whitelist(text.map(String::as_str));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn configuration(key: &str) -> ConfigMap {
        let rules = json!({"rules": [{"allowedAnnotationKeyExprs": ["^a$"]}]}).to_string();
        ConfigMap { data: Some([(key.to_owned(), rules)].into()), ..ConfigMap::default() }
    }

    fn is_allowed(configuration: Option<&ConfigMap>) -> bool {
        let set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "logs"},
            "spec": {"patchPodMetadata": [{"annotations": {"a": "b"}}]},
        });
        let permissions = Permissions::new(WithoutRule::Refuse);
        permissions.take(configuration);
        let mut violations = Violations::default();
        permissions.check(&serde_json::from_value(set).unwrap(), &mut violations);
        violations.is_empty()
    }

    #[test]
    fn the_white_list_is_one_key_of_the_config_map() {
        assert!(is_allowed(Some(&configuration("SidecarSet_PatchPodMetadata_WhiteList"))));
        assert!(!is_allowed(Some(&configuration("PPS_Watch_Custom_Workload_WhiteList"))));
        assert!(!is_allowed(Some(&ConfigMap::default())));
        assert!(!is_allowed(None));
    }
}
