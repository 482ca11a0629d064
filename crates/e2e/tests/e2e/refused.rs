//! An upgrade that the API server does not take.

use anyhow::{Context, Result};
use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_e2e::{AGENT_V1, AGENT_V2, AGENT_V3, Look, PodView, Scene, eventually, find, running};

/// Has the API server refuse every change of the images of one Pod, and waits until it does.
async fn keep_images(scene: &Scene, pod: &str) -> Result<()> {
    let name = scene.namespace();
    let namespace: Namespace = Api::all(scene.client()).get(name).await?;
    let uid = namespace.metadata.uid.context("a namespace has an identity")?;
    let metadata = json!({
        "name": name,
        "ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": name, "uid": uid}],
    });
    let policy: ValidatingAdmissionPolicy = serde_json::from_value(json!({
        "metadata": metadata,
        "spec": {
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods"]},
                ],
            },
            "validations": [{"message": "its images stay as they are", "expression": expression(pod)}],
        },
    }))?;
    let binding: ValidatingAdmissionPolicyBinding = serde_json::from_value(
        json!({"metadata": metadata, "spec": {"policyName": name, "validationActions": ["Deny"]}}),
    )?;
    Api::all(scene.client()).create(&PostParams::default(), &policy).await?;
    Api::all(scene.client()).create(&PostParams::default(), &binding).await?;
    eventually("the API server refuses changes of the images", async || {
        let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
        let patch = json!({"spec": {"containers": [{"name": "sidecar", "image": AGENT_V3}]}});
        Ok(match scene.pod_api().patch(pod, &dry_run, &Patch::Strategic(patch)).await {
            Err(kube::Error::Api(status)) if status.message.contains("its images stay") => Look::Found(()),
            result => Look::NotYet(format!("{:?}", result.map(|pod: Pod| pod.metadata.resource_version))),
        })
    })
    .await
}

fn expression(pod: &str) -> String {
    let is_kept =
        "object.spec.containers.all(c, oldObject.spec.containers.exists(o, o.name == c.name && o.image == c.image))";
    format!("object.metadata.name != '{pod}' || {is_kept}")
}

fn reason(status: &SidecarSetStatus) -> Value {
    let mut conditions = status.conditions.iter();
    conditions.find(|it| it.type_ == "Progressing").map(|it| json!([it.reason, it.message])).unwrap_or_default()
}

#[tokio::test]
async fn a_pod_that_may_not_be_upgraded_stops_no_other_one_and_is_upgraded_as_soon_as_it_may() -> Result<()> {
    let scene = Scene::open("refused").await?;
    scene.create(&scene.sidecar_set()).await?;
    let before = scene.deploy(3).await?;
    let refused = before[0].name.as_str();
    keep_images(&scene, refused).await?;
    let is_upgraded = |pod: &PodView| pod.is_undisturbed() && pod.runs("sidecar", AGENT_V2);

    scene.change_image(AGENT_V2).await?;
    let others = |pods: &[PodView]| pods.iter().filter(|pod| pod.name != refused).all(is_upgraded);
    let pods = scene.until_pods("the others are upgraded", others).await?;
    let told = json!([
        "UpgradesNotTaken",
        "2 of 3 pods are updated; 1 waits for another attempt: the API server did not take its upgrade"
    ]);
    let status = scene.until_status("the condition says why one is not", |status| reason(status) == told).await?;
    let degraded = status.conditions.iter().find(|it| it.type_ == "Degraded").map_or("", |it| it.message.as_str());
    assert!(degraded.contains("its images stay"), "what the policy said is missing: {degraded}");

    assert!(find(&pods, refused).is_ready && find(&pods, refused).runs("sidecar", AGENT_V1));
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(scene.client());
    bindings.delete(scene.namespace(), &DeleteParams::default()).await?;
    let after = scene.until_pods("it is upgraded, too", |pods| pods.iter().all(is_upgraded)).await?;

    assert_eq!(running(&after, "app"), running(&before, "app"));
    scene.until_status("all pods are counted as updated", |status| status.updated_ready_pods == 3).await.map(drop)
}
