//! What a sidecar takes over from the Pod's own containers: mounts, devices and environment variables.

use super::carries_mark;
use super::edit::PodEdit;
use crate::json::Json;
use crate::normalize::{EnvSource, EnvTransfer, Shares};
use serde_json::{Map, Value};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// The lists of a container that are shared, each with the member that says where an item is.
const MOUNTS: (&str, &str) = ("volumeMounts", "mountPath");
const DEVICES: (&str, &str) = ("volumeDevices", "devicePath");

/// A container of the Pod itself. It may be as large as a Pod can be, so nothing is looked for in it twice.
#[derive(Debug)]
struct Own<'a> {
    container: &'a Json<'a>,
    /// Its variables by name, the first of each, once somebody has asked for one.
    variables: OnceCell<BTreeMap<&'a str, &'a Json<'a>>>,
}

/// Adds to a sidecar what it takes over.
pub(super) fn take_over(pod: &Json<'_>, edit: &PodEdit<'_>, shares: &Shares, sidecar: &mut Map<String, Value>) {
    if *shares == Shares::default() {
        return;
    }
    let own = own_containers(pod);
    let mut env = transferred(pod, edit, &own, &shares.env);
    if shares.mounts {
        // As in Kruise: a mount that is left out because its path is taken brings its variables all the same.
        env.extend(own.iter().flat_map(Own::variables_of_mounts));
        share(sidecar, &own, MOUNTS);
    }
    if shares.devices {
        share(sidecar, &own, DEVICES);
    }
    add_variables(sidecar, env);
}

/// Returns the regular containers that were not injected. Init containers are never a source.
fn own_containers<'a>(pod: &'a Json<'a>) -> Vec<Own<'a>> {
    let containers = pod.at("spec").at("containers").items();
    containers.filter(|container| !carries_mark(container)).map(Own::new).collect()
}

/// Appends what the containers have in a list, at paths that nothing of the sidecar is at.
fn share(sidecar: &mut Map<String, Value>, own: &[Own<'_>], (list, path): (&str, &str)) {
    let mut taken: BTreeSet<String> =
        [MOUNTS, DEVICES].into_iter().flat_map(|(list, path)| texts(sidecar, list, path)).collect();
    for item in own.iter().flat_map(|own| own.container.at(list).items()) {
        let Some(place) = item.at(path).as_str() else { continue };
        if !taken.contains(place) {
            taken.insert(place.to_owned());
            append(sidecar, list, item.to_value());
        }
    }
}

/// Returns the variables that a set asks for, in the order in which it does. What is not there is left out.
fn transferred<'a>(
    pod: &Json<'_>,
    edit: &PodEdit<'_>,
    own: &[Own<'a>],
    transfers: &[EnvTransfer],
) -> Vec<&'a Json<'a>> {
    let mut variables = Vec::new();
    for transfer in transfers {
        let source = match &transfer.source {
            EnvSource::Container(name) => Some(name.as_str()),
            EnvSource::Label(key) => pod.at("metadata").at("labels").at(key).as_str(),
            EnvSource::Annotation(key) => edit.annotation(key),
        };
        let own = source.and_then(|name| own.iter().find(|own| own.container.at("name").is(name)));
        variables.extend(transfer.names.iter().filter_map(|name| own?.variable(name)));
    }
    variables
}

impl<'a> Own<'a> {
    fn new(container: &'a Json<'a>) -> Self {
        Self { container, variables: OnceCell::new() }
    }

    /// Returns the variable of this name.
    fn variable(&self, name: &str) -> Option<&'a Json<'a>> {
        let by_name = || {
            let mut variables = BTreeMap::new();
            for variable in self.container.at("env").items() {
                if let Some(name) = variable.at("name").as_str() {
                    variables.entry(name).or_insert(variable);
                }
            }
            variables
        };
        self.variables.get_or_init(by_name).get(name).copied()
    }

    /// Returns the variables that the mounts are named by: `$(NAME)` in `subPathExpr`.
    fn variables_of_mounts(&self) -> impl Iterator<Item = &'a Json<'a>> {
        let mounts = self.container.at("volumeMounts").items();
        let names = mounts.filter_map(|mount| mount.at("subPathExpr").as_str()).flat_map(names_in);
        names.filter_map(|name| self.variable(name))
    }
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

/// Appends variables whose names the sidecar does not have.
fn add_variables(sidecar: &mut Map<String, Value>, variables: Vec<&Json<'_>>) {
    let mut known: BTreeSet<String> = texts(sidecar, "env", "name").collect();
    for variable in variables {
        let Some(name) = variable.at("name").as_str() else { continue };
        if !known.contains(name) {
            known.insert(name.to_owned());
            append(sidecar, "env", variable.to_value());
        }
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

/// Returns a member of each item of a list.
fn texts(sidecar: &Map<String, Value>, list: &str, member: &str) -> impl Iterator<Item = String> {
    let items = sidecar.get(list).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(move |item| item[member].as_str().map(str::to_owned))
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
