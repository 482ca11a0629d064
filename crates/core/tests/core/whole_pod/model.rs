//! The API server's rules of a Pod, as far as the Pods here can break them: written down once more, over a whole Pod.

use super::naive::items;
use serde_json::{Value, json};
use sidecarset_core::quantity::Quantity;
use std::collections::BTreeSet;

/// When the API server fills in the requests of a Pod with resources of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FillsIn {
    /// Before anybody may add containers, up to 1.36.
    Before,
    /// Once all containers are there.
    After,
}

/// Returns a Pod as it is when webhooks see it.
pub fn admitted(pod: &Value, fills_in: FillsIn) -> Value {
    let mut pod = pod.clone();
    if fills_in == FillsIn::Before {
        fill_resources(&mut pod);
    }
    pod
}

/// Returns everything that is wrong with a Pod once all webhooks have seen it.
pub fn violations(pod: &Value, fills_in: FillsIn) -> Vec<String> {
    let mut pod = pod.clone();
    if fills_in == FillsIn::After {
        fill_resources(&mut pod);
    }
    let mut found = Vec::new();
    names(&pod, &mut found);
    volumes(&pod, &mut found);
    for (list, container) in all(&pod) {
        uses(&pod, container, &mut found);
        amounts(&container["resources"], &mut found);
        bounds(&pod, list, container, &mut found);
        rights(&pod, container, &mut found);
    }
    node_ports(&pod, &mut found);
    pod_resources(&pod, &mut found);
    host_processes(&pod, &mut found);
    annotations(&pod, &mut found);
    found
}

