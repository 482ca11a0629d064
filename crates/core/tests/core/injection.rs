//! A whole Pod in, a whole Pod out: each folder of `tests/cases/injection` is a claim.

use crate::build::{now, sidecar_set};
use k8s_openapi::api::apps::v1::ControllerRevision;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::catalog::{Catalog, Selection};
use sidecarset_core::injection::{Injection, Refusal, choose, decide, inject, is_left_alone, is_mirror_pod};
use sidecarset_core::normalize::{CanonicalSet, normalize};
use sidecarset_core::revision::Revision;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Case {
    claim: String,
    sets: Vec<SidecarSet>,
    revisions: Vec<ControllerRevision>,
    draw: f64,
    pod: Value,
    expected: Value,
    warnings: Vec<String>,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/injection");
    let mut folders: Vec<PathBuf> = root.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|folder| Case::read(folder)).collect()
}

impl Case {
    fn read(folder: &Path) -> Self {
        let text = |name: &str| std::fs::read_to_string(folder.join(name));
        Self {
            claim: folder.file_name().unwrap().to_string_lossy().into_owned(),
            sets: serde_saphyr::from_multiple(&text("sets.yaml").unwrap()).unwrap(),
            revisions: text("revisions.yaml")
                .map(|text| serde_saphyr::from_multiple(&text).unwrap())
                .unwrap_or_default(),
            draw: text("draw.yaml").map(|text| serde_saphyr::from_str(&text).unwrap()).unwrap_or_default(),
            pod: serde_saphyr::from_str(&text("pod.yaml").unwrap()).unwrap(),
            expected: serde_saphyr::from_str(&text("expected.yaml").unwrap()).unwrap(),
            warnings: text("warnings.yaml").map(|text| serde_saphyr::from_str(&text).unwrap()).unwrap_or_default(),
        }
    }

    fn inject(&self, pod: &Value) -> Injection {
        let sets = choose(pod, &self.select(pod).sets, |_| self.draw).unwrap();
        inject(pod, &sets, now()).unwrap()
    }

    fn select(&self, pod: &Value) -> Selection {
        let mut catalog = Catalog::default();
        for set in &self.sets {
            catalog.put_set(set);
        }
        for revision in &self.revisions {
            catalog.put_revision(Revision::read(revision).unwrap());
        }
        let mut selection = catalog.select(pod["metadata"]["labels"].as_object().unwrap(), None);
        assert!(selection.invalid.is_empty(), "{:?}", selection.invalid);
        // A case is not about the name of a revision, a hash, unless it gives that revision.
        for set in selection.sets.iter_mut().map(Arc::make_mut) {
            set.revision.take_if(|name| !catalog.revisions().names().any(|given| given == name));
        }
        selection
    }
}

fn patched(pod: &Value, injection: &Injection) -> Value {
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &injection.patch.operations()).unwrap();
    pod
}

#[test]
fn every_pod_gets_what_its_case_expects() {
    for case in cases() {
        let injection = case.inject(&case.pod);

        assert_eq!(patched(&case.pod, &injection), case.expected, "{}", case.claim);
        assert_eq!(injection.warnings, case.warnings, "{}", case.claim);
    }
}

#[test]
fn injecting_twice_is_injecting_once() {
    for case in cases() {
        let once = patched(&case.pod, &case.inject(&case.pod));

        assert_eq!(case.inject(&once).patch.as_str(), "[]", "{}", case.claim);
    }
}

#[test]
fn a_pod_that_carries_an_older_definition_gets_the_present_one_in_its_place() {
    let pod = json!({"metadata": {}, "spec": {"containers": [{"name": "main"}]}});
    let old = [Arc::new(sidecar_set().build())];
    let new = [Arc::new(sidecar_set().image("agent:v2").build())];
    let copied = patched(&pod, &inject(&pod, &old, now()).unwrap());

    let injection = inject(&copied, &new, now()).unwrap();

    let containers = &patched(&copied, &injection)["spec"]["containers"];
    assert_eq!(containers.as_array().unwrap().len(), 2);
    assert_eq!(containers[0]["image"], "agent:v2");
    assert_eq!(injection.warnings, [""; 0]);
}

