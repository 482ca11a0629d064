//! Where a volume comes from.

use super::super::Violations;
use super::super::choice::chosen;
use super::super::member::Member;
use super::super::syntax::{descending_path, dns_label, dns_subdomain, path_without_backsteps};
use super::{claim, files, iscsi, projected, require};
use crate::quantity::Quantity;
use crate::schema::VOLUME;

/// The sources that this build knows, in the order in which Kubernetes looks at them, and the members that each needs.
const SOURCES: [(&str, &[&str]); 30] = [
    ("emptyDir", &[]),
    ("hostPath", &["path"]),
    ("gitRepo", &["repository"]),
    ("gcePersistentDisk", &["pdName"]),
    ("awsElasticBlockStore", &["volumeID"]),
    ("secret", &["secretName"]),
    ("nfs", &["server", "path"]),
    ("iscsi", &["targetPortal", "iqn"]),
    ("glusterfs", &["endpoints", "path"]),
    ("flocker", &[]),
    ("persistentVolumeClaim", &["claimName"]),
    ("rbd", &["monitors", "image"]),
    ("cinder", &["volumeID"]),
    ("cephfs", &["monitors"]),
    ("quobyte", &["registry", "volume"]),
    ("downwardAPI", &[]),
    ("fc", &[]),
    ("flexVolume", &["driver"]),
    ("configMap", &["name"]),
    ("azureFile", &["secretName", "shareName"]),
    ("vsphereVolume", &["volumePath"]),
    ("photonPersistentDisk", &["pdID"]),
    ("portworxVolume", &["volumeID"]),
    ("azureDisk", &["diskName", "diskURI"]),
    ("storageos", &["volumeName"]),
    ("projected", &[]),
    ("scaleIO", &["gateway", "system", "volumeName"]),
    ("csi", &["driver"]),
    ("ephemeral", &["volumeClaimTemplate"]),
    ("image", &["reference"]),
];

const HOST_PATH_TYPES: [&str; 7] =
    ["DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"];
/// The longest name of a tenant of Quobyte.
const LONGEST_TENANT: usize = 64;
/// The longest name of a CSI driver.
const LONGEST_DRIVER: usize = 63;

/// Adds what is wrong with the source of a volume.
pub(super) fn check(volume: &Member<'_>, violations: &mut Violations) {
    chosen(volume, VOLUME, violations);
    let mut is_another_there = false;
    for (name, required) in SOURCES {
        let Some(source) = volume.child(name) else { continue };
        if is_another_there {
            violations.add(source.path(), "may not specify more than 1 volume type");
            continue;
        }
        is_another_there = true;
        require(&source, required, violations);
        check_members(name, &source, volume, violations);
    }
}

fn check_members(name: &str, source: &Member<'_>, volume: &Member<'_>, violations: &mut Violations) {
    match name {
        "emptyDir" => check_size(source, violations),
        "hostPath" => {
            source.check("path", path_without_backsteps, violations);
            source.check_one_of("type", &HOST_PATH_TYPES, violations);
        }
        "gitRepo" => source.check("directory", descending_path, violations),
        "gcePersistentDisk" | "awsElasticBlockStore" => source.check_range("partition", &(0..=255), violations),
        "secret" | "configMap" => files::check(source, violations),
        "downwardAPI" => files::check_downward(source, violations),
        "projected" => projected::check(source, violations),
        "nfs" => source.check("path", absolute_path, violations),
        "iscsi" => iscsi::check(source, volume, violations),
        "ephemeral" => claim::check(source, violations),
        "csi" => {
            source.check("driver", driver_name, violations);
            check_secret(source, "nodePublishSecretRef", violations);
        }
        "cinder" | "storageos" => check_storage_os_or_cinder(name, source, violations),
        "flocker" => check_flocker(source, violations),
        "quobyte" => check_quobyte(source, violations),
        "fc" => check_fibre_channel(source, violations),
        "flexVolume" => check_flex_options(source, violations),
        "azureDisk" => check_azure_disk(source, violations),
        "image" => source.check_one_of("pullPolicy", &["Always", "IfNotPresent", "Never"], violations),
        _ => {}
    }
}

fn check_size(source: &Member<'_>, violations: &mut Violations) {
    let Some(size) = source.value("sizeLimit").filter(|size| size.is_string() || size.is_number()) else { return };
    let size = violations.take(source.at("sizeLimit"), Quantity::from_json(size));
    if size.is_some_and(|size| size.is_negative()) {
        violations.add(source.at("sizeLimit"), "must be greater than or equal to 0");
    }
}

