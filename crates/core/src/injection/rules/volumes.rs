//! Not every volume can be used in every way, and where a Pod has a volume of the name that a set has, it is the Pod's that is used.

use super::super::edit::PodEdit;
use super::{Guest, Rule, Whole};
use crate::json::Json;
use crate::normalize::MountedVolume;
use crate::validation::LONGEST_DNS_SUBDOMAIN;

pub(super) fn concern(container: Json<'_>) -> bool {
    uses(container).next().is_some()
}

/// What a container uses a volume for that some kinds of volume cannot do.
struct Use<'a> {
    volume: &'a str,
    field: String,
    kind: UseKind,
}

#[derive(Debug, Clone, Copy)]
enum UseKind {
    /// As a device.
    Device,
    /// Variables are read from a file of it.
    Variables,
    /// It is mounted with options.
    Options,
}

pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    for guest in whole.concerned(Rule::Volumes) {
        for used in uses(guest.container()) {
            let own = whole.spec.volumes.items().find(|own| own.at("name").is(used.volume));
            let of_set = || guest.set.mounted.iter().find(|volume| *volume.name == *used.volume);
            match own {
                Some(own) if !used.kind.is_possible(|source| !own.at(source).is_null()) => {
                    let message = format_args!(
                        "{}, and volume {} is the Pod's own, which is something else",
                        used.kind.needs(),
                        used.volume
                    );
                    edit.reject(guest, &used.field, message);
                }
                Some(_) => {}
                None => check_own(guest, &used, of_set(), edit),
            }
        }
    }
}

/// Checks a volume that the set brings along.
fn check_own(guest: Guest<'_>, used: &Use<'_>, volume: Option<&MountedVolume>, edit: &mut PodEdit<'_>) {
    match volume {
        Some(volume) => {
            let has = |source: &str| volume.definition.get(source).is_some_and(|it| !it.is_null());
            if !used.kind.is_possible(has) {
                edit.reject(guest, &used.field, used.kind.needs());
            }
        }
        None => {
            edit.reject(guest, &used.field, format_args!("neither the Pod nor the set has a volume {}", used.volume));
        }
    }
}

/// A claim that is made for an ephemeral volume of the Pod is not mounted by its name, which is no longer than a name may be.
pub(super) fn check_claims(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    let Some(pod) = whole.pod.at("metadata").at("name").as_str().filter(|name| !name.is_empty()) else { return };
    for (set, volume) in whole.volumes.iter().filter(|(_, volume)| volume.is_claim()) {
        let length = volume.ephemeral_name().map_or(0, |name| pod.len() + "-".len() + name.len());
        if length > LONGEST_DNS_SUBDOMAIN {
            let message = format_args!(
                "the claim that is made for it has the names of the Pod and of the volume, which are {length} characters: \
                 {LONGEST_DNS_SUBDOMAIN} are allowed"
            );
            edit.reject_for(set, format!("spec.volumes[{}]", volume.name), message);
        }
        let clashes = whole.spec.volumes.items().any(|own| {
            let (name, claim) = (own.at("name").as_str(), own.at("persistentVolumeClaim").at("claimName").as_str());
            let made = name.filter(|_| !own.at("ephemeral").is_null());
            is_made(pod, made, volume.claim_name()) || is_made(pod, volume.ephemeral_name(), claim)
        });
        let clashes =
            clashes || whole.volumes.iter().any(|(_, other)| is_made(pod, other.ephemeral_name(), volume.claim_name()));
        if clashes {
            let path = format!("spec.volumes[{}]", volume.name);
            edit.reject_for(set, path, "a claim that is made for an ephemeral volume cannot be mounted by its name");
        }
    }
}

/// Says whether a claim is the one that is made for an ephemeral volume of a Pod.
fn is_made(pod: &str, ephemeral: Option<&str>, claim: Option<&str>) -> bool {
    let (Some(volume), Some(claim)) = (ephemeral, claim) else { return false };
    claim.strip_prefix(pod).and_then(|rest| rest.strip_prefix('-')) == Some(volume)
}

fn uses<'a>(container: Json<'a>) -> impl Iterator<Item = Use<'a>> {
    let named = |at: Json<'a>, key: &str| at.at(key).as_str();
    let devices = container.at("volumeDevices").items().enumerate().filter_map(move |(at, device)| {
        let field = format!("volumeDevices[{at}].name");
        Some(Use { volume: named(device, "name")?, field, kind: UseKind::Device })
    });
    let files = container.at("env").items().filter_map(move |variable| {
        let volume = named(variable.at("valueFrom").at("fileKeyRef"), "volumeName")?;
        let name = variable.at("name").as_str().unwrap_or_default();
        Some(Use { volume, field: format!("env[{name}].valueFrom.fileKeyRef.volumeName"), kind: UseKind::Variables })
    });
    let mounts = container.at("volumeMounts").items().enumerate();
    let options = mounts.filter(|(_, mount)| mount.at("bindMountOptions").items().next().is_some());
    let options = options.filter_map(move |(at, mount)| {
        let field = format!("volumeMounts[{at}].bindMountOptions");
        Some(Use { volume: named(mount, "name")?, field, kind: UseKind::Options })
    });
    devices.chain(files).chain(options)
}

impl UseKind {
    /// Says whether a volume can be used so, by the sources that it has.
    fn is_possible(self, has: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Device => has("persistentVolumeClaim") || has("ephemeral"),
            Self::Variables => has("emptyDir"),
            Self::Options => !has("image"),
        }
    }

    fn needs(self) -> &'static str {
        match self {
            Self::Device => "a device needs a persistentVolumeClaim or an ephemeral volume",
            Self::Variables => "variables are read from files of an emptyDir",
            Self::Options => "an image is mounted without bindMountOptions",
        }
    }
}
