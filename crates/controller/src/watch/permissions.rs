//! The watch of the ConfigMap with the white list: what the administrators of the cluster let sets write onto Pods.

use super::newest::newest;
use super::{Feed, follow};
use crate::context::Context;
use crate::metrics::Kind;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::runtime::watcher::{Config, Event};
use sidecarset_api::item::Item;
use sidecarset_api::markers::{CONFIGURATION, PATCH_POD_METADATA_WHITELIST};
use sidecarset_core::validation::Whitelist;
use std::sync::Arc;
use tokio::sync::oneshot;
use tracing::{info, warn};

/// Keeps the catalog's white list, for ever.
pub(crate) async fn watch(ctx: Arc<Context>, listed: oneshot::Sender<()>) {
    let api: Api<Item<ConfigMap>> = Api::namespaced(newest(&ctx.client), &ctx.settings.namespace);
    let one = Config::default().fields(&format!("metadata.name={CONFIGURATION}"));
    let feed = Feed { kind: Kind::Configuration, metrics: ctx.metrics(), contact: &ctx.contact };
    let mut found = None;
    follow(feed, (api, one), listed, |event| match event {
        Event::Init => found = None,
        Event::InitApply(configuration) => found = Some(configuration),
        Event::InitDone => take(found.take().as_ref(), &ctx),
        Event::Apply(configuration) => take(Some(&configuration), &ctx),
        Event::Delete(_) => take(None, &ctx),
    })
    .await;
}

fn take(configuration: Option<&Item<ConfigMap>>, ctx: &Context) {
    let whitelist = configuration.map_or_else(Whitelist::default, read);
    match whitelist.fault() {
        Some(fault) => warn!(fault, "the white list of annotations allows nothing"),
        None => info!(is_there = configuration.is_some(), "took over the white list of annotations"),
    }
    let changed = ctx.change_catalog(|catalog| catalog.set_whitelist(whitelist));
    ctx.add(changed);
}

fn read(configuration: &Item<ConfigMap>) -> Whitelist {
    match &configuration.object {
        Ok(configuration) => {
            let data = configuration.data.as_ref();
            Whitelist::read(data.and_then(|data| data.get(PATCH_POD_METADATA_WHITELIST)).map(String::as_str))
        }
        Err(_) => Whitelist::unreadable("cannot be read: the ConfigMap cannot be"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sidecarset_core::validation::{Permissions, Violations, WithoutRule};

    fn is_allowed(configuration: &Item<ConfigMap>) -> bool {
        let set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "logs"},
            "spec": {"patchPodMetadata": [{"annotations": {"a": "b"}}]},
        });
        let mut violations = Violations::default();
        let permissions = Permissions::new(read(configuration), WithoutRule::Refuse);
        permissions.check(&serde_json::from_value(set).unwrap(), &mut violations);
        violations.is_empty()
    }

    #[test]
    fn the_white_list_is_one_key_of_the_config_map() {
        let rules = json!({"rules": [{"allowedAnnotationKeyExprs": ["^a$"]}]}).to_string();
        let configuration = |key: &str| {
            let data = Some([(key.to_owned(), rules.clone())].into());
            Item::from(ConfigMap { data, ..ConfigMap::default() })
        };

        assert!(is_allowed(&configuration("SidecarSet_PatchPodMetadata_WhiteList")));
        assert!(!is_allowed(&configuration("PPS_Watch_Custom_Workload_WhiteList")));
        assert!(!is_allowed(&ConfigMap::default().into()));
    }

    #[test]
    fn a_config_map_that_cannot_be_read_allows_nothing() {
        let configuration = serde_json::from_value(json!({"metadata": {"name": "a"}, "data": [1]})).unwrap();

        assert!(!is_allowed(&configuration));
        assert!(read(&configuration).fault().is_some());
    }
}
