//! Clusters as Kruise v1.9 leaves them, and what it reads in one. The tests of the controller use them too.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Each folder is a cluster. The hashes and names in it were computed by a program of their own, from what is documented of
/// Kruise.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/cases/takeover");

/// A set, its past and its Pods.
#[derive(Debug, Clone)]
pub struct Left {
    pub claim: String,
    pub set: Value,
    pub revisions: Vec<Value>,
    pub pods: Vec<Value>,
    /// Why Pods are left as they are, by name.
    pub holds: BTreeMap<String, String>,
}

/// Returns all clusters.
pub fn left() -> Vec<Left> {
    let mut folders: Vec<_> = Path::new(FOLDER).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|folder| Left::read(folder)).collect()
}

impl Left {
    /// Returns the cluster of this name.
    pub fn named(claim: &str) -> Self {
        Self::read(&Path::new(FOLDER).join(claim))
    }

    /// Says whether it is of a release that wrote another form of annotations.
    pub fn is_of_old_release(&self) -> bool {
        self.claim == "pods_and_a_set_from_before_0_9"
    }

    fn read(folder: &Path) -> Self {
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        Self {
            claim: folder.file_name().unwrap().to_string_lossy().into_owned(),
            set: serde_saphyr::from_str(&text("set.yaml")).unwrap(),
            revisions: serde_saphyr::from_multiple(&text("revisions.yaml")).unwrap(),
            pods: serde_saphyr::from_multiple(&text("pods.yaml")).unwrap(),
            holds: serde_saphyr::from_multiple(&text("holds.yaml")).unwrap().pop().unwrap_or_default(),
        }
    }
}

/// What Kruise counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub matched: i64,
    pub updated: i64,
    pub ready: i64,
    pub updated_ready: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UpgradeSpec {
    #[serde(rename = "updateTimestamp")]
    _update_timestamp: Option<String>,
    hash: String,
    sidecar_set_name: String,
    sidecar_list: Option<Vec<String>>,
    #[serde(rename = "controllerRevision")]
    _controller_revision: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UpdateState {
    #[serde(rename = "revision")]
    _revision: String,
    #[serde(rename = "updateTimestamp")]
    _update_timestamp: String,
    last_container_statuses: BTreeMap<String, LastStatus>,
    // Ours, which Kruise passes over.
    #[serde(rename = "notReadySince")]
    _not_ready_since: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LastStatus {
    #[serde(rename = "imageID", default)]
    image_id: String,
}

impl Counts {
    /// Counts as Kruise does, from nothing but the objects.
    pub fn of(set: &Value, pods: &[Value]) -> Self {
        let mut counts = Self::default();
        for pod in pods.iter().filter(|pod| is_matched(set, pod)) {
            let (updated, ready) = (is_updated(set, pod), is_consistent(set, pod) && is_ready(set, pod));
            counts.matched += 1;
            counts.updated += i64::from(updated);
            counts.ready += i64::from(ready);
            counts.updated_ready += i64::from(updated && ready);
        }
        counts
    }

    /// Returns what the status of a set says.
    pub fn told(set: &Value) -> Self {
        let count = |member: &str| set["status"][member].as_i64().unwrap_or_default();
        Self {
            matched: count("matchedPods"),
            updated: count("updatedPods"),
            ready: count("readyPods"),
            updated_ready: count("updatedReadyPods"),
        }
    }
}

fn name(set: &Value) -> &str {
    set["metadata"]["name"].as_str().unwrap()
}

fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["annotations"].get(key).map(|text| text.as_str().unwrap())
}

fn parsed<T: DeserializeOwned>(pod: &Value, key: &str) -> Option<BTreeMap<String, T>> {
    annotation(pod, key).map(|text| serde_json::from_str(text).unwrap())
}

fn is_hot(container: &Value) -> bool {
    container["upgradeStrategy"]["upgradeType"] == "HotUpgrade"
}

/// The names that each container of a set has in a Pod.
fn names_in_pod(container: &Value) -> Vec<String> {
    let name = container["name"].as_str().unwrap();
    if is_hot(container) { [1, 2].map(|at| format!("{name}-{at}")).to_vec() } else { vec![name.to_owned()] }
}

fn containers(set: &Value) -> &Vec<Value> {
    set["spec"]["containers"].as_array().unwrap()
}

fn in_list<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list.as_array().unwrap().iter().find(|item| item["name"] == name)
}

fn is_matched(set: &Value, pod: &Value) -> bool {
    let list = annotation(pod, "kruise.io/sidecarset-injected-list").unwrap_or_default();
    let working = parsed::<String>(pod, "kruise.io/sidecarset-working-hotupgrade-container").unwrap_or_default();
    let fits = |container: &Value| {
        names_in_pod(container).iter().all(|name| in_list(&pod["spec"]["containers"], name).is_some())
            && (!is_hot(container) || working.contains_key(container["name"].as_str().unwrap()))
    };
    set["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
        && list.split(',').any(|injected| injected == name(set))
        && containers(set).iter().all(fits)
}

fn is_updated(set: &Value, pod: &Value) -> bool {
    let carried = parsed::<UpgradeSpec>(pod, "kruise.io/sidecarset-hash").unwrap().remove(name(set)).unwrap();
    let mut names: Vec<_> = containers(set).iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!((carried.sidecar_set_name.as_str(), carried.sidecar_list), (name(set), Some(names)));
    carried.hash == annotation(set, "kruise.io/sidecarset-hash").unwrap()
}

/// Says whether only the image would be another one, so that Kruise upgrades in place.
pub fn is_upgradable(set: &Value, pod: &Value) -> bool {
    let key = "kruise.io/sidecarset-hash-without-image";
    parsed::<UpgradeSpec>(pod, key).unwrap()[name(set)].hash == annotation(set, key).unwrap()
}

fn is_consistent(set: &Value, pod: &Value) -> bool {
    let state = parsed::<UpdateState>(pod, "kruise.io/sidecarset-inplace-update-state");
    let last = state.and_then(|mut state| state.remove(name(set))).map(|state| state.last_container_statuses);
    let has_left = |name: &String| {
        let Some(last) = last.as_ref().and_then(|last| last.get(name)) else { return true };
        let status = in_list(&pod["status"]["containerStatuses"], name).unwrap();
        let spec = in_list(&pod["spec"]["containers"], name).unwrap();
        status["imageID"] != *last.image_id || spec["image"] == status["image"]
    };
    containers(set).iter().flat_map(names_in_pod).all(|name| has_left(&name))
}

fn is_ready(set: &Value, pod: &Value) -> bool {
    let working = parsed::<String>(pod, "kruise.io/sidecarset-working-hotupgrade-container").unwrap_or_default();
    let waits = |container: &Value| {
        let at_work = &working[container["name"].as_str().unwrap()];
        let other = names_in_pod(container).into_iter().find(|name| name != at_work).unwrap();
        let image = &in_list(&pod["spec"]["containers"], &other).unwrap()["image"];
        *image == container["upgradeStrategy"]["hotUpgradeEmptyImage"]
    };
    let conditions = pod["status"]["conditions"].as_array().unwrap();
    pod["status"]["phase"] == "Running"
        && conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
        && containers(set).iter().filter(|container| is_hot(container)).all(waits)
}
