//! Members of containers and volumes that this build does not know: misspelt ones, or those of a newer Kubernetes.

use super::types::spell_quantities;
use crate::json::{Document, Json};
use k8s_openapi::api::core::v1;
use serde::de::DeserializeOwned;
use serde_ignored::Path;
use serde_json::{Map, Value};
use sidecarset_api::v1beta1::SidecarSetSpec;

/// How many members are told at most.
const MOST: usize = 20;
/// The Kubernetes whose members are known: the oldest that is supported.
const KNOWN: &str = "Kubernetes 1.34";

/// Returns a warning for each member of a container or a volume that Kubernetes does not have.
// The API server keeps them in the set, but drops those that it does not know from every Pod, without a word.
#[must_use]
pub fn unknown_members(spec: &SidecarSetSpec) -> Vec<String> {
    let mut paths = Vec::new();
    for (list, containers) in [("initContainers", &spec.init_containers), ("containers", &spec.containers)] {
        for (at, container) in containers.iter().flatten().enumerate() {
            paths.extend(unknown::<v1::Container>(&container.container, &format!("spec.{list}[{at}]")));
        }
    }
    for (at, volume) in spec.volumes.iter().flatten().enumerate() {
        paths.extend(unknown::<v1::Volume>(volume, &format!("spec.volumes[{at}]")));
    }
    let told = paths.into_iter().take(MOST);
    told.map(|path| {
        format!("{path}: is unknown to {KNOWN}: misspelt or newer, and dropped from pods by an API server that does not know it")
    })
    .collect()
}

/// Returns a field of a container with what Kubernetes knows of it: what an API server hands on, at least.
#[must_use]
pub(crate) fn as_known(field: &str, value: Json<'_>) -> Document<'static> {
    let mut container = Value::Object(Map::from_iter([(field.to_owned(), value.to_value())]));
    spell_quantities(&mut container);
    let known = serde_json::from_value::<v1::Container>(container).and_then(serde_json::to_value);
    let known = known.map(|mut known| known[field].take()).unwrap_or_default();
    Document::of(&known)
}

/// Returns the paths of the members that `T` does not have.
fn unknown<T: DeserializeOwned>(source: &Map<String, Value>, path: &str) -> Vec<String> {
    let mut object = Value::Object(source.clone());
    spell_quantities(&mut object);
    let mut paths = Vec::new();
    // What cannot be read has a wrong type, which is refused.
    let _read: Result<T, _> = serde_ignored::deserialize(object, |within| paths.push(joined(path, &within)));
    paths
}

fn joined(path: &str, within: &Path<'_>) -> String {
    match within {
        Path::Root => path.to_owned(),
        Path::Seq { parent, index } => format!("{}[{index}]", joined(path, parent)),
        Path::Map { parent, key } => format!("{}.{key}", joined(path, parent)),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            joined(path, parent)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(spec: Value) -> Vec<String> {
        let warnings = unknown_members(&serde_json::from_value(spec).unwrap());
        warnings.into_iter().map(|warning| warning.split(": ").next().unwrap().to_owned()).collect()
    }

    #[test]
    fn each_member_that_kubernetes_does_not_have_is_told_with_its_path() {
        let container = json!({
            "name": "a", "imagePulPolicy": "Always", "resources": {"limits": {"cpu": 1}, "request": {"cpu": "1"}},
            "livenessProbe": {"httpGet": {"port": 80, "url": "/"}}, "env": [{"name": "A"}, {"name": "B", "vale": "b"}],
        });
        let volumes = json!([{"name": "a"}, {"name": "b", "emptydir": {}}]);

        assert_eq!(
            told(json!({"containers": [container], "initContainers": [{"nam": "b"}], "volumes": volumes})),
            [
                "spec.initContainers[0].nam",
                "spec.containers[0].env[1].vale",
                "spec.containers[0].imagePulPolicy",
                "spec.containers[0].livenessProbe.httpGet.url",
                "spec.containers[0].resources.request",
                "spec.volumes[1].emptydir",
            ]
        );
    }

    #[test]
    fn members_of_a_sidecar_keys_of_maps_and_quantities_in_any_spelling_are_known() {
        let container = json!({
            "name": "a", "restartPolicy": "Always", "resources": {"limits": {"example.com/any": 1, "memory": "1Gi"}},
            "podInjectPolicy": "AfterAppContainer", "shareVolumePolicy": {"type": "disabled"},
        });

        assert_eq!(told(json!({"containers": [container]})), [""; 0]);
    }

    #[test]
    fn what_is_unknown_a_thousand_times_is_told_twenty_times() {
        let variables = vec![json!({"name": "A", "vale": "a"}); 1000];

        assert_eq!(told(json!({"containers": [{"name": "a", "env": variables}]})).len(), 20);
    }
}
