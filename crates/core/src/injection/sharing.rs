//! What a sidecar takes over from the Pod's own containers: mounts, devices and environment variables.

use super::edit::PodEdit;
use super::own::{OwnContainers, shows_on_node};
use super::rules::Guest;
use crate::json::Json;
use crate::normalize::{DEVICES, MOUNTS, Shares, Sidecar};
use crate::path::cleaned;
use std::collections::BTreeSet;

/// What a sidecar takes over.
#[derive(Debug, Default)]
pub(super) struct Taken<'a> {
    pub(super) env: Vec<Json<'a>>,
    pub(super) mounts: Vec<Json<'a>>,
    pub(super) devices: Vec<Json<'a>>,
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
    if *mounts {
        variables.extend_from_slice(&own.mounts().variables);
        taken.take_mounts(own, guest);
        if own.mounts().show_on_node {
            check_propagation(guest, &taken.mounts, edit);
        }
    }
    if *devices {
        taken.take_devices(own, guest);
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

/// Says whether a sidecar has nothing of its own at a path.
fn is_free(path: &str, sidecar: &Sidecar) -> bool {
    let known = [&sidecar.template.mounts.known, &sidecar.template.devices.known];
    !known.iter().any(|known| known.contains(path))
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
    if let Some(mount) = mounts.iter().find(|mount| shows_on_node(mount.at("mountPropagation"))) {
        let path = mount.at("mountPath").as_str().unwrap_or_default();
        let message = format_args!(
            "the mount {path} of the Pod has mountPropagation Bidirectional, which only a privileged container may have"
        );
        edit.reject(guest, "shareVolumePolicy", message);
    }
}

impl<'a> Taken<'a> {
    fn take_mounts(&mut self, own: &OwnContainers<'a>, guest: Guest<'_>) {
        let by_path = own.mounts().by_path();
        // With room for all of them: there may be as many as a Pod has room for.
        self.mounts.reserve_exact(by_path.len());
        self.mounts.extend(by_path.filter(|(path, _)| is_free(path, guest.sidecar)).map(|(_, mount)| mount));
        if !guest.sidecar.template.devices.items.is_empty() {
            let devices = guest.container().at(DEVICES.0);
            self.mounts.retain(|mount| !is_used(devices, *mount));
        }
    }

    fn take_devices(&mut self, own: &OwnContainers<'a>, guest: Guest<'_>) {
        let place = |item: Json<'a>, path| item.at(path).as_str().map(cleaned);
        let mounts = guest.sidecar.shares.mounts.then(|| own.mounts().by_path());
        let mut taken: BTreeSet<_> = mounts.into_iter().flatten().map(|(path, _)| path).collect();
        let is_new = |device: &Json<'a>| {
            place(*device, DEVICES.1).is_some_and(|path| is_free(&path, guest.sidecar) && taken.insert(path))
        };
        self.devices = own.devices().filter(is_new).collect();
        self.leave_devices_in_use(guest);
    }

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
        let has_room = |mount: &Json<'a>| {
            let is_known = path(mount).is_none_or(|path| sidecar.template.mounts.known.contains(path));
            !is_known && !self.mounts.iter().any(|taken| path(taken) == path(mount))
        };
        self.mounts.extend(mount.filter(has_room));
    }

    /// Returns how long it is as JSON, with commas.
    pub(super) fn length(&self) -> usize {
        [&self.env, &self.mounts, &self.devices].into_iter().flatten().map(|item| item.raw().len() + 1).sum()
    }
}
