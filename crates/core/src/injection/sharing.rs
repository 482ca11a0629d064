//! What a sidecar takes over from the Pod's own containers: mounts, devices and environment variables.

use super::carries_mark;
use super::edit::PodEdit;
use super::rules::Guest;
use super::spec::Spec;
use crate::json::Json;
use crate::normalize::{DEVICES, EnvSource, EnvTransfer, MOUNTS, Shares, Sidecar};
use crate::path::cleaned;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeSet;

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
    spec: Spec<'a>,
    found: OnceCell<Vec<Own<'a>>>,
}

/// A container of the Pod itself. It may be as large as a Pod can be, so nothing is looked for in it twice.
#[derive(Debug)]
struct Own<'a> {
    container: Json<'a>,
    /// Its variables in the order of their names, those of one name in the order of the Pod, once somebody has asked for one.
    variables: OnceCell<Box<[(&'a str, Json<'a>)]>>,
}

/// A variable that a container may have twice.
#[derive(Debug, Clone, Copy)]
struct Twice<'a> {
    first: Json<'a>,
    last: Json<'a>,
}

/// Returns what a sidecar takes over: nothing that it has itself.
pub(super) fn taken<'a>(own: &OwnContainers<'a>, edit: &mut PodEdit<'_>, guest: Guest<'_>) -> Taken<'a> {
    let sidecar = guest.sidecar;
    let Shares { mounts, devices, env } = &sidecar.shares;
    let mut taken = Taken::default();
    if sidecar.shares == Shares::default() {
        return taken;
    }
    let mut variables = own.transferred(edit, env);
    let mut places = BTreeSet::new();
    if *mounts {
        for (own, mount) in own.items(MOUNTS) {
            // As in Kruise: a mount that is left out because its path is taken brings its variables all the same.
            variables.extend(own.variables_of(mount));
            taken.mounts.extend(at_free_place(mount, MOUNTS, sidecar, &mut places));
        }
        let devices = guest.container().at(DEVICES.0);
        if !devices.is_null() {
            taken.mounts.retain(|mount| !is_used(devices, *mount));
        }
        check_propagation(guest, &taken.mounts, edit);
    }
    if *devices {
        let devices = own.items(DEVICES);
        let devices = devices.filter_map(|(_, device)| at_free_place(device, DEVICES, sidecar, &mut places));
        taken.devices = devices.collect();
        taken.leave_devices_in_use(guest);
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

/// Returns a mount or a device, unless something of the sidecar, or something that is taken already, is at its place.
fn at_free_place<'a>(
    item: Json<'a>,
    (_, path): (&str, &str),
    sidecar: &Sidecar,
    taken: &mut BTreeSet<Cow<'a, str>>,
) -> Option<Json<'a>> {
    // A path is one however it is written: of two mounts at one path the first would be hidden.
    let place = item.at(path).as_str().map(cleaned)?;
    let known = [&sidecar.template.mounts.known, &sidecar.template.devices.known];
    let is_free = !known.iter().any(|known| known.contains(&*place));
    (is_free && taken.insert(place)).then_some(item)
}

/// Says whether the volume of a mount or a device is that of an item of a list.
fn is_used(list: Json<'_>, item: Json<'_>) -> bool {
    let name = item.at("name").as_str().unwrap_or_default();
    list.items().any(|own| own.at("name").is(name))
}

/// What is mounted within a mount shows on the node only from a privileged container.
fn check_propagation(guest: Guest<'_>, mounts: &[Json<'_>], edit: &mut PodEdit<'_>) {
    if guest.container().at("securityContext").at("privileged").as_bool() == Some(true) {
        return;
    }
    if let Some(mount) = mounts.iter().find(|mount| mount.at("mountPropagation").is("Bidirectional")) {
        let path = mount.at("mountPath").as_str().unwrap_or_default();
        let message = format_args!(
            "the mount {path} of the Pod has mountPropagation Bidirectional, which only a privileged container may have"
        );
        edit.reject(guest, "shareVolumePolicy", message);
    }
}

