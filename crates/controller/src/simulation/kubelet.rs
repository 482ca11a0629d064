//! What the kubelet makes of a Pod: it ends a container whose image changed, starts it anew, and says when it is ready.
//! One step at a time, and no faster than one in a second.

use super::release::reported;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) const LISTS: [(&str, &str); 2] =
    [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")];

/// The image that a container was started with: the kubelet's own memory, which nobody else sees.
const STARTED_WITH: &str = "startedWith";

/// Fills in the status of a new Pod, in which everything runs.
pub(super) fn start(pod: &mut Value, now: i64) {
    pod["status"] = json!({"phase": "Running"});
    for (list, statuses) in LISTS {
        let all = pod["spec"][list].as_array().into_iter().flatten();
        pod["status"][statuses] = all.map(|container| run(container, 0, true, now)).collect();
    }
    tell(pod, now);
}

/// Says whether a container runs what it should and is ready.
pub(super) fn is_well(container: &Value, status: &Value) -> bool {
    status[STARTED_WITH] == container["image"] && status["ready"] == true
}

/// Says whether everything in a Pod runs as it should.
pub(super) fn is_undisturbed(pod: &Value) -> bool {
    LISTS.iter().flat_map(|lists| pairs(pod, lists)).all(|(container, status)| is_well(container, status))
}

pub(super) fn is_ready(pod: &Value) -> bool {
    pod["status"]["phase"] == "Running" && pod["status"]["conditions"][0]["status"] == "True"
}

/// Takes one step with each container for which there is something to do, and answers whether there was.
pub(super) fn step(pod: &mut Value, now: i64) -> bool {
    if pod["status"]["phase"] != "Running" {
        return false;
    }
    let before = pod["status"].clone();
    for (list, statuses) in LISTS {
        let containers = pod["spec"][list].clone();
        for (at, container) in containers.as_array().into_iter().flatten().enumerate() {
            step_container(container, &mut pod["status"][statuses][at], now);
        }
    }
    tell(pod, now);
    pod["status"] != before
}

/// Lets a container end by itself.
pub(super) fn crash(pod: &mut Value, at: usize, now: i64) {
    let regular = pod["status"]["containerStatuses"].as_array_mut().expect("a pod has containers");
    let at = at % regular.len();
    stop(&mut regular[at]);
    tell(pod, now);
}

fn pairs<'a>(pod: &'a Value, (list, statuses): &(&str, &str)) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let members = |value: &'a Value| value.as_array().into_iter().flatten();
    members(&pod["spec"][*list]).zip(members(&pod["status"][*statuses]))
}

fn step_container(container: &Value, status: &mut Value, now: i64) {
    let image = container["image"].as_str().expect("a container has an image");
    let is_running = status["state"].get("running").is_some();
    if is_running && status[STARTED_WITH] != container["image"] {
        stop(status);
    } else if !is_running && image.ends_with(":missing") {
        status["state"] = json!({"waiting": {"reason": "ImagePullBackOff"}});
    } else if !is_running {
        // Whatever the reason for the start, it is a start with the present image.
        let restarts = status["restartCount"].as_i64().unwrap_or_default() + 1;
        *status = run(container, restarts, false, now);
    } else {
        status["ready"] = (!image.ends_with(":crash")).into();
    }
}

fn stop(status: &mut Value) {
    status["ready"] = false.into();
    status["state"] = json!({"waiting": {"reason": "ContainerCreating"}});
}

fn run(container: &Value, restarts: i64, is_ready: bool, now: i64) -> Value {
    let (image, id) = reported(container["image"].as_str().expect("a container has an image"));
    json!({
        "name": container["name"], "image": image, "imageID": id, "ready": is_ready, "restartCount": restarts,
        "state": {"running": {"startedAt": time(now)}}, STARTED_WITH: container["image"],
    })
}

fn tell(pod: &mut Value, now: i64) {
    let is_ready = LISTS.iter().flat_map(|lists| pairs(pod, lists)).all(|(_, status)| status["ready"] == true);
    let status = if is_ready { "True" } else { "False" };
    if pod["status"]["conditions"][0]["status"] != status {
        pod["status"]["conditions"] = json!([{"type": "Ready", "status": status, "lastTransitionTime": time(now)}]);
    }
}

pub(super) fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).expect("the simulation is short").to_string()
}
