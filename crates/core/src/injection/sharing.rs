//! What a sidecar takes over from the Pod's own containers: mounts, devices and environment variables.

use super::carries_mark;
use super::edit::PodEdit;
use crate::json::Json;
use crate::normalize::{DEVICES, EnvSource, EnvTransfer, MOUNTS, Shares, Sidecar};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// What a sidecar takes over.
#[derive(Debug, Default)]
pub(super) struct Taken<'a> {
    pub(super) env: Vec<Json<'a>>,
    pub(super) mounts: Vec<Json<'a>>,
    pub(super) devices: Vec<Json<'a>>,
}

/// The regular containers of a Pod that were not injected, found when somebody asks. Init containers are never a source.
#[derive(Debug)]
pub(super) struct OwnContainers<'a> {
    pod: Json<'a>,
    found: OnceCell<Vec<Own<'a>>>,
}

/// A container of the Pod itself. It may be as large as a Pod can be, so nothing is looked for in it twice.
#[derive(Debug)]
struct Own<'a> {
    container: Json<'a>,
    /// Its variables by name, the first of each, once somebody has asked for one.
    variables: OnceCell<BTreeMap<&'a str, Json<'a>>>,
}

/// Returns what a sidecar takes over: nothing that it has itself.
pub(super) fn taken<'a>(own: &OwnContainers<'a>, edit: &PodEdit<'_>, sidecar: &Sidecar) -> Taken<'a> {
    let Shares { mounts, devices, env } = &sidecar.shares;
    let mut taken = Taken::default();
    if sidecar.shares == Shares::default() {
        return taken;
    }
    let mut variables = own.transferred(edit, env);
    let mut places = BTreeSet::new();
    if *mounts {
        // As in Kruise: a mount that is left out because its path is taken brings its variables all the same.
        variables.extend(own.all().iter().flat_map(Own::variables_of_mounts));
        taken.mounts = own.at_free_places(MOUNTS, sidecar, &mut places);
    }
    if *devices {
        taken.devices = own.at_free_places(DEVICES, sidecar, &mut places);
    }
    let mut added = BTreeSet::new();
    let is_new = |variable: &Json<'a>| {
        variable
            .at("name")
            .as_str()
            .is_some_and(|name| !sidecar.template.env.known.contains(name) && added.insert(name))
    };
    variables.retain(is_new);
    taken.env = variables;
    taken
}

impl Taken<'_> {
    /// Returns how long it is as JSON, with commas.
    pub(super) fn length(&self) -> usize {
        [&self.env, &self.mounts, &self.devices].into_iter().flatten().map(|item| item.raw().len() + 1).sum()
    }
}

impl<'a> OwnContainers<'a> {
    pub(super) fn of(pod: Json<'a>) -> Self {
        Self { pod, found: OnceCell::new() }
    }

    fn all(&self) -> &[Own<'a>] {
        self.found.get_or_init(|| {
            let containers = self.pod.at("spec").at("containers").items();
            containers.filter(|container| !carries_mark(*container)).map(Own::new).collect()
        })
    }

    /// Returns what the containers have in a list, at paths that nothing of the sidecar is at.
    fn at_free_places(
        &self,
        (list, path): (&str, &str),
        sidecar: &Sidecar,
        taken: &mut BTreeSet<&'a str>,
    ) -> Vec<Json<'a>> {
        let template = &sidecar.template;
        let is_free = |place: &str| !template.mounts.known.contains(place) && !template.devices.known.contains(place);
        let items = self.all().iter().flat_map(|own| own.container.at(list).items());
        items.filter(|item| item.at(path).as_str().is_some_and(|place| is_free(place) && taken.insert(place))).collect()
    }

    /// Returns the variables that a set asks for, in the order in which it does. What is not there is left out.
    fn transferred(&self, edit: &PodEdit<'_>, transfers: &[EnvTransfer]) -> Vec<Json<'a>> {
        let mut variables = Vec::new();
        for transfer in transfers {
            let source = match &transfer.source {
                EnvSource::Container(name) => Some(name.as_str()),
                EnvSource::Label(key) => self.pod.at("metadata").at("labels").at(key).as_str(),
                EnvSource::Annotation(key) => edit.annotation(key),
            };
            let own = source.and_then(|name| self.all().iter().find(|own| own.container.at("name").is(name)));
            variables.extend(transfer.names.iter().filter_map(|name| own?.variable(name)));
        }
        variables
    }
}

impl<'a> Own<'a> {
    fn new(container: Json<'a>) -> Self {
        Self { container, variables: OnceCell::new() }
    }

    /// Returns the variable of this name.
    fn variable(&self, name: &str) -> Option<Json<'a>> {
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
    fn variables_of_mounts(&self) -> impl Iterator<Item = Json<'a>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_an_expression_are_found() {
        let names: Vec<_> = names_in("$(POD_NAME)/$$(A-b.c)/$(1x)/$()/$(open").collect();

        assert_eq!(names, ["POD_NAME", "A-b.c"]);
    }
}