fn absolute_path(path: &str) -> Result<(), String> {
    if path.starts_with('/') { Ok(()) } else { Err(format!("{path:?} must be an absolute path")) }
}

fn driver_name(name: &str) -> Result<(), String> {
    if name.len() > LONGEST_DRIVER {
        return Err(format!("must be no more than {LONGEST_DRIVER} characters"));
    }
    dns_subdomain(&name.to_ascii_lowercase())
}

fn check_secret(source: &Member<'_>, key: &str, violations: &mut Violations) {
    if let Some(secret) = source.child(key) {
        secret.check_required("name", dns_subdomain, violations);
    }
}

fn check_storage_os_or_cinder(name: &str, source: &Member<'_>, violations: &mut Violations) {
    if name == "storageos" {
        source.check("volumeName", dns_label, violations);
        source.check("volumeNamespace", dns_label, violations);
    }
    if let Some(secret) = source.child("secretRef") {
        require(&secret, &["name"], violations);
    }
}

fn check_flocker(source: &Member<'_>, violations: &mut Violations) {
    match (source.text("datasetName"), source.text("datasetUUID")) {
        (None, None) => violations.add(source.path(), "is required: one of datasetName and datasetUUID"),
        (Some(_), Some(_)) => violations.add(source.path(), "datasetName and datasetUUID are mutually exclusive"),
        (Some(_), None) | (None, Some(_)) => {}
    }
    if source.text("datasetName").is_some_and(|name| name.contains('/')) {
        violations.add(source.at("datasetName"), "must not contain '/'");
    }
}

fn check_quobyte(source: &Member<'_>, violations: &mut Violations) {
    if source.text("tenant").is_some_and(|tenant| tenant.len() > LONGEST_TENANT) {
        violations.add(source.at("tenant"), format!("must be no more than {LONGEST_TENANT} characters"));
    }
    if source.text("registry").is_some_and(|registry| !registry.split(',').all(is_address)) {
        violations.add(source.at("registry"), "must be HOST:PORT, or several of them separated by commas");
    }
}

/// Says whether a text is what Go splits into a host and a port: only a host in brackets has colons.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let has_none_of = |text: &str, letters: &[char]| !text.contains(letters);
    bracketed.map_or_else(|| has_none_of(host, &[':', '[', ']']), |host| has_none_of(host, &['[', ']']))
        && has_none_of(port, &['[', ']'])
}

fn check_fibre_channel(source: &Member<'_>, violations: &mut Violations) {
    match (source.is_empty_list("targetWWNs"), source.is_empty_list("wwids")) {
        (true, true) => violations.add(source.at("targetWWNs"), "is required: one of targetWWNs and wwids"),
        (false, false) => violations.add(source.at("targetWWNs"), "targetWWNs and wwids are mutually exclusive"),
        (false, true) => require(source, &["lun"], violations),
        (true, false) => return,
    }
    if !source.is_empty_list("targetWWNs") {
        source.check_range("lun", &(0..=255), violations);
    }
}

fn check_flex_options(source: &Member<'_>, violations: &mut Violations) {
    let Some(options) = source.child("options") else { return };
    for key in options.keys() {
        let namespace = format!(".{}", key.split('/').next().unwrap_or_default().to_ascii_lowercase());
        if namespace.ends_with(".kubernetes.io") || namespace.ends_with(".k8s.io") {
            violations.add(format!("{}[{key}]", options.path()), "kubernetes.io and k8s.io are reserved");
        }
    }
}

fn check_azure_disk(source: &Member<'_>, violations: &mut Violations) {
    source.check_written_one_of("cachingMode", &["None", "ReadOnly", "ReadWrite"], violations);
    source.check_written_one_of("kind", &["Shared", "Dedicated", "Managed"], violations);
    // As in Kubernetes: a disk that says nothing else is Shared.
    let beginning = match source.text("kind") {
        Some("Managed") => "/subscriptions/",
        Some("Shared" | "Dedicated") | None => "https://",
        Some(_) => return,
    };
    if source.text("diskURI").is_some_and(|uri| !uri.starts_with(beginning)) {
        violations.add(source.at("diskURI"), format!("must begin with {beginning}"));
    }
}
