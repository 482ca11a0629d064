//! A container of a set, ready to be put into a Pod.

use super::resources::ResourcesPolicy;
use super::template::{RESOURCES, Template};
use super::transfer::EnvTransfer;
use crate::amounts::Amounts;
use crate::injection::rules::Rules;
use crate::json::Document;
use crate::validation::Violations;
use serde_json::{Map, Value};
use sidecarset_api::v1beta1::{SharePolicy, SidecarContainer};
use std::sync::Arc;

/// What the names of the two containers of a hot upgrade end with.
pub(crate) const TWINS: [&str; 2] = ["-1", "-2"];

/// Where a sidecar stands among the Pod's own containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// In front of them.
    BeforeApp,
    /// Behind them.
    AfterApp,
}

/// A container that is injected.
#[derive(Debug, Clone, PartialEq)]
pub struct Sidecar {
    /// The name of the container.
    pub name: Arc<str>,
    /// The image that running Pods are upgraded to.
    pub image: Arc<str>,
    /// Where it stands.
    pub placement: Placement,
    /// Whether it is an init container that keeps running beside the application.
    pub is_native: bool,
    /// The image of the container that waits, where the sidecar is upgraded hot: then two containers stand for it.
    pub empty_image: Option<Arc<str>>,
    names_in_pod: Box<[Arc<str>]>,
    /// The container as it stands in a Pod.
    pub template: Template,
    /// The container as it is written, but for resources that are computed.
    pub(crate) container: Document<'static>,
    /// The rules of a whole Pod that it may break.
    pub(crate) rules: Rules,
    /// The names of the volumes that it mounts, uses as devices, or reads variables from.
    pub volumes: Vec<String>,
    /// What it takes over from the Pod's own containers.
    pub shares: Shares,
    /// How its resources are computed, if they are.
    pub resources: Option<ResourcesPolicy>,
    /// Its cpu and memory in a Pod; none where they are computed.
    pub amounts: Amounts,
}

/// What a sidecar takes over from the Pod's own containers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares {
    /// Whether it mounts the volumes that they mount.
    pub mounts: bool,
    /// Whether it uses the devices that they use.
    pub devices: bool,
    /// The environment variables that are copied from them.
    pub env: Vec<EnvTransfer>,
}

impl Sidecar {
    /// Returns the names that it has in a Pod.
    #[must_use]
    pub fn names_in_pod(&self) -> &[Arc<str>] {
        &self.names_in_pod
    }

    /// Returns the image of its container that is `at` this place when the Pod is created.
    #[must_use]
    pub fn image_of(&self, at: usize) -> &str {
        match &self.empty_image {
            Some(empty) if at > 0 => empty,
            Some(_) | None => &self.image,
        }
    }

    /// Returns what a name is that stands in a Pod for that of a sidecar that is upgraded hot.
    #[must_use]
    pub fn name_of_twin(name: &str) -> Option<&str> {
        TWINS.iter().find_map(|twin| name.strip_suffix(twin))
    }

    /// Renders a container that has its defaults and is valid.
    pub(super) fn regular(source: &SidecarContainer) -> Self {
        Self::new(source, empty_image(source))
    }

    /// Renders an init container that has its defaults and is valid.
    pub(super) fn init(source: &SidecarContainer) -> Self {
        // As in Kruise: what ends before the application starts is never upgraded, so one container is enough.
        Self::new(source, empty_image(source).filter(|_| is_native(source)))
    }

    fn new(source: &SidecarContainer, empty_image: Option<Arc<str>>) -> Self {
        let container = &source.container;
        let (name, image) = (text(source, "name"), text(source, "image"));
        // Named once: each review and each round of a rollout asks for the names.
        let names_in_pod: Box<[Arc<str>]> = match empty_image {
            Some(_) => TWINS.map(|twin| format!("{name}{twin}").into()).into(),
            None => [name.into()].into(),
        };
        // The first of two is at work, the second waits.
        let resources = source
            .resources_policy
            .as_ref()
            .and_then(|policy| ResourcesPolicy::parse(policy, "", &mut Violations::default()));
        let twins = empty_image.as_ref().map(|empty| [(&*names_in_pod[0], image), (&*names_in_pod[1], &**empty)]);
        let written = match &resources {
            Some(_) => Document::of(&without_resources(container)),
            None => Document::of(container),
        };
        Self {
            name: name.into(),
            image: image.into(),
            placement: match source.pod_inject_policy.as_deref() {
                Some("BeforeAppContainer") => Placement::BeforeApp,
                _ => Placement::AfterApp,
            },
            is_native: is_native(source),
            template: Template::new(container, resources.is_some(), twins),
            rules: Rules::of(written.root()),
            container: written,
            names_in_pod,
            empty_image,
            volumes: volume_names(container),
            shares: Shares {
                mounts: is_enabled(source.share_volume_policy.as_ref()),
                devices: is_enabled(source.share_volume_device_policy.as_ref()),
                env: source
                    .transfer_env
                    .iter()
                    .flatten()
                    .filter_map(|transfer| EnvTransfer::parse(transfer).ok())
                    .collect(),
            },
            resources,
            amounts: amounts(source),
        }
    }
}

fn text<'a>(source: &'a SidecarContainer, key: &str) -> &'a str {
    source.container.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is_native(source: &SidecarContainer) -> bool {
    text(source, "restartPolicy") == "Always"
}

/// Says whether a container asks to be upgraded hot.
pub(crate) fn asks_for_hot_upgrade(source: &SidecarContainer) -> bool {
    source.upgrade_strategy.as_ref().and_then(|it| it.upgrade_type.as_deref()) == Some("HotUpgrade")
}

fn empty_image(source: &SidecarContainer) -> Option<Arc<str>> {
    let image = source.upgrade_strategy.as_ref()?.hot_upgrade_empty_image.as_deref();
    asks_for_hot_upgrade(source).then(|| image.unwrap_or_default().into())
}

fn amounts(source: &SidecarContainer) -> Amounts {
    match (&source.resources_policy, source.container.get("resources")) {
        (None, Some(resources)) => Amounts::read(resources).in_pod(),
        (Some(_), _) | (None, None) => Amounts::default(),
    }
}

fn is_enabled(policy: Option<&SharePolicy>) -> bool {
    policy.and_then(|policy| policy.kind.as_deref()) == Some("enabled")
}

/// Returns a container without what is computed for each Pod.
fn without_resources(container: &Map<String, Value>) -> Map<String, Value> {
    container.iter().filter(|(key, _)| *key != RESOURCES).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn volume_names(container: &Map<String, Value>) -> Vec<String> {
    let named = |list: &str| container.get(list).and_then(Value::as_array).into_iter().flatten();
    let mounts = named("volumeMounts").chain(named("volumeDevices")).filter_map(|mount| mount.get("name"));
    let files = named("env").filter_map(|variable| variable.get("valueFrom")?.get("fileKeyRef")?.get("volumeName"));
    mounts.chain(files).filter_map(Value::as_str).map(str::to_owned).collect()
}