fn all(pod: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    ["initContainers", "containers"].into_iter().flat_map(|list| items(&pod["spec"][list]).map(move |it| (list, it)))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn names(pod: &Value, found: &mut Vec<String>) {
    let mut known = BTreeSet::new();
    for (_, container) in all(pod) {
        if !known.insert(text(container, "name")) {
            found.push(format!("two containers {}", container["name"]));
        }
    }
}

fn volumes(pod: &Value, found: &mut Vec<String>) {
    let volumes: Vec<&Value> = items(&pod["spec"]["volumes"]).collect();
    let names: BTreeSet<&str> = volumes.iter().map(|volume| text(volume, "name")).collect();
    if names.len() < volumes.len() {
        found.push("two volumes of one name".to_owned());
    }
    let made = volumes.iter().filter(|volume| !volume["ephemeral"].is_null());
    let made = made.map(|volume| format!("{}-{}", text(&pod["metadata"], "name"), text(volume, "name")));
    let made: BTreeSet<String> = made.filter(|_| pod["metadata"]["name"].is_string()).collect();
    if volumes.iter().any(|volume| made.contains(text(&volume["persistentVolumeClaim"], "claimName"))) {
        found.push("a claim is made for another volume".to_owned());
    }
}

fn uses(pod: &Value, container: &Value, found: &mut Vec<String>) {
    let volume = |name: &str| items(&pod["spec"]["volumes"]).find(|volume| volume["name"] == *name);
    let (mounts, devices) = (&container["volumeMounts"], &container["volumeDevices"]);
    let mut places: Vec<&str> = items(mounts).map(|mount| text(mount, "mountPath")).collect();
    places.extend(items(devices).map(|device| text(device, "devicePath")));
    if places.iter().collect::<BTreeSet<_>>().len() < places.len() {
        found.push("two things at one path".to_owned());
    }
    for used in items(mounts).chain(items(devices)) {
        if volume(text(used, "name")).is_none() {
            found.push(format!("no volume {}", used["name"]));
        }
    }
    let mut known = BTreeSet::new();
    for device in items(devices) {
        let name = text(device, "name");
        let can_be = |source| volume(name).is_some_and(|volume| !volume[source].is_null());
        if !known.insert(name) || items(mounts).any(|mount| mount["name"] == *name) {
            found.push(format!("{name} is used twice"));
        }
        if !can_be("persistentVolumeClaim") && !can_be("ephemeral") {
            found.push(format!("{name} is no device"));
        }
        if pod["spec"]["hostUsers"] == false {
            found.push("a device beside users of its own".to_owned());
        }
    }
    let is_privileged = container["securityContext"]["privileged"] == true;
    if items(mounts).any(|mount| mount["mountPropagation"] == "Bidirectional") && !is_privileged {
        found.push("a mount shows on the node".to_owned());
    }
    for claim in items(&container["resources"]["claims"]) {
        if !items(&pod["spec"]["resourceClaims"]).any(|own| own["name"] == claim["name"]) {
            found.push(format!("no claim {}", claim["name"]));
        }
    }
}

/// The amounts of one container, or those of the Pod.
fn amounts(resources: &Value, found: &mut Vec<String>) {
    for resource in ["cpu", "memory", "hugepages-2Mi"] {
        let (request, limit) = (given(resources, "requests", resource), given(resources, "limits", resource));
        let has_pages = resource.starts_with("hugepages");
        if request.is_some() && limit.is_some() && (request > limit || has_pages && request != limit)
            || has_pages && request.is_some() && limit.is_none()
        {
            found.push(format!("requests of {resource} are not its limits"));
        }
    }
    let says = |resource| ["requests", "limits"].iter().any(|list| given(resources, list, resource).is_some());
    if says("hugepages-2Mi") && !says("cpu") && !says("memory") {
        found.push("huge pages alone".to_owned());
    }
}

fn given(resources: &Value, list: &str, resource: &str) -> Option<i128> {
    let amount = &resources[list][resource];
    (!amount.is_null()).then(|| Quantity::from_json(amount).unwrap().millis())
}

fn bounds(pod: &Value, list: &str, container: &Value, found: &mut Vec<String>) {
    let spec = &pod["spec"];
    let grace_period = spec["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    for hook in ["postStart", "preStop"] {
        if container["lifecycle"][hook]["sleep"]["seconds"].as_i64().is_some_and(|seconds| seconds > grace_period) {
            found.push("a sleep is too long".to_owned());
        }
    }
    let restarts = items(&container["resizePolicy"]).any(|policy| policy["restartPolicy"] == "RestartContainer");
    let is_ordinary = list == "initContainers" && container["restartPolicy"] != "Always";
    if restarts && (spec["restartPolicy"] == "Never" || is_ordinary) {
        found.push("other amounts restart it".to_owned());
    }
}

fn rights(pod: &Value, container: &Value, found: &mut Vec<String>) {
    let (spec, context) = (&pod["spec"], &container["securityContext"]);
    if context["procMount"] == "Unmasked" && spec["hostUsers"] != false {
        found.push("an unmasked /proc".to_owned());
    }
    let of_linux = ["seccompProfile", "appArmorProfile", "privileged", "runAsUser", "procMount"];
    let is_foreign = match spec["os"]["name"].as_str() {
        Some("windows") => of_linux.iter().any(|field| !context[field].is_null()),
        Some("linux") => !context["windowsOptions"].is_null(),
        _ => false,
    };
    if is_foreign {
        found.push("rights of the other system".to_owned());
    }
    for (kind, field, is_compared) in [
        ("seccomp.security.alpha", "seccompProfile", true),
        ("apparmor.security.beta", "appArmorProfile", spec["os"]["name"] != "windows"),
    ] {
        let key = format!("container.{kind}.kubernetes.io/{}", text(container, "name"));
        let (annotation, profile) = (&pod["metadata"]["annotations"][key], &context[field]);
        let expected = match text(profile, "type") {
            "Unconfined" => "unconfined".to_owned(),
            "RuntimeDefault" => "runtime/default".to_owned(),
            _ => format!("localhost/{}", text(profile, "localhostProfile")),
        };
        if is_compared && !annotation.is_null() && !profile.is_null() && *annotation != expected {
            found.push(format!("{field} is not what its annotation says"));
        }
    }
}

fn node_ports(pod: &Value, found: &mut Vec<String>) {
    let is_on_node = pod["spec"]["hostNetwork"] == true;
    let mut taken = BTreeSet::new();
    for (list, container) in all(pod) {
        if list == "initContainers" {
            taken.clear();
        }
        for port in items(&container["ports"]) {
            let own = port["containerPort"].as_i64();
            let port_of_node = port["hostPort"].as_i64().or(own.filter(|_| is_on_node));
            let Some(port_of_node) = port_of_node else { continue };
            let protocol = port["protocol"].as_str().unwrap_or("TCP");
            if !taken.insert((protocol.to_owned(), text(port, "hostIP").to_owned(), port_of_node)) {
                found.push(format!("port {port_of_node} of the node is taken"));
            }
            if is_on_node && list == "containers" && Some(port_of_node) != own {
                found.push(format!("port {port_of_node} has two numbers"));
            }
        }
        if list == "initContainers" {
            taken.clear();
        }
    }
}

/// What all containers need of a resource at once: the largest sum of any time.
fn needed(pod: &Value, list: &str, resource: &str) -> Option<i128> {
    let of = |container: &Value| {
        let resources = &container["resources"];
        given(resources, list, resource).or_else(|| given(resources, "limits", resource))
    };
    let says = all(pod).any(|(_, container)| of(container).is_some());
    let (mut lasting, mut most) = (0, 0);
    for container in items(&pod["spec"]["initContainers"]) {
        let its = of(container).unwrap_or_default();
        most = most.max(lasting + its);
        if container["restartPolicy"] == "Always" {
            lasting += its;
        }
    }
    lasting += items(&pod["spec"]["containers"]).filter_map(of).sum::<i128>();
    says.then(|| most.max(lasting))
}

fn fill_resources(pod: &mut Value) {
    let own = pod["spec"]["resources"].clone();
    if !own.is_object()
        || ["requests", "limits"].iter().all(|list| own[list].as_object().is_none_or(serde_json::Map::is_empty))
    {
        return;
    }
    let text = |millis: i128| json!(format!("{millis}m"));
    if let Some(pages) = needed(pod, "limits", "hugepages-2Mi")
        && given(&own, "requests", "hugepages-2Mi").is_none()
        && given(&own, "limits", "hugepages-2Mi").is_none()
    {
        pod["spec"]["resources"]["limits"]["hugepages-2Mi"] = text(pages);
    }
    for resource in ["cpu", "memory", "hugepages-2Mi"] {
        let own = &pod["spec"]["resources"];
        if own["limits"].as_object().is_none_or(serde_json::Map::is_empty) || given(own, "requests", resource).is_some()
        {
            continue;
        }
        let needed = needed(pod, "requests", resource).filter(|_| resource != "hugepages-2Mi");
        if let Some(amount) = needed.or_else(|| given(own, "limits", resource)) {
            pod["spec"]["resources"]["requests"][resource] = text(amount);
        }
    }
}

fn pod_resources(pod: &Value, found: &mut Vec<String>) {
    let own = &pod["spec"]["resources"];
    if !own.is_object() {
        return;
    }
    if pod["spec"]["os"]["name"] == "windows" {
        found.push("resources of a Pod for Windows".to_owned());
    }
    amounts(own, found);
    for resource in ["cpu", "memory", "hugepages-2Mi"] {
        let is_short =
            |list: &str| given(own, list, resource).is_some_and(|has| needed(pod, list, resource) > Some(has));
        if is_short("requests") || resource.starts_with("hugepages") && is_short("limits") {
            found.push(format!("the containers need more {resource}"));
        }
        let limit = given(own, "limits", resource);
        let exceeds = |container: &Value| limit.is_some() && given(&container["resources"], "limits", resource) > limit;
        if items(&pod["spec"]["containers"]).any(exceeds) {
            found.push(format!("a limit of {resource} is more than that of the Pod"));
        }
    }
}

fn host_processes(pod: &Value, found: &mut Vec<String>) {
    let of = |it: &Value| it["securityContext"]["windowsOptions"]["hostProcess"].as_bool();
    let of_pod = of(&pod["spec"]);
    let all: Vec<Option<bool>> = all(pod).map(|(_, container)| of(container)).collect();
    if all.iter().any(|own| own.is_some() && of_pod.is_some() && *own != of_pod) {
        found.push("the Pod says something else of its processes".to_owned());
    }
    let hosts = all.iter().filter(|own| own.or(of_pod) == Some(true)).count();
    if hosts > 0 && (hosts < all.len() || pod["spec"]["hostNetwork"] != true) {
        found.push("not all are processes of the host".to_owned());
    }
}

fn annotations(pod: &Value, found: &mut Vec<String>) {
    for key in pod["metadata"]["annotations"].as_object().into_iter().flatten().map(|(key, _)| key) {
        let container = key.strip_prefix("container.apparmor.security.beta.kubernetes.io/");
        if container.is_some_and(|name| !all(pod).any(|(_, container)| container["name"] == *name)) {
            found.push(format!("nobody is meant by {key}"));
        }
    }
}