#[test]
fn the_revision_is_recorded_beside_the_hash_that_counts_images() {
    let pod = json!({"metadata": {}, "spec": {"containers": [{"name": "main"}]}});
    let set = CanonicalSet { revision: Some("log-sc-5f6d95f777".into()), ..sidecar_set().build() };

    let injected = patched(&pod, &inject(&pod, &[Arc::new(set)], now()).unwrap());

    let recorded = |key: &str| {
        let text = injected["metadata"]["annotations"][key].as_str().unwrap();
        serde_json::from_str::<Value>(text).unwrap()["log-sc"]["controllerRevision"].take()
    };
    assert_eq!(recorded("kruise.io/sidecarset-hash"), "log-sc-5f6d95f777");
    assert_eq!(recorded("kruise.io/sidecarset-hash-without-image"), Value::Null);
}

#[test]
fn two_sets_with_one_container_name_are_refused() {
    let pod = json!({"metadata": {}, "spec": {"containers": [{"name": "main"}]}});
    let mut other = sidecar_set().build();
    other.name = "other".into();

    let refusal = inject(&pod, &[Arc::new(sidecar_set().build()), Arc::new(other)], now()).unwrap_err();

    assert_eq!(refusal.to_string(), "SidecarSets log-sc and other both inject a container named agent");
}

#[test]
fn two_sets_with_one_container_name_are_refused_where_one_of_them_is_there_already() {
    let pod = json!({"metadata": {}, "spec": {"containers": [{"name": "main"}]}});
    let one = Arc::new(sidecar_set().build());
    let mut other = sidecar_set().build();
    other.name = "other".into();
    let once = patched(&pod, &inject(&pod, &[Arc::clone(&one)], now()).unwrap());

    let refusal = inject(&once, &[one, Arc::new(other)], now()).unwrap_err();

    assert_eq!(refusal.to_string(), "SidecarSets log-sc and other both inject a container named agent");
}

#[test]
fn an_annotation_that_cannot_be_read_is_refused() {
    let pod = json!({
        "metadata": {"annotations": {"kruise.io/sidecarset-hash": "{"}},
        "spec": {"containers": []},
    });

    let refusal = inject(&pod, &[Arc::new(sidecar_set().build())], now()).unwrap_err();

    assert_eq!(refusal.to_string(), "annotation kruise.io/sidecarset-hash is not valid");
}

#[test]
fn a_pod_with_an_annotation_that_cannot_be_merged_into_is_refused() {
    let pod = json!({"metadata": {"annotations": {"note": "plain"}}, "spec": {"containers": []}});
    let entry = json!([{"annotations": {"note": "{}"}, "patchPolicy": "MergePatchJson"}]);

    let refusal = inject(&pod, &[Arc::new(sidecar_set().spec("patchPodMetadata", entry).build())], now()).unwrap_err();

    assert_eq!(
        refusal.to_string(),
        "SidecarSet log-sc cannot merge its value into annotation note of the pod: it is not JSON: expected value at \
         line 1 column 1"
    );
}

#[test]
fn a_pod_that_carries_a_set_keeps_its_annotations_when_the_set_writes_others() {
    let pod = json!({"metadata": {}, "spec": {"containers": [{"name": "main"}]}});
    let overwriting = |value: &str| {
        let entry = json!([{"annotations": {"note": value}, "patchPolicy": "Overwrite"}]);
        [Arc::new(sidecar_set().spec("patchPodMetadata", entry).build())]
    };
    let once = patched(&pod, &inject(&pod, &overwriting("one"), now()).unwrap());

    assert_eq!(once["metadata"]["annotations"]["note"], "one");
    assert!(inject(&once, &overwriting("two"), now()).unwrap().patch.is_empty());
}

