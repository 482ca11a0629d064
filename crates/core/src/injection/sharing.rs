//! What a sidecar takes over from the Pod's own containers: mounts, devices and environment variables.

use super::carries_mark;
use super::edit::PodEdit;
use crate::normalize::{EnvSource, EnvTransfer, Shares};
use serde_json::{Map, Value};

/// The lists of a container that are shared, each with the member that says where an item is.
const MOUNTS: (&str, &str) = ("volumeMounts", "mountPath");
const DEVICES: (&str, &str) = ("volumeDevices", "devicePath");

/// Adds to a sidecar what it takes over.
pub(super) fn take_over(pod: &Value, edit: &PodEdit<'_>, shares: &Shares, sidecar: &mut Map<String, Value>) {
    if *shares == Shares::default() {
        return;
    }
    let own: Vec<&Value> = own_containers(pod).collect();
    let mut env = transferred(pod, edit, &own, &shares.env);
    if shares.mounts {
        // As in Kruise: a mount that is left out because its path is taken brings its variables all the same.
        env.extend(own.iter().flat_map(|own| variables_of_mounts(own)));
        share(sidecar, &own, MOUNTS);
    }
    if shares.devices {
        share(sidecar, &own, DEVICES);
    }
    for variable in env {
        add_variable(sidecar, variable);
    }
}

/// Returns the regular containers that were not injected. Init containers are never a source.
fn own_containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.filter(|container| !carries_mark(container))
}

/// Appends what the containers have in a list, at paths that nothing of the sidecar is at.
fn share(sidecar: &mut Map<String, Value>, own: &[&Value], (list, path): (&str, &str)) {
    let mut taken: Vec<String> =
        [MOUNTS, DEVICES].into_iter().flat_map(|(list, path)| paths(sidecar, list, path)).collect();
    for item in own.iter().flat_map(|container| items(container, list)) {
        let Some(place) = item[path].as_str() else { continue };
        if !taken.iter().any(|taken| taken == place) {
            taken.push(place.to_owned());
            append(sidecar, list, item.clone());
        }
    }
}

/// Returns the variables that a set asks for, in the order in which it does. What is not there is left out.
fn transferred<'a>(pod: &Value, edit: &PodEdit<'_>, own: &[&'a Value], transfers: &[EnvTransfer]) -> Vec<&'a Value> {
    let mut variables = Vec::new();
    for transfer in transfers {
        let source = match &transfer.source {
            EnvSource::Container(name) => Some(name.as_str()),
            EnvSource::Label(key) => pod["metadata"]["labels"][key].as_str(),
            EnvSource::Annotation(key) => edit.annotation(key),
        };
        let container = source.and_then(|name| own.iter().find(|container| container["name"] == name));
        variables.extend(transfer.names.iter().filter_map(|name| variable(container?, name)));
    }
    variables
}

/// Returns the variables that the mounts of a container are named by: `$(NAME)` in `subPathExpr`.
fn variables_of_mounts(container: &Value) -> Vec<&Value> {
    let expressions = items(container, "volumeMounts").filter_map(|mount| mount["subPathExpr"].as_str());
    expressions.flat_map(names_in).filter_map(|name| variable(container, name)).collect()
}

/// Returns each NAME of the `$(NAME)` in an expression.
// As in Kruise: `$$(NAME)`, which Kubernetes does not expand, counts too. A variable too many does no harm.
fn names_in(expression: &str) -> impl Iterator<Item = &str> {
    let candidates = expression.split("$(").skip(1).filter_map(|rest| rest.split_once(')').map(|(name, _)| name));
    candidates.filter(|name| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !name.is_empty() && name.bytes().all(is_part) && !name.starts_with(|first: char| first.is_ascii_digit())
    })
}

fn variable<'a>(container: &'a Value, name: &str) -> Option<&'a Value> {
    items(container, "env").find(|variable| variable["name"] == name)
}

fn add_variable(sidecar: &mut Map<String, Value>, variable: &Value) {
    let known = sidecar.get("env").and_then(Value::as_array).into_iter().flatten();
    if !known.into_iter().any(|known| known["name"] == variable["name"]) {
        append(sidecar, "env", variable.clone());
    }
}

fn append(sidecar: &mut Map<String, Value>, list: &str, item: Value) {
    match sidecar.get_mut(list) {
        Some(Value::Array(items)) => items.push(item),
        _ => {
            sidecar.insert(list.to_owned(), Value::Array(vec![item]));
        }
    }
}

fn paths(sidecar: &Map<String, Value>, list: &str, path: &str) -> Vec<String> {
    let items = sidecar.get(list).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item[path].as_str().map(str::to_owned)).collect()
}

fn items<'a>(container: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    container[list].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_an_expression_are_found() {
        let names: Vec<_> = names_in("$(POD_NAME)/$$(A-b.c)/$(1x)/$()/$(open").collect();

        assert_eq!(names, ["POD_NAME", "A-b.c"]);
    }
}
