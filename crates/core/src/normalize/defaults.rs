//! The defaults of a SidecarSet: what a person may leave out, written out before anything is compared or hashed.

mod container;
mod volume;

pub(super) use volume::fill_volume;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Map, Value};
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSetSpec};

type Object = Map<String, Value>;

/// How a new image reaches a running Pod, where nobody says.
pub(crate) const UPGRADE_TYPE: &str = "ColdUpgrade";

/// Returns the spec with its defaults written out. Doing it twice changes nothing more. A value of an unexpected type
/// stays as it is, and so does every field that this build does not know.
///
/// `updateStrategy.maxUnavailable` is left out on purpose: written out, it would contradict the older spelling
/// `strategy.rollingUpdate.maxUnavailable`.
pub fn defaulted(spec: &SidecarSetSpec) -> SidecarSetSpec {
    let mut spec = spec.clone();
    fill_spec(&mut spec);
    spec
}

/// Writes the defaults into a spec: nobody has to have it twice.
pub fn fill_spec(spec: &mut SidecarSetSpec) {
    for container in spec.containers.iter_mut().flatten() {
        fill_sidecar(container, "BeforeAppContainer");
    }
    for container in spec.init_containers.iter_mut().flatten() {
        fill_sidecar(container, "AfterAppContainer");
    }
    for volume in spec.volumes.iter_mut().flatten() {
        fill_volume(volume);
    }
    for metadata in spec.patch_pod_metadata.iter_mut().flatten() {
        fill(&mut metadata.patch_policy, "Retain");
    }
    let update = spec.update_strategy.get_or_insert_default();
    fill(&mut update.kind, "RollingUpdate");
    update.partition.get_or_insert(IntOrString::Int(0));
    if let Some(revision) = spec.injection_strategy.as_mut().and_then(|strategy| strategy.revision.as_mut()) {
        fill(&mut revision.policy, "Always");
    }
    spec.revision_history_limit.get_or_insert(10);
}

/// The regular expression that every name matches.
const ANY_NAME: &str = ".*";

// As in Kruise: shareVolumeDevicePolicy and resourcesPolicy stay absent, or the hashes of older sets would change.
fn fill_sidecar(sidecar: &mut SidecarContainer, inject_policy: &str) {
    fill(&mut sidecar.pod_inject_policy, inject_policy);
    fill(&mut sidecar.upgrade_strategy.get_or_insert_default().upgrade_type, UPGRADE_TYPE);
    fill(&mut sidecar.share_volume_policy.get_or_insert_default().kind, "disabled");
    if let Some(policy) = &mut sidecar.resources_policy
        && policy.target_containers_name_regex.is_empty()
    {
        policy.target_containers_name_regex = ANY_NAME.to_owned();
    }
    for transfer in sidecar.transfer_env.iter_mut().flatten() {
        let source = transfer.source_container_name_from.as_mut();
        if let Some(field) = source.and_then(|source| source.field_ref.as_mut()) {
            fill(&mut field.api_version, "v1");
        }
    }
    container::fill_container(&mut sidecar.container);
}

/// Fills the `fieldRef` of what has one.
fn fill_field_reference(source: &mut Object) {
    if let Some(field) = member(source, "fieldRef") {
        fill_text(field, "apiVersion", "v1");
    }
}

/// Fills a text that is absent or empty: Go's defaults do not tell the two apart.
fn fill(text: &mut Option<String>, default: &str) {
    if text.as_deref().unwrap_or_default().is_empty() {
        *text = Some(default.to_owned());
    }
}

fn fill_text(object: &mut Object, key: &str, default: &str) {
    if object.get(key).is_none_or(|value| value.is_null() || value == "") {
        object.insert(key.to_owned(), Value::from(default));
    }
}

fn member<'a>(object: &'a mut Object, key: &str) -> Option<&'a mut Object> {
    object.get_mut(key)?.as_object_mut()
}