#[test]
fn a_sidecar_that_another_webhook_changed_is_left_as_it_is() {
    let pod = json!({"metadata": {}, "spec": {"containers": [{"name": "main"}]}});
    let container = json!([{"name": "agent", "image": "i", "shareVolumePolicy": {"type": "enabled"}}]);
    let sets = [Arc::new(sidecar_set().spec("containers", container).build())];
    let mut changed = patched(&pod, &inject(&pod, &sets, now()).unwrap());
    let containers = changed["spec"]["containers"].as_array_mut().unwrap();
    containers[0]["env"].as_array_mut().unwrap().push(json!({"name": "MESH", "value": "on"}));
    containers[0]["volumeMounts"] = json!([{"name": "mesh", "mountPath": "/mesh"}]);
    containers.insert(0, json!({"name": "mesh", "volumeMounts": [{"name": "other", "mountPath": "/other"}]}));

    assert_eq!(inject(&changed, &sets, now()).unwrap(), Injection::default());
}

#[test]
fn a_set_that_selects_a_pod_late_is_injected_beside_the_one_that_is_there() {
    let pod = json!({"metadata": {}, "spec": {"containers": [{"name": "main"}]}});
    let one = Arc::new(sidecar_set().build());
    let mut other = sidecar_set().spec("containers", json!([{"name": "late", "image": "i"}])).build();
    other.name = "other".into();
    let once = patched(&pod, &inject(&pod, &[Arc::clone(&one)], now()).unwrap());

    let injection = inject(&once, &[one, Arc::new(other)], now()).unwrap();

    let twice = patched(&once, &injection);
    let containers = twice["spec"]["containers"].as_array().unwrap();
    assert_eq!(containers.iter().map(|it| it["name"].as_str().unwrap()).collect::<Vec<_>>(), ["late", "agent", "main"]);
    assert_eq!(containers[1..], *once["spec"]["containers"].as_array().unwrap());
    assert_eq!(twice["metadata"]["annotations"]["kruise.io/sidecarset-injected-list"], "log-sc,other");
    assert_eq!(injection.injected, [Arc::from("other")]);
}

#[test]
fn a_pod_of_an_unexpected_shape_is_refused() {
    for (pod, refusal) in [
        (json!([]), "metadata is not an object"),
        (json!({"metadata": {}}), "spec is not an object"),
        (json!({"metadata": {"annotations": []}, "spec": {}}), "metadata.annotations is not an object"),
        (json!({"metadata": {}, "spec": {"containers": {}}}), "spec.containers is not a list"),
        (json!({"metadata": {}, "spec": {"volumes": "x"}}), "spec.volumes is not a list"),
    ] {
        let refused: Refusal = inject(&pod, &[Arc::new(sidecar_set().build())], now()).unwrap_err();

        assert_eq!(refused.to_string(), refusal);
    }
}

/// A set whose container takes half of the cpu of the containers that match `^web`.
fn half_of_web() -> Arc<CanonicalSet> {
    let policy = json!({
        "targetContainersMode": "sum",
        "targetContainersNameRegex": "^web",
        "resourcesExpr": {"limits": {"cpu": "cpu/2"}},
    });
    let container = json!([{"name": "agent", "image": "agent:v1", "resourcesPolicy": policy}]);
    Arc::new(sidecar_set().spec("containers", container).build())
}

#[test]
fn the_example_of_computed_resources_has_the_values_that_it_tells_of() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/resources");
    let text = |name: &str| std::fs::read_to_string(examples.join(name)).unwrap();
    let set: SidecarSet = serde_saphyr::from_str(&text("sidecarset.yaml")).unwrap();
    let pod: Value = serde_saphyr::from_str(&text("pod.yaml")).unwrap();

    let injection = inject(&pod, &[Arc::new(normalize(&set).unwrap())], now()).unwrap();

    let resources = &patched(&pod, &injection)["spec"]["containers"][0]["resources"];
    let expected = json!({"limits": {"cpu": "300m", "memory": "256Mi"}, "requests": {"cpu": "50m", "memory": "64Mi"}});
    assert_eq!(*resources, expected);
}

