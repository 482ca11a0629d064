//! The members of a Pod's spec that matter here, found in one pass: an API server writes dozens.

use crate::json::{Json, Place};
use std::borrow::Cow;

/// How many containers may be noted before anybody has looked whether they have names.
const SOME: usize = 64;

/// A list of containers of a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    // In the order of the names, and of two of one name the first alone. There may be as many as a Pod has room for, so each is
    // noted in little space.
    init: Box<[Named]>,
    regular: Box<[Named]>,
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
            let count = list.items().count();
            let mut containers = Vec::with_capacity(if count <= SOME { count } else { count_named(list) });
            for (at, container) in (0..).zip(list.items()) {
                let name = container.at("name");
                if name.is_text() {
                    containers.push(Named { name: name.place(), container: container.place(), at });
                }
            }
            let name = |named: &Named| named.name(list);
            containers.sort_unstable_by(|one, other| name(one).cmp(&name(other)).then(one.at.cmp(&other.at)));
            containers.dedup_by(|one, other| name(one) == name(other));
            containers.into_boxed_slice()
        };
        Self { spec, init: of_list(List::Init), regular: of_list(List::Regular) }
    }

    /// Returns the containers of a list, each with its name and its place, in the order of the names.
    pub(super) fn of_list(&self, list: List) -> impl Iterator<Item = (Cow<'a, str>, usize, Json<'a>)> {
        let values = self.spec.list(list);
        self.named(list).iter().map(move |it| (it.name(values), it.at as usize, values.of_place(it.container)))
    }

    /// Returns the container of this name in a list, with its place.
    pub(super) fn find(&self, list: List, name: &str) -> Option<(usize, Json<'a>)> {
        let (named, values) = (self.named(list), self.spec.list(list));
        let found = named.get(named.binary_search_by(|it| (*it.name(values)).cmp(name)).ok()?)?;
        Some((found.at as usize, values.of_place(found.container)))
    }

    fn named(&self, list: List) -> &[Named] {
        match list {
            List::Init => &self.init,
            List::Regular => &self.regular,
        }
    }
}

impl Named {
    fn name(self, list: Json<'_>) -> Cow<'_, str> {
        list.of_place(self.name).passing_str().unwrap_or_default()
    }
}

/// Counts the containers that have a name. Whoever made a list of very many may have named none.
fn count_named(list: Json<'_>) -> usize {
    list.items().filter(|container| container.at("name").is_text()).count()
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
