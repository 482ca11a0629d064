//! The cases of validation. The tests on a real cluster read them too, and ask an API server about them.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::Path;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/cases/validation");

/// A set, and what is wrong with it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    pub claim: String,
    /// Members of the set's first container, which has a name and an image.
    #[serde(default)]
    container: Map<String, Value>,
    /// Members of an init container, which has a name and an image.
    init_container: Option<Map<String, Value>>,
    /// Further containers.
    #[serde(default)]
    containers: Vec<Value>,
    #[serde(default)]
    volumes: Vec<Value>,
    /// Members of the spec.
    #[serde(default)]
    pub spec: Map<String, Value>,
    /// What is refused, and why; nothing where the set is accepted.
    #[serde(default)]
    pub violations: Vec<String>,
    /// Why an API server says something else of a Pod with these members.
    pub kubernetes: Option<String>,
    /// The newest minor version of Kubernetes whose API servers are known to say something else: they do not know or do not do
    /// yet what the case is about.
    pub not_yet_in: Option<u32>,
    /// Where an API server finds fault with them, if elsewhere.
    #[serde(default)]
    pub paths: Vec<String>,
}

impl Case {
    /// Returns the spec of the set.
    pub fn spec(&self) -> Value {
        let named = |name: &str, members: &Map<String, Value>| {
            let mut container = json!({"name": name, "image": name});
            container.as_object_mut().unwrap().extend(members.clone());
            container
        };
        let mut containers = vec![named("agent", &self.container)];
        containers.extend(self.containers.iter().cloned());
        let init_containers: Vec<Value> = self.init_container.iter().map(|members| named("setup", members)).collect();
        let mut spec = json!({
            "selector": {"matchLabels": {"app": "nginx"}}, "initContainers": init_containers, "containers": containers,
            "volumes": self.volumes, "updateStrategy": {"type": "NotUpdate"},
        });
        spec.as_object_mut().unwrap().extend(self.spec.clone());
        spec
    }
}

/// Returns all cases.
pub fn cases() -> Vec<Case> {
    let mut files: Vec<_> = Path::new(FOLDER).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    texts.flat_map(|text| serde_saphyr::from_str::<Vec<Case>>(&text).unwrap()).collect()
}
