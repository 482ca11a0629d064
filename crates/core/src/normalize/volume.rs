//! The volumes of a set that its sidecars mount.

use super::Sidecar;
use serde_json::{Map, Value};
use sidecarset_api::v1beta1::SidecarSetSpec;

/// A volume that some sidecar of a set mounts, or uses as a device.
#[derive(Debug, Clone, PartialEq)]
pub struct MountedVolume {
    /// Its name.
    pub name: Box<str>,
    /// What it is.
    pub definition: Map<String, Value>,
    /// The same as JSON text: written once, for each Pod gets it.
    pub text: Box<str>,
}

/// Returns the volumes that sidecars mount, in the order of the mounts, each once.
pub(super) fn mounted<'a>(spec: &SidecarSetSpec, sidecars: impl Iterator<Item = &'a Sidecar>) -> Vec<MountedVolume> {
    let mut mounted: Vec<MountedVolume> = Vec::new();
    for name in sidecars.flat_map(|sidecar| &sidecar.volumes) {
        let mut volumes = spec.volumes.iter().flatten();
        let definition = volumes.find(|volume| volume.get("name").is_some_and(|it| it == name.as_str()));
        if let Some(definition) = definition
            && !mounted.iter().any(|known| *known.name == **name)
        {
            let text = Value::Object(definition.clone()).to_string().into();
            mounted.push(MountedVolume { name: name.as_str().into(), definition: definition.clone(), text });
        }
    }
    mounted
}
