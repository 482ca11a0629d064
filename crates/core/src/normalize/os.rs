//! The operating systems whose Pods a set is for.

use crate::os::{OperatingSystem, OperatingSystems};
use crate::validation::Violations;
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSetSpec};

const PATH: &str = "spec.injectionStrategy.operatingSystems";

/// Reads them, or tells them from the containers: what has options of Windows cannot be for Linux.
pub(super) fn parse(spec: &SidecarSetSpec, violations: &mut Violations) -> Option<OperatingSystems> {
    let Some(written) = spec.injection_strategy.as_ref().and_then(|it| it.operating_systems.as_ref()) else {
        let mut containers = spec.init_containers.iter().chain(&spec.containers).flatten();
        let os = if containers.any(is_for_windows) { OperatingSystem::Windows } else { OperatingSystem::Linux };
        return Some(OperatingSystems::assumed(os));
    };
    let named: Vec<OperatingSystem> = written
        .iter()
        .enumerate()
        .filter_map(|(at, name)| violations.take(format!("{PATH}[{at}]"), name.parse()))
        .collect();
    let operating_systems = OperatingSystems::of(&named);
    if written.is_empty() {
        violations.add(PATH, "must name one: linux, windows, or both");
    }
    operating_systems
}

fn is_for_windows(container: &SidecarContainer) -> bool {
    let context = container.container.get("securityContext");
    context.and_then(|context| context.get("windowsOptions")).is_some_and(|options| !options.is_null())
}
