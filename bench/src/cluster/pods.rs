//! Pods as they are seen here: the few members that are looked at, so that looking costs next to nothing beside what is
//! measured.

use anyhow::Context;
use kube::Client;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The namespace of all Pods.
pub(crate) const NAMESPACE: &str = "bench";

/// The container that is upgraded.
pub(crate) const SIDECAR: &str = "agent";

/// A Pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SeenPod {
    pub(crate) metadata: SeenMetadata,
    pub(crate) spec: SeenSpec,
    pub(crate) status: SeenStatus,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SeenMetadata {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SeenSpec {
    containers: Vec<SeenContainer>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SeenStatus {
    conditions: Vec<SeenCondition>,
    container_statuses: Vec<SeenContainer>,
}

#[derive(Debug, Clone, Deserialize)]
struct SeenContainer {
    name: String,
    #[serde(default)]
    image: String,
}

#[derive(Debug, Clone, Deserialize)]
struct SeenCondition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

#[derive(Debug, Deserialize)]
struct Page {
    metadata: PageMetadata,
    items: Vec<SeenPod>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    resource_version: String,
    #[serde(rename = "continue", default)]
    rest: String,
}

impl SeenPod {
    /// Says whether the spec asks for this image.
    pub(crate) fn wants(&self, image: &str) -> bool {
        self.spec.containers.iter().any(|it| it.name == SIDECAR && it.image == image)
    }

    /// Says whether this image runs and the Pod is ready. The kubelet puts a host in front.
    pub(crate) fn runs(&self, image: &str) -> bool {
        let runs = |it: &SeenContainer| {
            it.name == SIDECAR && it.image.strip_suffix(image).is_some_and(|host| host.ends_with('/'))
        };
        self.is_ready() && self.status.container_statuses.iter().any(runs)
    }

    /// Says whether the Pod is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.status.conditions.iter().any(|it| it.kind == "Ready" && it.status == "True")
    }

    /// Says whether the Pod has a condition.
    pub(crate) fn has_condition(&self, kind: &str) -> bool {
        self.status.conditions.iter().any(|it| it.kind == kind)
    }
}

/// Returns all Pods.
pub(crate) async fn list(client: &Client) -> anyhow::Result<Vec<SeenPod>> {
    let mut page = page(client, 500, "").await?;
    let mut pods = page.items;
    while !page.metadata.rest.is_empty() {
        page = self::page(client, 500, &page.metadata.rest).await?;
        pods.append(&mut page.items);
    }
    Ok(pods)
}

/// Returns the version of the list of Pods at this moment.
pub(crate) async fn version(client: &Client) -> anyhow::Result<String> {
    Ok(page(client, 1, "").await?.metadata.resource_version)
}

async fn page(client: &Client, limit: u32, rest: &str) -> anyhow::Result<Page> {
    let request = http::Request::get(format!("{}?limit={limit}&continue={rest}", path(""))).body(Vec::new())?;
    client.request(request).await.context("failed to list the pods")
}

/// Returns the path of a Pod, or of all.
pub(crate) fn path(name: &str) -> String {
    let separator = if name.is_empty() { "" } else { "/" };
    format!("/api/v1/namespaces/{NAMESPACE}/pods{separator}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(wanted: &str, reported: &str, ready: &str) -> SeenPod {
        serde_json::from_value(json!({
            "spec": {"containers": [{"name": "app", "image": "app:v1"}, {"name": "agent", "image": wanted}]},
            "status": {
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [{"name": "agent", "image": reported}],
            },
        }))
        .unwrap()
    }

    #[test]
    fn an_image_runs_once_the_kubelet_reports_it_in_a_ready_pod() {
        assert!(pod("agent:v2", "docker.io/library/agent:v2", "True").runs("agent:v2"));
        assert!(!pod("agent:v2", "docker.io/library/agent:v1", "True").runs("agent:v2"));
        assert!(!pod("agent:v2", "docker.io/library/agent:v2", "False").runs("agent:v2"));
        assert!(!pod("agent:v2", "docker.io/library/other-agent:v2", "True").runs("agent:v2"));
    }
}
