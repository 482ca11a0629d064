//! A sidecar as JSON text, in parts: rendered once, when its set is read, and put together for each Pod.

use crate::json::{Document, Json};
use crate::path::cleaned;
use serde_json::{Map, Value, json};
use sidecarset_api::markers;
use std::collections::BTreeSet;

/// The lists of a container to which a Pod may add: each with the member by which an item is known.
pub(crate) const ENV: (&str, &str) = ("env", "name");
pub(crate) const MOUNTS: (&str, &str) = ("volumeMounts", "mountPath");
pub(crate) const DEVICES: (&str, &str) = ("volumeDevices", "devicePath");

/// The member that is computed for each Pod, where it is.
pub(super) const RESOURCES: &str = "resources";

/// What stands in a Pod for a sidecar that is upgraded hot: its names and images.
pub(super) type Twins<'a> = [(&'a str, &'a str); 2];

/// A sidecar as JSON text, in parts.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Own {
    /// Members, each with a comma behind it.
    pub(crate) members: Box<str>,
    /// Variables, each with a comma in front of it. They stand behind all others.
    pub(crate) env: Box<str>,
    /// The list of all variables that it has in every Pod.
    variables: Document<'static>,
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
        let env = Part::of(container, ENV, Some(&mark));
        let own = |[members, variables]: [String; 2]| Own {
            variables: Document::of_text(format!("[{}{variables}]", env.items)),
            members: members.into(),
            env: variables.into(),
        };
        Self {
            members: members.map(|(key, value)| member(key, value)).collect(),
            mounts: Part::of(container, MOUNTS, None),
            devices: Part::of(container, DEVICES, None),
            containers: match twins {
                None => [own(Default::default())].into(),
                Some(twins) => twins.map(|it| own(twin(it))).into(),
            },
            env,
        }
    }
}

impl Template {
    /// Returns the list of the variables that the container at a place has in every Pod.
    pub(crate) fn variables(&self, at: usize) -> Json<'_> {
        self.containers.get(at).map_or_else(Json::null, |own| own.variables.root())
    }

    /// Says whether a variable of this name is one of these.
    pub(crate) fn has_variable(&self, name: &str) -> bool {
        let of_twins = [markers::VERSION_VARIABLE, markers::VERSION_ALT_VARIABLE];
        self.env.known.contains(name) || (self.containers.len() > 1 && of_twins.contains(&name))
    }

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
        let known = items.iter().filter_map(|item| item[member].as_str());
        // Paths as they are written shortest; a name is known as it is.
        let known = known.map(|it| if member == ENV.1 { it.into() } else { cleaned(it).into() });
        Self { items: texts.join(",").into(), known: known.collect() }
    }
}

/// Returns the members and the variables of one of two containers.
// The application in the container compares the two versions to learn whether it is the one that takes over.
fn twin((name, image): (&str, &str)) -> [String; 2] {
    let version = |variable: &str, prefix: &str| {
        let path = format!("metadata.annotations['{prefix}{name}']");
        format!(",{}", json!({"name": variable, "valueFrom": {"fieldRef": {"fieldPath": path}}}))
    };
    let variables = [
        version(markers::VERSION_VARIABLE, markers::VERSION_PREFIX),
        version(markers::VERSION_ALT_VARIABLE, markers::VERSION_ALT_PREFIX),
    ];
    [member("image", &image.into()) + &member("name", &name.into()), variables.concat()]
}

fn member(key: &str, value: &Value) -> String {
    format!("{}:{value},", Value::from(key))
}
