//! Pods as they are observed.

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};
use kube::ResourceExt;

/// What the tests ask of a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodView {
    pub name: String,
    pub uid: String,
    pub is_ready: bool,
    pub is_going_away: bool,
    /// In the order of the spec.
    pub init_containers: Vec<ContainerView>,
    /// In the order of the spec.
    pub containers: Vec<ContainerView>,
}

/// What the tests ask of a container, in spec and status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerView {
    pub name: String,
    /// The image that the spec asks for.
    pub image: String,
    /// The image that runs.
    pub running_image: String,
    pub image_id: String,
    pub container_id: String,
    pub restarts: i32,
    pub is_ready: bool,
    /// Why it does not run.
    pub waits_for: String,
    pub env: Vec<(String, String)>,
}

impl PodView {
    /// Reads what is of interest.
    #[must_use]
    pub fn of(pod: &Pod) -> Self {
        let spec = pod.spec.as_ref();
        let status = pod.status.as_ref();
        let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
        let init_statuses = status.and_then(|status| status.init_container_statuses.as_deref()).unwrap_or_default();
        let statuses = status.and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
        let init_containers = spec.and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
        let containers = spec.map(|spec| spec.containers.as_slice()).unwrap_or_default();
        Self {
            name: pod.name_any(),
            uid: pod.uid().unwrap_or_default(),
            is_ready: conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"),
            is_going_away: pod.metadata.deletion_timestamp.is_some(),
            init_containers: views(init_containers, init_statuses),
            containers: views(containers, statuses),
        }
    }

    /// Returns a container or an init container.
    ///
    /// # Panics
    ///
    /// Where there is none of that name.
    #[must_use]
    pub fn container(&self, name: &str) -> &ContainerView {
        let mut all = self.init_containers.iter().chain(&self.containers);
        let Some(found) = all.find(|container| container.name == name) else {
            panic!("pod {} has no container {name}: {self:?}", self.name);
        };
        found
    }

    /// Says whether a container runs this image, and the spec asks for it.
    #[must_use]
    pub fn runs(&self, container: &str, image: &str) -> bool {
        let mut all = self.init_containers.iter().chain(&self.containers);
        all.any(|it| it.name == container && it.image == image && it.running_image == image)
    }

    /// Says whether the Pod serves, and nothing of it is about to be restarted.
    #[must_use]
    pub fn is_undisturbed(&self) -> bool {
        self.is_ready && self.containers.iter().all(ContainerView::runs_what_it_should)
    }

    /// Returns the names of the containers, in the order of the spec.
    #[must_use]
    pub fn container_names(&self) -> Vec<&str> {
        self.containers.iter().map(|container| container.name.as_str()).collect()
    }

    /// Returns the names of the init containers, in the order of the spec.
    #[must_use]
    pub fn init_container_names(&self) -> Vec<&str> {
        self.init_containers.iter().map(|container| container.name.as_str()).collect()
    }
}

impl ContainerView {
    /// Says whether the image that runs is the one that the spec asks for.
    #[must_use]
    pub fn runs_what_it_should(&self) -> bool {
        // The container runtime tells a short name in full.
        self.running_image == self.image || self.running_image == format!("docker.io/library/{}", self.image)
    }

    /// Says whether the spec gives the container this environment variable.
    #[must_use]
    pub fn has_env(&self, name: &str, value: &str) -> bool {
        self.env.iter().any(|(known, is)| known == name && is == value)
    }
}

/// Returns the Pod of that name.
///
/// # Panics
///
/// Where there is none.
#[must_use]
pub fn find<'a>(pods: &'a [PodView], name: &str) -> &'a PodView {
    let Some(found) = pods.iter().find(|pod| pod.name == name) else { panic!("there is no pod {name}: {pods:?}") };
    found
}

/// Returns each Pod's name with the id of this container and how often it was restarted: equal before and after
/// means that nobody touched it.
#[must_use]
pub fn running<'a>(pods: &'a [PodView], container: &str) -> Vec<(&'a str, &'a str, i32)> {
    let each = |pod: &'a PodView| {
        let container = pod.container(container);
        (pod.name.as_str(), container.container_id.as_str(), container.restarts)
    };
    pods.iter().map(each).collect()
}

fn views(containers: &[Container], statuses: &[ContainerStatus]) -> Vec<ContainerView> {
    let status_of = |name: &str| statuses.iter().find(|status| status.name == name);
    containers.iter().map(|container| view(container, status_of(&container.name))).collect()
}

fn view(container: &Container, status: Option<&ContainerStatus>) -> ContainerView {
    let text = |read: fn(&ContainerStatus) -> &str| status.map(read).unwrap_or_default().to_owned();
    let waiting = status.and_then(|status| status.state.as_ref()?.waiting.as_ref()?.reason.clone());
    let variables = container.env.iter().flatten();
    ContainerView {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        running_image: text(|status| &status.image),
        image_id: text(|status| &status.image_id),
        container_id: text(|status| status.container_id.as_deref().unwrap_or_default()),
        restarts: status.map_or(0, |status| status.restart_count),
        is_ready: status.is_some_and(|status| status.ready),
        waits_for: waiting.unwrap_or_default(),
        env: variables.map(|it| (it.name.clone(), it.value.clone().unwrap_or_default())).collect(),
    }
}