impl<'a> Taken<'a> {
    /// Takes no device of a volume that is in use already: a container uses a volume once, and in one way.
    fn leave_devices_in_use(&mut self, guest: Guest<'_>) {
        let mut used: BTreeSet<&str> = self.mounts.iter().filter_map(|mount| mount.at("name").as_str()).collect();
        let own = [DEVICES.0, MOUNTS.0].map(|list| guest.container().at(list));
        let is_own = |device: Json<'_>| own.iter().any(|list| is_used(*list, device));
        let mut is_new = |device: Json<'a>| device.at("name").as_str().is_some_and(|name| used.insert(name));
        self.devices.retain(|device| !is_own(*device) && is_new(*device));
    }

    /// Adds a mount, unless something else is at its place.
    pub(super) fn keep(&mut self, mount: Option<Json<'a>>, sidecar: &Sidecar) {
        let path = |mount: &Json<'a>| mount.at(MOUNTS.1).as_str();
        let is_free = |mount: &Json<'a>| {
            let is_known = path(mount).is_none_or(|path| sidecar.template.mounts.known.contains(path));
            !is_known && !self.mounts.iter().any(|taken| path(taken) == path(mount))
        };
        self.mounts.extend(mount.filter(is_free));
    }

    /// Returns how long it is as JSON, with commas.
    pub(super) fn length(&self) -> usize {
        [&self.env, &self.mounts, &self.devices].into_iter().flatten().map(|item| item.raw().len() + 1).sum()
    }
}

impl<'a> OwnContainers<'a> {
    pub(super) fn of(pod: Json<'a>, spec: Spec<'a>) -> Self {
        Self { pod, spec, found: OnceCell::new() }
    }

    fn all(&self) -> &[Own<'a>] {
        self.found.get_or_init(|| {
            let containers = self.spec.containers;
            // With room for all of them: there may be as many as a Pod has room for.
            let mut own = Vec::with_capacity(containers.items().count());
            own.extend(containers.items().filter(|container| !carries_mark(*container)).map(Own::new));
            own
        })
    }

    /// Returns what the containers have in a list, each with its container.
    fn items(&self, (list, _): (&str, &str)) -> impl Iterator<Item = (&Own<'a>, Json<'a>)> {
        self.all().iter().flat_map(move |own| own.container.at(list).items().map(move |item| (own, item)))
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
            // The value that the container sees: that of the last one.
            variables.extend(transfer.names.iter().filter_map(|name| Some(own?.variable(name)?.last)));
        }
        variables
    }
}

impl<'a> Own<'a> {
    fn new(container: Json<'a>) -> Self {
        Self { container, variables: OnceCell::new() }
    }

    /// Returns the variable of this name.
    fn variable(&self, name: &str) -> Option<Twice<'a>> {
        let by_name = || {
            let env = self.container.at("env");
            // With room for all of them, and nothing beside: there may be as many as a Pod has room for.
            let mut variables = Vec::with_capacity(env.items().count());
            variables.extend(env.items().filter_map(|variable| Some((variable.at("name").as_str()?, variable))));
            // Two of one name are in the order of their text, which is that of the Pod.
            let place = |variable: &Json<'_>| variable.raw().as_ptr();
            variables.sort_unstable_by(|(one, its), (other, others)| {
                one.cmp(other).then_with(|| place(its).cmp(&place(others)))
            });
            variables.into_boxed_slice()
        };
        let variables = self.variables.get_or_init(by_name);
        let before = variables.partition_point(|(its, _)| *its < name);
        let with = variables.partition_point(|(its, _)| *its <= name);
        let of_name = variables.get(before..with)?;
        Some(Twice { first: of_name.first()?.1, last: of_name.last()?.1 })
    }

    /// Returns the variables that a mount is named by: `$(NAME)` in `subPathExpr`.
    fn variables_of(&self, mount: Json<'a>) -> impl Iterator<Item = Json<'a>> {
        let names = mount.at("subPathExpr").as_str().into_iter().flat_map(names_in);
        // As in Kruise: the first one, although Kubernetes expands the path with the last.
        names.filter_map(|name| Some(self.variable(name)?.first))
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
