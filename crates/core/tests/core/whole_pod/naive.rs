//! A Pod with the containers of a set put into it and nothing thought about.

use serde_json::{Value, json};

/// What SidecarSet adds to a container.
const ADDED: [&str; 4] = ["podInjectPolicy", "upgradeStrategy", "shareVolumePolicy", "shareVolumeDevicePolicy"];

/// Returns the Pod, or nothing where its sidecars depend on more than that.
pub fn united(pod: &Value, set: &Value) -> Option<Value> {
    let (mut pod, spec) = (pod.clone(), &set["spec"]);
    let mut used = Vec::new();
    for list in ["initContainers", "containers"] {
        for sidecar in items(&spec[list]) {
            if ["shareVolumePolicy", "shareVolumeDevicePolicy"].iter().any(|policy| !sidecar[policy].is_null()) {
                return None;
            }
            let uses = ["volumeMounts", "volumeDevices"].into_iter().flat_map(|list| items(&sidecar[list]));
            used.extend(uses.map(|it| it["name"].clone()));
            put(&mut pod["spec"][list], sidecar);
        }
    }
    for volume in items(&spec["volumes"]).filter(|volume| used.contains(&volume["name"])) {
        if !items(&pod["spec"]["volumes"]).any(|own| own["name"] == volume["name"]) {
            pod["spec"]["volumes"].as_array_mut()?.push(volume.clone());
        }
    }
    for patch in items(&spec["patchPodMetadata"]) {
        for (key, value) in patch["annotations"].as_object()? {
            let annotation = &mut pod["metadata"]["annotations"][key];
            if annotation.is_null() || patch["patchPolicy"] == "Overwrite" {
                *annotation = value.clone();
            }
        }
    }
    Some(pod)
}

fn put(list: &mut Value, sidecar: &Value) {
    let is_hot = sidecar["upgradeStrategy"]["upgradeType"] == "HotUpgrade";
    let names = if is_hot { ["-1", "-2"].as_slice() } else { &[""] };
    for ending in names {
        let mut container = sidecar.clone();
        container["name"] = format!("{}{ending}", sidecar["name"].as_str().unwrap()).into();
        container.as_object_mut().unwrap().retain(|member, _| !ADDED.contains(&member.as_str()));
        if !list.is_array() {
            *list = json!([]);
        }
        let list = list.as_array_mut().unwrap();
        match list.iter().position(|own| own["name"] == container["name"]) {
            Some(at) => list[at] = container,
            None if sidecar["podInjectPolicy"] == "BeforeAppContainer" => list.insert(0, container),
            None => list.push(container),
        }
    }
}

pub fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
