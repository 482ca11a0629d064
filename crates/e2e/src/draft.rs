//! Objects as they are written, member by member.

use serde_json::{Value, json};

/// A container that ends at once when it is told to. The three versions differ in content.
pub const AGENT_V1: &str = "docker.io/library/agent:v1";
/// See [`AGENT_V1`].
pub const AGENT_V2: &str = "docker.io/library/agent:v2";
/// See [`AGENT_V1`].
pub const AGENT_V3: &str = "docker.io/library/agent:v3";
/// An image whose container ends as soon as it starts.
pub const AGENT_CRASHING: &str = "docker.io/library/busybox:1.36";
/// An image that no registry has.
pub const AGENT_MISSING: &str = "docker.io/library/agent:missing";

/// A SidecarSet before it is created.
#[derive(Debug, Clone)]
pub struct SetDraft(Value);

impl SetDraft {
    /// Begins with a selector for Pods labelled `app: <label>`, and one sidecar.
    pub(crate) fn new(name: &str, label: &str) -> Self {
        Self(json!({
            "apiVersion": "apps.kruise.io/v1beta1",
            "kind": "SidecarSet",
            "metadata": {"name": name},
            "spec": {
                "selector": {"matchLabels": {"app": label}},
                "containers": [sidecar("sidecar", AGENT_V1)],
            },
        }))
    }

    /// Writes it in another version of the API.
    #[must_use]
    pub fn in_version(mut self, version: &str) -> Self {
        self.0["apiVersion"] = json!(format!("apps.kruise.io/{version}"));
        self
    }

    /// Sets a member of the spec.
    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.0["spec"][member] = value;
        self
    }

    /// Sets an annotation.
    #[must_use]
    pub fn annotated(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"]["annotations"][key] = json!(value);
        self
    }

    /// Leaves a member of the spec out.
    #[must_use]
    pub fn without(mut self, member: &str) -> Self {
        if let Some(spec) = self.0["spec"].as_object_mut() {
            spec.remove(member);
        }
        self
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// Returns the object.
    #[must_use]
    pub fn object(&self) -> &Value {
        &self.0
    }
}

/// A container of a set: the name and the image are all that it needs.
#[must_use]
pub fn sidecar(name: &str, image: &str) -> Value {
    json!({"name": name, "image": image})
}

/// The spec of a Pod with one container of its own, `app`.
pub(crate) fn pod_spec() -> Value {
    json!({
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": false,
        "containers": [{"name": "app", "image": AGENT_V1}],
    })
}
