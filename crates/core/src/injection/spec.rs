//! The members of a Pod's spec that matter here, found in one pass: an API server writes dozens.

use crate::json::Json;
use std::collections::BTreeMap;

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
pub(super) struct Containers<'a>(BTreeMap<(&'static str, &'a str), (usize, Json<'a>)>);

impl<'a> Containers<'a> {
    /// Reads the names of the containers of a Pod. Of two of one name the first counts.
    pub(super) fn of(spec: Spec<'a>) -> Self {
        let mut containers = BTreeMap::new();
        for list in List::ALL {
            for (at, container) in spec.list(list).items().enumerate() {
                if let Some(name) = container.at("name").as_str() {
                    containers.entry((list.name(), name)).or_insert((at, container));
                }
            }
        }
        Self(containers)
    }

    /// Returns the containers of a list, each with its name and its place, in the order of the names.
    pub(super) fn of_list(&self, list: List) -> impl Iterator<Item = (&'a str, usize, Json<'a>)> {
        let of_list = self.0.range((list.name(), "")..).take_while(move |((its, _), _)| *its == list.name());
        of_list.map(|((_, name), (at, container))| (*name, *at, *container))
    }

    /// Returns the container of this name in a list, with its place.
    pub(super) fn find(&self, list: List, name: &str) -> Option<(usize, Json<'a>)> {
        self.0.get(&(list.name(), name)).copied()
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
        let (mut spec, given) = (Self::empty(), pod.at("spec"));
        spec.is_object = given.is_object();
        for (name, value) in given.members() {
            let place = match name {
                "containers" => &mut spec.containers,
                "hostNetwork" => &mut spec.host_network,
                "hostUsers" => &mut spec.host_users,
                "imagePullSecrets" => &mut spec.image_pull_secrets,
                "initContainers" => &mut spec.init_containers,
                "os" => &mut spec.os,
                "resourceClaims" => &mut spec.resource_claims,
                "resources" => &mut spec.resources,
                "restartPolicy" => &mut spec.restart_policy,
                "securityContext" => &mut spec.security_context,
                "terminationGracePeriodSeconds" => &mut spec.grace_period,
                "volumes" => &mut spec.volumes,
                _ => continue,
            };
            // Of two members of one name the first counts.
            if place.is_null() {
                *place = value;
            }
        }
        spec
    }

    /// Returns a list of containers.
    pub(super) fn list(&self, list: List) -> Json<'a> {
        match list {
            List::Init => self.init_containers,
            List::Regular => self.containers,
        }
    }

    fn empty() -> Self {
        let null = Json::null();
        Self {
            is_object: false,
            containers: null,
            host_network: null,
            host_users: null,
            image_pull_secrets: null,
            init_containers: null,
            os: null,
            resource_claims: null,
            resources: null,
            restart_policy: null,
            security_context: null,
            grace_period: null,
            volumes: null,
        }
    }
}
