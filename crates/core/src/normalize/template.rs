//! A sidecar as JSON text, in parts: rendered once, when its set is read, and put together for each Pod.

use serde_json::{Map, Value, json};
use sidecarset_api::markers;
use std::collections::BTreeSet;

/// The lists of a container to which a Pod may add: each with the member by which an item is known.
pub(crate) const ENV: (&str, &str) = ("env", "name");
pub(crate) const MOUNTS: (&str, &str) = ("volumeMounts", "mountPath");
pub(crate) const DEVICES: (&str, &str) = ("volumeDevices", "devicePath");

/// The member that is computed for each Pod, where it is.
const RESOURCES: &str = "resources";

/// What stands in a Pod for a sidecar that is upgraded hot: its names and images.
pub(super) type Twins<'a> = [(&'a str, &'a str); 2];

/// A sidecar as JSON text, in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The members that are the same in every container and every Pod, each with a comma behind it.
    pub(crate) members: Box<str>,
    /// The variables.
    pub(crate) env: Part,
    /// The mounts.
    pub(crate) mounts: Part,
    /// The devices.
    pub(crate) devices: Part,
    /// What each of its containers has by itself: one, or two where it is upgraded hot.
    pub(crate) containers: Box<[Own]>,
}

/// A list of a sidecar, to which a Pod may add.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// The items, with commas between them.
    pub(crate) items: Box<str>,
    /// What they are known by.
    pub(crate) known: BTreeSet<Box<str>>,
}

/// What a container of a sidecar has by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Own {
    /// Members, each with a comma behind it.
    pub(crate) members: Box<str>,
    /// Variables, each with a comma in front of it. They stand behind all others.
    pub(crate) env: Box<str>,
}

impl Template {
    /// Renders a container as it was written, for one of it, or for two.
    pub(super) fn new(container: &Map<String, Value>, computes_resources: bool, twins: Option<Twins<'_>>) -> Self {
        let is_apart = |key: &str| {
            [ENV.0, MOUNTS.0, DEVICES.0].contains(&key)
                || (computes_resources && key == RESOURCES)
                || (twins.is_some() && ["name", "image"].contains(&key))
        };
        let mark = json!({"name": markers::IS_INJECTED, "value": "true"});
        let members = container.iter().filter(|(key, _)| !is_apart(key));
        Self {
            members: members.map(|(key, value)| member(key, value)).collect(),
            env: Part::of(container, ENV, Some(&mark)),
            mounts: Part::of(container, MOUNTS, None),
            devices: Part::of(container, DEVICES, None),
            containers: twins.map_or_else(|| [Own::default()].into(), |twins| twins.map(Own::twin).into()),
        }
    }
}

impl Template {
    /// Returns about how long a container is to which nothing is added.
    pub(crate) fn length(&self) -> usize {
        let own = self.containers.first().map_or(0, |own| own.members.len() + own.env.len());
        self.members.len() + self.env.items.len() + self.mounts.items.len() + self.devices.items.len() + own + 64
    }
}

impl Part {
    /// Reads a list of a container, to which an item is added.
    fn of(container: &Map<String, Value>, (list, member): (&str, &str), added: Option<&Value>) -> Self {
        let given = container.get(list).and_then(Value::as_array).into_iter().flatten();
        let items: Vec<&Value> = given.chain(added).collect();
        let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
        let known = items.iter().filter_map(|item| item[member].as_str()).map(Box::from);
        Self { items: texts.join(",").into(), known: known.collect() }
    }
}

impl Own {
    // The application in the container compares the two versions to learn whether it is the one that takes over.
    fn twin((name, image): (&str, &str)) -> Self {
        let version = |variable: &str, prefix: &str| {
            let path = format!("metadata.annotations['{prefix}{name}']");
            format!(",{}", json!({"name": variable, "valueFrom": {"fieldRef": {"fieldPath": path}}}))
        };
        let variables = [
            version(markers::VERSION_VARIABLE, markers::VERSION_PREFIX),
            version(markers::VERSION_ALT_VARIABLE, markers::VERSION_ALT_PREFIX),
        ];
        let members = member("image", &image.into()) + &member("name", &name.into());
        Self { members: members.into(), env: variables.concat().into() }
    }
}

fn member(key: &str, value: &Value) -> String {
    format!("{}:{value},", Value::from(key))
}
