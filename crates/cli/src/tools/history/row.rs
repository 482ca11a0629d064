//! One revision, as it is shown among others.

use crate::tools::past::{Past, definition};
use crate::tools::snapshot::SeenPod;
use jiff::Timestamp;
use serde::Serialize;
use sidecarset_api::v1beta1::SidecarSetSpec;
use sidecarset_core::record::Carried;
use sidecarset_core::revision::Revision;
use std::collections::BTreeMap;

pub const HEADER: [&str; 7] = ["REVISION", "NAME", "CREATED", "CUSTOM-VERSION", "STATE", "PODS", "IMAGES"];

/// One revision.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    revision: i64,
    pub name: String,
    created: Option<Timestamp>,
    custom_version: Option<String>,
    state: State,
    /// How many Pods carry it; none where nobody could count.
    pods: Option<usize>,
    /// By container; none where the definition cannot be read.
    images: Option<BTreeMap<String, String>>,
}

/// What a revision is for the set today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It holds the present definition.
    Present,
    /// New Pods get it in place of the present definition.
    Pinned,
    /// Neither.
    Past,
}

impl Row {
    /// Looks at a revision.
    pub fn of(revision: &Revision, past: &Past<'_>, pods: Option<&[SeenPod]>) -> Self {
        let is_it = |other: Option<&std::sync::Arc<Revision>>| other.is_some_and(|other| other.name == revision.name);
        let state = match () {
            () if is_it(past.pinned) => State::Pinned,
            () if is_it(past.present) => State::Present,
            () => State::Past,
        };
        Self {
            revision: revision.number,
            name: revision.name.to_string(),
            created: Timestamp::from_second(revision.created.since_epoch()).ok(),
            custom_version: revision.custom_version.as_deref().map(str::to_owned),
            state,
            pods: pods.map(|pods| pods.iter().filter(|pod| carries(pod, revision)).count()),
            images: definition(revision).ok().as_ref().map(images),
        }
    }

    /// Returns what stands in the table.
    pub fn cells(&self) -> [String; 7] {
        let images = self.images.as_ref().map(|images| {
            let shown: Vec<String> = images.iter().map(|(name, image)| format!("{name}={image}")).collect();
            shown.join(",")
        });
        let state = match self.state {
            State::Present => "present",
            State::Pinned => "pinned",
            State::Past => "past",
        };
        [
            self.revision.to_string(),
            self.name.clone(),
            self.created.map(|created| created.to_string()).unwrap_or_default(),
            self.custom_version.clone().unwrap_or_default(),
            state.to_owned(),
            self.pods.map_or_else(|| "<unknown>".to_owned(), |pods| pods.to_string()),
            images.unwrap_or_else(|| "<unreadable>".to_owned()),
        ]
    }
}

fn carries(pod: &SeenPod, revision: &Revision) -> bool {
    let record = pod.record.as_ref().filter(|record| record.is_active() && record.carries(&revision.set));
    let carried = record.and_then(|record| record.carried.get(&revision.set)).and_then(Carried::revision);
    carried.is_some_and(|name| *name == revision.name)
}

fn images(spec: &SidecarSetSpec) -> BTreeMap<String, String> {
    let containers = spec.init_containers.iter().chain(&spec.containers).flatten();
    let text = |value: Option<&serde_json::Value>| value.and_then(|it| it.as_str()).unwrap_or_default().to_owned();
    containers.map(|it| (text(it.container.get("name")), text(it.container.get("image")))).collect()
}
