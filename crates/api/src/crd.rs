//! The custom resource definition, from the types.

use crate::v1alpha1;
use crate::v1beta1::SidecarSet;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceConversion, CustomResourceDefinition,
};
use kube::CustomResourceExt;
use serde_json::Value;

/// Returns the definition of SidecarSet: both versions served with one schema, `v1beta1` stored.
///
/// Nothing is converted between the versions, so reading a SidecarSet needs no webhook.
pub fn sidecar_set() -> CustomResourceDefinition {
    let mut definition = with_flowing_descriptions(SidecarSet::crd());
    let mut older = definition.spec.versions[0].clone();
    v1alpha1::VERSION.clone_into(&mut older.name);
    older.storage = false;
    definition.spec.versions.insert(0, older);
    definition.spec.conversion = Some(CustomResourceConversion { strategy: "None".to_owned(), webhook: None });
    definition
}

/// Joins the lines of every description: `kubectl explain` breaks them to the width of the terminal.
fn with_flowing_descriptions(definition: CustomResourceDefinition) -> CustomResourceDefinition {
    let mut value = serde_json::to_value(definition).expect("a definition can be written as JSON");
    join_lines(&mut value);
    serde_json::from_value(value).expect("texts without line breaks leave a definition one")
}

fn join_lines(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            members.values_mut().for_each(join_lines);
        }
        Value::Array(items) => items.iter_mut().for_each(join_lines),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
