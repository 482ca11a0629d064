//! The API as it is on the wire.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use serde_json::{Value, json};
use sidecarset_api::crd;
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSet};

fn definition() -> Value {
    serde_json::to_value(crd::sidecar_set()).unwrap()
}

fn version<'a>(definition: &'a Value, name: &str) -> &'a Value {
    definition["spec"]["versions"].as_array().unwrap().iter().find(|version| version["name"] == name).unwrap()
}

fn spec(definition: &Value) -> &Value {
    &version(definition, "v1beta1")["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
}

#[test]
fn both_versions_have_one_schema_and_nothing_is_converted() {
    let definition = definition();
    let (older, newer) = (version(&definition, "v1alpha1"), version(&definition, "v1beta1"));

    assert_eq!(definition["spec"]["conversion"], json!({"strategy": "None"}));
    assert_eq!(older["schema"], newer["schema"]);
    assert_eq!((&older["served"], &older["storage"]), (&json!(true), &json!(false)));
    assert_eq!((&newer["served"], &newer["storage"]), (&json!(true), &json!(true)));
}

#[test]
fn names_scope_and_status_are_those_of_kruise_and_a_short_name() {
    let definition = definition();

    assert_eq!(definition["metadata"]["name"], "sidecarsets.apps.kruise.io");
    assert_eq!(definition["spec"]["scope"], "Cluster");
    assert_eq!(
        definition["spec"]["names"],
        json!({"kind": "SidecarSet", "plural": "sidecarsets", "shortNames": ["scs"], "singular": "sidecarset"})
    );
    assert_eq!(version(&definition, "v1beta1")["subresources"], json!({"status": {}}));
}

#[test]
fn the_columns_are_those_of_kruise_and_more_when_they_are_asked_for() {
    let definition = definition();
    let columns = version(&definition, "v1alpha1")["additionalPrinterColumns"].as_array().unwrap();

    let names = |is_wide: bool| -> Vec<&str> {
        let shown = columns.iter().filter(|column| column["priority"].is_number() == is_wide);
        shown.map(|column| column["name"].as_str().unwrap()).collect()
    };

    assert_eq!(names(false), ["MATCHED", "UPDATED", "READY", "AGE"]);
    assert_eq!(names(true), ["UPDATED-READY", "NOT-UPGRADABLE", "ROLLOUT"]);
}

#[test]
fn containers_and_volumes_keep_fields_that_this_build_does_not_know() {
    let definition = definition();

    for list in ["containers", "initContainers", "volumes"] {
        let items = &spec(&definition)[list]["items"];
        assert_eq!(items["x-kubernetes-preserve-unknown-fields"], json!(true), "{list}");
        assert_eq!(items["type"], "object", "{list}");
    }
    let container = json!({"name": "a", "fieldOfTheFuture": {"kept": [1]}, "podInjectPolicy": "AfterAppContainer"});
    let typed: SidecarContainer = serde_json::from_value(container.clone()).unwrap();
    assert_eq!(serde_json::to_value(typed).unwrap(), container);
}

#[test]
fn only_what_kruise_requires_is_required() {
    let definition = definition();
    let schema = &version(&definition, "v1beta1")["schema"]["openAPIV3Schema"]["properties"];

    assert_eq!(schema["spec"]["required"], Value::Null);
    assert_eq!(schema["status"]["required"], json!(["matchedPods", "readyPods", "updatedPods"]));
    let container = &spec(&definition)["containers"]["items"]["properties"];
    assert_eq!(container["resourcesPolicy"]["required"], json!(["resourcesExpr", "targetContainersMode"]));
}

#[test]
fn the_oldest_spellings_are_members() {
    let definition = definition();

    assert_eq!(spec(&definition)["paused"]["type"], "boolean");
    let older = &spec(&definition)["strategy"]["properties"]["rollingUpdate"]["properties"]["maxUnavailable"];
    assert_eq!(older["x-kubernetes-int-or-string"], json!(true));
}

#[test]
fn a_set_in_any_spelling_is_written_as_it_was_read() {
    let set = json!({
        "apiVersion": "apps.kruise.io/v1beta1",
        "kind": "SidecarSet",
        "metadata": {"name": "test-sidecarset"},
        "spec": {
            "selector": {"matchLabels": {"app": "nginx"}},
            "namespace": "shop",
            "paused": false,
            "strategy": {"rollingUpdate": {"maxUnavailable": 2}},
            "containers": [{"name": "sidecar1", "image": "centos:6.7", "command": ["sleep", "999d"]}],
            "volumes": [{"name": "log-volume", "emptyDir": {}}],
        },
    });

    let typed: SidecarSet = serde_json::from_value(set.clone()).unwrap();

    assert_eq!(serde_json::to_value(typed).unwrap(), set);
}
