//! Which Pods are upgraded first.

use anyhow::Result;
use serde_json::json;
use sidecarset_e2e::{AGENT_V2, PodView, PodWatch, Scene};

#[tokio::test]
async fn pods_are_upgraded_one_by_one_in_the_order_of_their_weights() -> Result<()> {
    let scene = Scene::open("weights").await?;
    let weight =
        |weight: i32, key: &str, value: &str| json!({"weight": weight, "matchSelector": {"matchLabels": {key: value}}});
    let weights = [weight(30, "tier", "canary"), weight(20, "size", "small"), weight(40, "zone", "a")];
    let strategy = json!({"maxUnavailable": 1, "priorityStrategy": {"weightPriority": weights}});
    scene.create(&scene.sidecar_set().with("updateStrategy", strategy)).await?;
    // By name, or by the time at which they were created, they would come in other orders.
    let pods =
        [("b-40", json!({"zone": "a"})), ("a-0", json!({})), ("c-50", json!({"tier": "canary", "size": "small"}))];
    for (name, labels) in pods {
        let mut pod = scene.pod(name);
        for (key, value) in labels.as_object().into_iter().flatten() {
            pod["metadata"]["labels"][key] = value.clone();
        }
        scene.create_pod(pod).await?;
    }
    scene.until_pods("all pods are ready", |pods| pods.iter().all(PodView::is_undisturbed)).await?;
    let mut watch = PodWatch::start(&scene).await?;

    scene.change_image(AGENT_V2).await?;
    let mut upgraded: Vec<String> = Vec::new();
    while upgraded.len() < 3 {
        let is_next = |pod: &&PodView| pod.container("sidecar").image == AGENT_V2 && !upgraded.contains(&pod.name);
        let pods = watch.until("another pod is upgraded", |pods| pods.iter().any(|pod| is_next(&pod))).await?;
        let next: Vec<String> = pods.iter().filter(is_next).map(|pod| pod.name.clone()).collect();
        upgraded.extend(next);
    }
    watch.until("all pods are ready again", |pods| pods.iter().all(PodView::is_undisturbed)).await?;

    assert_eq!(upgraded, ["c-50", "b-40", "a-0"]);
    assert_eq!(watch.most_disturbed(), 1);
    Ok(())
}
