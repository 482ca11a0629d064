//! A container of a set: what the API server would refuse in every Pod that gets it, and what SidecarSet adds.

mod env;
mod handlers;
mod lifecycle;
mod mounts;
mod policies;
mod ports;
mod probes;
mod resources;
mod security;
mod sidecar;

pub(super) use ports::check_host_ports;
pub(super) use sidecar::names;

use super::Violations;
use super::member::Member;
use super::syntax::dns_label;
use super::types;
use super::volumes::Volumes;
use k8s_openapi::api::core::v1;
use serde_json::Value;
use sidecarset_api::v1beta1::SidecarContainer;

/// When a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Beside the application.
    Regular,
    /// Before the application, and beside it from then on.
    NativeSidecar,
    /// Before the application.
    OrdinaryInit,
}

impl Kind {
    pub(super) fn of_init(sidecar: &SidecarContainer) -> Self {
        let policy = sidecar.container.get("restartPolicy").and_then(Value::as_str);
        if policy == Some("Always") { Self::NativeSidecar } else { Self::OrdinaryInit }
    }
}

/// Adds what is wrong with one container.
pub(super) fn check(
    sidecar: &SidecarContainer,
    kind: Kind,
    path: &str,
    volumes: &Volumes<'_>,
    violations: &mut Violations,
) {
    let container = Member::new(path, &sidecar.container);
    container.check_required("name", dns_label, violations);
    policies::check_image(&container, violations);
    policies::check(&container, kind, violations);
    ports::check(&container, violations);
    env::check(&container, violations);
    resources::check(&container, violations);
    mounts::check(&container, volumes, violations);
    if kind == Kind::OrdinaryInit {
        probes::forbid(&container, violations);
    } else {
        probes::check(&container, violations);
        lifecycle::check(&container, violations);
    }
    security::check(&container, violations);
    sidecar::check(sidecar, path, violations);
    sidecar::check_hot_upgrade(sidecar, kind, path, violations);
    types::check::<v1::Container>(&sidecar.container, path, violations);
}
