//! The objects of the cluster that the controller is measured in.

use crate::world;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::injection::inject;
use std::collections::BTreeMap;

/// When the first Pod was created.
const CREATED: Timestamp = Timestamp::constant(1_767_323_045, 0);

/// How many namespaces the Pods are in.
pub(super) const NAMESPACES: usize = 20;

/// How many Pods a ReplicaSet has, and how many of them are created within one second.
const REPLICAS: usize = 50;
const AT_ONCE: usize = 10;

/// What a Pod's JSON text has at least, before anything is injected.
const BYTES: usize = 4_000;

/// A Pod of each ReplicaSet, into which the sets were injected; its siblings differ in name and identity.
pub(super) struct Pods {
    catalog: Catalog,
    sets: usize,
}

/// The image of the sidecar that is rolled out.
pub(super) fn image(version: u32) -> String {
    format!("registry.example.com/platform/log-agent:v{version}")
}

/// Returns a set with one sidecar. All its Pods may be upgraded at once.
pub(super) fn set(at: usize) -> Value {
    json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
        "metadata": {
            "name": format!("set-{at}"), "uid": uid(9, at), "generation": 1, "creationTimestamp": CREATED,
            "resourceVersion": "1",
        },
        "spec": {
            "selector": {"matchLabels": {"app": format!("app-{at}")}},
            "containers": [{
                "name": "agent", "image": image(1), "env": [{"name": "LEVEL", "value": "info"}],
                "volumeMounts": [{"name": "logs", "mountPath": "/logs"}],
            }],
            "volumes": [{"name": "logs", "emptyDir": {}}],
            "updateStrategy": {"maxUnavailable": "100%"},
        },
    })
}

/// Returns a namespace.
pub(super) fn namespace(at: usize) -> Value {
    let name = namespace_name(at);
    let labels = world::namespace(&name);
    json!({"metadata": {"name": name, "uid": uid(8, at), "resourceVersion": "1", "labels": labels}})
}

impl Pods {
    /// Returns the Pods of so many sets.
    pub(super) fn new(sets: usize) -> Self {
        let mut catalog = Catalog::default();
        for at in 0..sets {
            let set: SidecarSet = serde_json::from_value(set(at)).expect("the set is written above");
            catalog.put_set(&set);
        }
        for at in 0..NAMESPACES {
            let name = namespace_name(at);
            catalog.put_namespace(&name, world::namespace(&name));
        }
        Self { catalog, sets }
    }

    /// Returns so many running Pods, as many for each set as for another. Without a set, Pods that none selects.
    pub(super) fn running(&self, count: usize) -> Vec<Value> {
        let workloads = (0..count.div_ceil(REPLICAS)).flat_map(|workload| {
            let batches = (0..REPLICAS / AT_ONCE).map(move |batch| self.injected(workload, batch));
            let pods = batches.flat_map(|pod| std::iter::repeat_n(pod, AT_ONCE));
            pods.enumerate().map(move |(replica, pod)| named(pod, workload, replica))
        });
        workloads.take(count).collect()
    }

    fn injected(&self, workload: usize, batch: usize) -> Value {
        let seconds = workload * REPLICAS / AT_ONCE + batch;
        let created = CREATED + SignedDuration::from_secs(i64::try_from(seconds).unwrap_or_default());
        let app = workload.checked_rem(self.sets).map_or_else(|| "nobodys".to_owned(), |set| format!("app-{set}"));
        let mut pod = world::pod(BYTES);
        pod["metadata"]["namespace"] = namespace_name(workload % NAMESPACES).into();
        pod["metadata"]["labels"] = json!({"app": app, "pod-template-hash": format!("5d5f8b{workload:04x}")});
        pod["metadata"]["creationTimestamp"] = json!(created);
        let labels: BTreeMap<String, String> =
            serde_json::from_value(pod["metadata"]["labels"].clone()).expect("labels are texts");
        let namespace = world::namespace(&namespace_name(workload % NAMESPACES));
        let sets = self.catalog.select(&labels, Some(&namespace)).sets;
        let injection = inject(&pod, &sets, created.into()).expect("the set can be injected");
        json_patch::patch(&mut pod, &injection.patch.operations()).expect("the patch is of this pod");
        pod["metadata"]["managedFields"] = managed_fields();
        run(&mut pod);
        pod
    }
}

/// Does what the kubelet does: the containers run what the spec says.
pub(super) fn run(pod: &mut Value) {
    let created = &pod["metadata"]["creationTimestamp"];
    let status = |container: &Value| {
        let image = container["image"].as_str().unwrap_or_default();
        json!({
            "name": container["name"], "image": image, "ready": true, "started": true, "restartCount": 0,
            "imageID": format!("registry.example.com/image@sha256:{:064x}", image.bytes().map(u64::from).sum::<u64>()),
            "containerID": format!("containerd://{:064x}", image.len()), "lastState": {},
            "state": {"running": {"startedAt": created}},
        })
    };
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let statuses: Vec<Value> = containers.map(status).collect();
    let kinds = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    let conditions = kinds.map(|kind| json!({"type": kind, "status": "True", "lastTransitionTime": created}));
    let status = json!({
        "phase": "Running", "conditions": conditions, "containerStatuses": statuses, "hostIP": "10.0.0.7",
        "podIP": "10.1.2.3", "qosClass": "Burstable", "startTime": created,
        "observedGeneration": pod["metadata"]["generation"],
    });
    pod["spec"]["nodeName"] = "node-7".into();
    pod["status"] = status;
}

/// Changes whether a Pod is ready.
pub(super) fn flip(pod: &mut Value) {
    let conditions = pod["status"]["conditions"].as_array_mut().into_iter().flatten();
    for ready in conditions.filter(|condition| condition["type"] == "Ready") {
        ready["status"] = if ready["status"] == "True" { "False" } else { "True" }.into();
    }
}

/// Changes what nobody asks about.
pub(super) fn touch(pod: &mut Value) {
    let touched = pod["metadata"]["annotations"]["example.com/touched"].as_u64().unwrap_or_default();
    pod["metadata"]["annotations"]["example.com/touched"] = (touched + 1).to_string().into();
}

fn named(mut pod: Value, workload: usize, replica: usize) -> Value {
    let metadata = &mut pod["metadata"];
    let template = metadata["labels"]["pod-template-hash"].as_str().unwrap_or_default();
    let suffix = ["x7k2p", "b9qmz", "4tlwd", "hc8nv", "r5gjs"][replica % 5];
    metadata["name"] = format!("web-{template}-{suffix}{replica:02}").into();
    metadata["uid"] = uid(workload, replica).into();
    metadata["generation"] = 1.into();
    pod
}

fn namespace_name(at: usize) -> String {
    format!("{}-{at}", world::NAMESPACE)
}

fn uid(one: usize, other: usize) -> String {
    format!("{one:08x}-6393-11e8-b7cc-{other:012x}")
}

fn managed_fields() -> Value {
    let fields: Vec<String> = (0..30).map(|at| format!("f:field-{at}")).collect();
    let fields: Value =
        fields.into_iter().map(|field| (field, json!({".": {}, "f:name": {}, "f:value": {}}))).collect();
    json!([{"manager": "kubelet", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {"f:status": fields}}])
}
