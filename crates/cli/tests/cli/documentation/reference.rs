//! docs/api.md, made from the definition of SidecarSet and from the list of what is shared with other programs.

use serde_json::{Map, Value};
use sidecarset_e2e::document::repository;
use std::fmt::Write;

const PAGE: &str = "docs/api.md";

const BEGINNING: &str = "# API

<!-- Made from the types: `make generate` writes it anew. -->

The kind `SidecarSet` of the group `apps.kruise.io`, for the whole cluster, in the versions `v1beta1`, which is stored, and
`v1alpha1`. Both have this one schema, so that each reads what was written in the other. `kubectl explain sidecarset.spec` tells
the same.

A field is optional unless it says *required*. Those of `initContainers` are those of `containers`; there, `podInjectPolicy` is
`AfterAppContainer` if nothing else is said. Fields that are called deprecated work as ever; they are the older spellings. A
number or percentage is written as `3` or `\"10%\"`.

";

/// Defaults that stand neither in the schema nor in the descriptions: they depend on where a container stands.
const DEFAULTS: [(&str, &str); 4] = [
    ("spec.containers[].podInjectPolicy", "BeforeAppContainer"),
    ("spec.containers[].shareVolumePolicy.type", "disabled"),
    ("spec.injectionStrategy.revision.policy", "Always"),
    ("spec.updateStrategy.paused", "false"),
];

/// Parts that are described where Kubernetes describes them.
const OF_KUBERNETES: [(&str, &str); 2] = [
    ("matchLabels", "[LabelSelector](https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/)"),
    ("lastTransitionTime", "[Condition](https://kubernetes.io/docs/reference/using-api/api-concepts/)"),
];

#[test]
fn the_reference_is_the_one_that_is_generated() {
    let path = repository().join(PAGE);
    let generated = reference();

    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let is_equal = std::fs::read_to_string(path).is_ok_and(|text| text == generated);
    assert!(is_equal, "{PAGE} is stale: run `make generate`");
}

fn reference() -> String {
    let definition = serde_json::to_value(sidecarset_api::crd::sidecar_set()).unwrap();
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let schema = &versions.iter().find(|version| version["name"] == "v1beta1").unwrap()["schema"]["openAPIV3Schema"];
    let mut text = BEGINNING.to_owned();
    for part in ["spec", "status"] {
        section(part, &schema["properties"][part], &mut text);
    }
    text.push_str("## Marks on other objects\n\nKeys, names and variables that other programs can rely on.\n\n");
    text.push_str("| name | where, and what it says |\n|---|---|\n");
    for (name, description) in marks() {
        writeln!(text, "| `{name}` | {description} |").unwrap();
    }
    text
}

/// Writes a table of the fields of an object, and then of those in it.
fn section(path: &str, schema: &Value, text: &mut String) {
    let level = if path.contains('.') { "###" } else { "##" };
    writeln!(text, "{level} {path}\n\n{}\n", described(schema)).unwrap();
    text.push_str("| field | type | default | meaning |\n|---|---|---|---|\n");
    let fields = schema["properties"].as_object().unwrap();
    let mut inner = Vec::new();
    for (name, field) in fields {
        let (kind, items) = kind(field);
        let is_required = schema["required"].as_array().is_some_and(|all| all.contains(&Value::from(name.as_str())));
        let path = format!("{path}.{name}{}", if field["type"] == "array" { "[]" } else { "" });
        let default = if is_required { "*required*".to_owned() } else { default(&path, field) };
        writeln!(text, "| `{name}` | {kind} | {default} | {} |", described(field)).unwrap();
        if let Some(items) = items {
            inner.push((path, items));
        }
    }
    text.push('\n');
    for (path, schema) in inner {
        if path.starts_with("spec.initContainers[]") {
            continue;
        }
        section(&path, schema, text);
    }
}

fn described(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('|', "\\|")
}

/// Returns what a type is called, and the schema of the object that is told in a table of its own.
fn kind(schema: &Value) -> (String, Option<&Value>) {
    if schema["x-kubernetes-int-or-string"] == true {
        return ("number or percentage".to_owned(), None);
    }
    match schema["type"].as_str().unwrap_or_default() {
        "array" => {
            let (kind, inner) = kind(&schema["items"]);
            (format!("list of {kind}s"), inner)
        }
        "object" => match schema["properties"].as_object() {
            Some(fields) => OF_KUBERNETES
                .iter()
                .find(|(field, _)| fields.contains_key(*field))
                .map_or_else(|| ("object".to_owned(), Some(schema)), |(_, name)| ((*name).to_owned(), None)),
            None if schema.get("additionalProperties").is_some() => ("map of strings".to_owned(), None),
            None => ("Kubernetes object".to_owned(), None),
        },
        "" => ("Kubernetes object".to_owned(), None),
        other => (other.to_owned(), None),
    }
}

/// Returns the default: that of the schema, or what the description says.
fn default(path: &str, schema: &Value) -> String {
    if let Some((_, default)) = DEFAULTS.iter().find(|(of, _)| *of == path) {
        return format!("`{default}`");
    }
    if let Some(default) = schema.get("default").filter(|default| *default != "") {
        return format!("`{}`", default.as_str().map_or_else(|| default.to_string(), str::to_owned));
    }
    let description = schema["description"].as_str().unwrap_or_default();
    if let Some((_, default)) = description.split_once("Defaults to ") {
        let word = default.split([' ', '.']).next().unwrap_or_default();
        return if word == "what" { String::new() } else { format!("`{word}`") };
    }
    let before = description.split_once(" (the default)").map(|(before, _)| before);
    before.and_then(|before| before.rsplit(' ').next()).map(|word| format!("`{word}`")).unwrap_or_default()
}

/// Returns what the list of marks says of each.
fn marks() -> Vec<(String, String)> {
    let source = std::fs::read_to_string(repository().join("crates/api/src/markers.rs")).unwrap();
    let (mut marks, mut names, mut description) = (Vec::new(), Map::new(), String::new());
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("///") {
            description.push_str(text);
        } else if let Some((name, value)) =
            line.strip_prefix("pub const ").and_then(|rest| rest.split_once(": &str = "))
        {
            let value = value.trim_matches(['"', ';']).to_owned();
            names.insert(name.to_owned(), Value::from(value.clone()));
            marks.push((value, std::mem::take(&mut description).trim().to_owned()));
        }
    }
    let named = |text: String| {
        names.iter().fold(text, |text, (name, value)| {
            let value = format!("`{}`", value.as_str().unwrap());
            text.replace(&format!("[`crate::markers::{name}`]"), &value).replace(&format!("[`{name}`]"), &value)
        })
    };
    marks.into_iter().map(|(name, text)| (name, named(text))).collect()
}
