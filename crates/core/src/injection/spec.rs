//! The members of a Pod's spec that matter here, found in one pass: an API server writes dozens.

use super::index::{Index, Noted};
use crate::json::{Json, Place};
use std::borrow::Cow;

/// A list of containers of a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    /// `spec.initContainers`
    Init,
    /// `spec.containers`
    Regular,
}

/// The members of a Pod's spec that matter here. Those that are not there are null.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec<'a> {
    /// Whether there is one at all.
    pub(super) is_object: bool,
    pub(super) containers: Json<'a>,
    pub(super) host_network: Json<'a>,
    pub(super) host_users: Json<'a>,
    pub(super) image_pull_secrets: Json<'a>,
    pub(super) init_containers: Json<'a>,
    pub(super) os: Json<'a>,
    pub(super) resource_claims: Json<'a>,
    pub(super) resources: Json<'a>,
    pub(super) restart_policy: Json<'a>,
    pub(super) security_context: Json<'a>,
    pub(super) grace_period: Json<'a>,
    pub(super) volumes: Json<'a>,
}

/// The containers of a Pod by their names, found in one pass, however many sets ask for theirs.
#[derive(Debug)]
pub(super) struct Containers<'a> {
    spec: Spec<'a>,
    init: Index<'a, Named>,
    regular: Index<'a, Named>,
}

/// A container that has a name.
#[derive(Debug, Clone, Copy)]
struct Named {
    name: Place,
    container: Place,
    at: u32,
}

impl<'a> Containers<'a> {
    /// Reads the names of the containers of a Pod.
    pub(super) fn of(spec: Spec<'a>) -> Self {
        let of_list = |list| {
            let list = spec.list(list);
            Index::of(list, list.items().count(), (0..).zip(list.items()).filter_map(Named::of))
        };
        Self { spec, init: of_list(List::Init), regular: of_list(List::Regular) }
    }

    /// Returns the containers of a list that have names, each with its name and its place, in no order that says anything.
    pub(super) fn of_list(&self, list: List) -> impl Iterator<Item = (Cow<'a, str>, usize, Json<'a>)> {
        let values = self.spec.list(list);
        self.named(list).iter().map(move |(name, it)| (name, it.at as usize, values.of_place(it.container)))
    }

    /// Returns the containers of this name in a list, each with its place: one, in a Pod that an API server keeps.
    pub(super) fn find(&self, list: List, name: &str) -> impl Iterator<Item = (usize, Json<'a>)> {
        let values = self.spec.list(list);
        self.named(list).find(name).map(move |it| (it.at as usize, values.of_place(it.container)))
    }

    fn named(&self, list: List) -> &Index<'a, Named> {
        match list {
            List::Init => &self.init,
            List::Regular => &self.regular,
        }
    }
}

impl Named {
    fn of((at, container): (u32, Json<'_>)) -> Option<Self> {
        let name = container.at("name");
        name.is_text().then(|| Self { name: name.place(), container: container.place(), at })
    }
}

impl Noted for Named {
    fn place(self) -> Place {
        self.container
    }

    fn text(self, list: Json<'_>) -> Cow<'_, str> {
        list.of_place(self.name).passing_str().unwrap_or_default()
    }
}

impl List {
    pub(super) const ALL: [Self; 2] = [Self::Init, Self::Regular];

    /// Returns the member of the spec that holds it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Regular => "containers",
        }
    }

    /// Returns the same member as `managedFields` write it.
    pub(super) fn managed_name(self) -> &'static str {
        match self {
            Self::Init => "f:initContainers",
            Self::Regular => "f:containers",
        }
    }
}

impl<'a> Spec<'a> {
    /// Reads the spec of a Pod.
    pub(super) fn of(pod: Json<'a>) -> Self {
        let given = pod.at("spec");
        let [
            containers,
            host_network,
            host_users,
            image_pull_secrets,
            init_containers,
            os,
            resource_claims,
            resources,
            restart_policy,
            security_context,
            grace_period,
            volumes,
        ] = given.select([
            "containers",
            "hostNetwork",
            "hostUsers",
            "imagePullSecrets",
            "initContainers",
            "os",
            "resourceClaims",
            "resources",
            "restartPolicy",
            "securityContext",
            "terminationGracePeriodSeconds",
            "volumes",
        ]);
        Self {
            is_object: given.is_object(),
            containers,
            host_network,
            host_users,
            image_pull_secrets,
            init_containers,
            os,
            resource_claims,
            resources,
            restart_policy,
            security_context,
            grace_period,
            volumes,
        }
    }

    /// Returns a list of containers.
    pub(super) fn list(&self, list: List) -> Json<'a> {
        match list {
            List::Init => self.init_containers,
            List::Regular => self.containers,
        }
    }
}