#[test]
fn a_pod_without_a_container_to_compute_resources_from_is_refused() {
    let init = json!([{"name": "web-setup", "image": "i"}]);
    let pod = json!({"metadata": {}, "spec": {"initContainers": init, "containers": [{"name": "main"}]}});

    let refusal = inject(&pod, &[half_of_web()], now()).unwrap_err();

    assert_eq!(
        refusal.to_string(),
        "SidecarSet log-sc computes the resources of container agent from those of the Pod's own containers whose \
         names match \"^web\", and there is none"
    );
}

#[test]
fn a_pod_with_an_amount_that_cannot_be_read_is_refused() {
    for junk in [json!("many"), json!([1]), json!(true)] {
        let container = json!({"name": "web", "resources": {"limits": {"cpu": junk}}});
        let pod = json!({"metadata": {}, "spec": {"containers": [container]}});

        let refusal = inject(&pod, &[half_of_web()], now()).unwrap_err();

        assert_eq!(refusal.to_string(), "failed to read resources.limits.cpu of container web");
    }
}

#[test]
fn a_status_and_a_deletion_that_a_submitted_pod_claims_are_not_believed() {
    let metadata = json!({"deletionTimestamp": "2026-01-02T03:04:05Z", "deletionGracePeriodSeconds": 30});

    assert!(!is_mirror_pod(&json!({"metadata": metadata, "status": {"phase": "Failed", "reason": "Evicted"}})));
    assert!(is_mirror_pod(&json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}})));
}

#[test]
fn pods_that_ended_are_deleted_or_mirror_a_file_are_left_alone() {
    assert!(is_left_alone(&json!({"status": {"phase": "Succeeded"}})));
    assert!(is_left_alone(&json!({"metadata": {"deletionTimestamp": "2026-01-02T03:04:05Z"}})));
    assert!(is_left_alone(&json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}})));
    assert!(!is_left_alone(&json!({"metadata": {}, "status": {"phase": "Pending"}})));
}

#[test]
fn a_pod_for_windows_gets_the_sets_that_are_for_it_and_is_told_of_the_others() {
    let windows = sidecar_set().spec("injectionStrategy", json!({"operatingSystems": ["windows"]}));
    let windows = windows.spec("containers", json!([{"name": "win", "image": "w:1"}])).metadata("name", "win-sc");
    let mut catalog = Catalog::default();
    catalog.put_set(&sidecar_set().object());
    catalog.put_set(&windows.object());
    let decided = |spec: Value| {
        let pod = json!({"metadata": {"labels": {"app": "nginx"}}, "spec": spec});
        let selection = catalog.select(pod["metadata"]["labels"].as_object().unwrap(), None);
        let injection = decide(&pod, &selection, |_| 0.0, now()).unwrap();
        (injection.injected.iter().map(ToString::to_string).collect::<Vec<_>>(), injection.warnings)
    };
    let containers = json!([{"name": "main", "image": "m:1"}]);

    let on_windows = decided(json!({"containers": containers, "nodeSelector": {"kubernetes.io/os": "windows"}}));
    let anywhere = decided(json!({"containers": containers}));

    let left_out = "SidecarSet log-sc is not injected: the Pod is for windows, and a set is for linux that names no \
                    spec.injectionStrategy.operatingSystems";
    assert_eq!(on_windows, (vec!["win-sc".to_owned()], vec![left_out.to_owned()]));
    assert_eq!(anywhere, (vec!["log-sc".to_owned()], Vec::new()));
}