fn members<'a>(object: &'a mut Object, key: &str) -> impl Iterator<Item = &'a mut Object> {
    object.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(value: Value) -> SidecarSetSpec {
        serde_json::from_value(value).unwrap()
    }

    fn defaulted_json(value: Value) -> Value {
        serde_json::to_value(defaulted(&spec(value))).unwrap()
    }

    #[test]
    fn a_bare_container_gets_every_default() {
        let spec = defaulted_json(json!({"containers": [{"name": "agent", "image": "busybox:1.36"}]}));

        assert_eq!(
            spec["containers"][0],
            json!({
                "name": "agent", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent",
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "podInjectPolicy": "BeforeAppContainer", "upgradeStrategy": {"upgradeType": "ColdUpgrade"},
                "shareVolumePolicy": {"type": "disabled"},
            })
        );
    }

    #[test]
    fn an_init_container_is_put_after_the_pods_own() {
        let spec = defaulted(&spec(json!({"initContainers": [{"name": "setup"}]})));

        assert_eq!(spec.init_containers.unwrap()[0].pod_inject_policy.as_deref(), Some("AfterAppContainer"));
    }

    #[test]
    fn the_source_of_a_transferred_variable_is_of_v1() {
        let source = json!({"fieldRef": {"fieldPath": "metadata.labels['app']"}});
        let container = json!({"transferEnv": [{"sourceContainerNameFrom": source}]});
        let spec = defaulted_json(json!({"containers": [container]}));

        let source = &spec["containers"][0]["transferEnv"][0]["sourceContainerNameFrom"];
        assert_eq!(*source, json!({"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.labels['app']"}}));
    }

    #[test]
    fn no_expression_for_the_names_of_targets_means_every_name() {
        let policy = json!({
            "targetContainersMode": "sum", "targetContainersNameRegex": "",
            "resourcesExpr": {"limits": {"cpu": "cpu"}},
        });
        let spec = defaulted_json(json!({"containers": [{"name": "a", "image": "a", "resourcesPolicy": policy}]}));

        assert_eq!(spec["containers"][0]["resourcesPolicy"]["targetContainersNameRegex"], ".*");
    }

    #[test]
    fn the_spec_itself_gets_its_defaults_but_no_max_unavailable() {
        let spec = defaulted_json(json!({
            "patchPodMetadata": [{"annotations": {"a": "b"}}],
            "injectionStrategy": {"revision": {"revisionName": "r", "policy": ""}},
        }));

        assert_eq!(
            spec,
            json!({
                "patchPodMetadata": [{"annotations": {"a": "b"}, "patchPolicy": "Retain"}],
                "injectionStrategy": {"revision": {"revisionName": "r", "policy": "Always"}},
                "updateStrategy": {"type": "RollingUpdate", "partition": 0},
                "revisionHistoryLimit": 10,
            })
        );
    }

    #[test]
    fn what_a_person_wrote_stays() {
        let written = json!({
            "containers": [{
                "name": "agent", "image": "a", "imagePullPolicy": "Never", "terminationMessagePath": "/log",
                "terminationMessagePolicy": "FallbackToLogsOnError", "podInjectPolicy": "AfterAppContainer",
                "upgradeStrategy": {"upgradeType": "HotUpgrade"}, "shareVolumePolicy": {"type": "enabled"},
                "ports": [{"containerPort": 53, "protocol": "UDP"}], "ofTheFuture": {"a": [1]},
                "livenessProbe": {
                    "timeoutSeconds": 2, "periodSeconds": 3, "successThreshold": 4, "failureThreshold": 5,
                    "httpGet": {"port": 80, "path": "/live", "scheme": "HTTPS"},
                },
            }],
            "updateStrategy": {"type": "NotUpdate", "partition": "10%"},
            "revisionHistoryLimit": 0,
        });

        assert_eq!(defaulted_json(written.clone()), written);
    }

    #[test]
    fn doing_it_twice_changes_nothing_more() {
        let once = defaulted(&spec(json!({
            "containers": [{
                "image": "nginx", "ports": [{}], "livenessProbe": {"httpGet": {"port": 1}},
                "resources": {"limits": {"cpu": "0.0001", "memory": "1.0001Gi", "a": null, "b": 1e21, "c": "1000E"}},
            }],
            "volumes": [{"name": "a"}, {"name": "b", "secret": {}}],
        })));

        assert_eq!(defaulted(&once), once);
    }
}
