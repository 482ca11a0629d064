//! How a single Pod of a set stands.

use super::View;
use crate::tools::snapshot::SeenPod;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;
use sidecarset_core::record::{Ailment, PodRecord};
use sidecarset_core::rollout::{self, Hold};
use std::sync::Arc;

/// How a Pod of a set stands, in one word: the worst that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The set selects it, and it was created without the sidecars
    Missing,
    /// A sidecar does not run
    Failing,
    /// It takes the present definition only when it is created anew
    NotUpgradable,
    /// It carries an earlier definition
    Outdated,
    /// It carries the present definition, and is not ready
    NotReady,
    /// It carries the present definition, and is ready
    Updated,
}

/// How a Pod of a set stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetState {
    /// In one word.
    pub state: State,
    /// Why it keeps its present sidecars, where it does.
    pub hold: Option<Hold>,
    /// What keeps its sidecars from running.
    pub troubles: Vec<Trouble>,
}

/// A container that does not run, in the kubelet's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The container.
    pub container: String,
    /// The kubelet's word for it.
    pub reason: String,
    /// What it says of it.
    pub message: String,
}

/// What keeps a Pod in its init containers whose native sidecar has become an ordinary one.
const HANGS: &str = "restartPolicy Always is missing, so it never ends, and no container after it starts";

impl State {
    /// Returns the word for it.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl SetState {
    pub(super) fn of(view: &View<'_>, pod: &SeenPod) -> Self {
        let Some(record) = pod.record.as_deref().filter(|record| record.carries(&view.set.name)) else {
            return Self { state: State::Missing, hold: None, troubles: Vec::new() };
        };
        let hold = view.plan.holds.get(&record.key).copied();
        let troubles = troubles(view, record, pod.object.as_ref());
        let state = if !troubles.is_empty() {
            State::Failing
        } else if hold == Some(Hold::NeedsNewPod) {
            State::NotUpgradable
        } else if !rollout::is_updated(&view.set, record) {
            State::Outdated
        } else if rollout::is_ready(&view.set, record) {
            State::Updated
        } else {
            State::NotReady
        };
        Self { state, hold, troubles }
    }
}

/// Returns the sidecars that do not run. What the kubelet says of them is in the Pod itself.
fn troubles(view: &View<'_>, record: &PodRecord, object: Option<&Value>) -> Vec<Trouble> {
    let running = view.set.names_in_pod.iter().filter_map(|name| {
        let ailment = record.container(name)?.ailment()?;
        Some((&**name, ailment))
    });
    let is_ours =
        |name: &Arc<str>| view.set.init_containers.iter().any(|sidecar| sidecar.names_in_pod().contains(name));
    let ordinary = record.ailing_init.iter().filter(|container| is_ours(&container.name));
    let ordinary = ordinary.map(|container| (&*container.name, &container.ailment));
    let ailing = running.chain(ordinary);
    ailing
        .filter(|(_, ailment)| is_failing(view, record, ailment))
        .map(|(name, ailment)| told(name, ailment, object))
        .collect()
}

fn is_failing(view: &View<'_>, record: &PodRecord, ailment: &Ailment) -> bool {
    match ailment {
        Ailment::Fails(_) => true,
        Ailment::Restarts(run) => !record.is_ready() && rollout::is_unsettled(&view.set, record, run, view.now),
        Ailment::Runs(_) => rollout::stripped(&view.set, record).is_some_and(|stripped| stripped.ailment == *ailment),
    }
}

fn told(container: &str, ailment: &Ailment, object: Option<&Value>) -> Trouble {
    let statuses = |list: &str| object.and_then(|pod| pod["status"][list].as_array()).into_iter().flatten();
    let mut all = statuses("containerStatuses").chain(statuses("initContainerStatuses"));
    let status = all.find(|status| status["name"] == container).unwrap_or(&Value::Null);
    let (state, last) = (&status["state"], &status["lastState"]["terminated"]);
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let (reason, why) = match ailment {
        Ailment::Fails(failure) => (failure.reason(), None),
        Ailment::Restarts(_) => ("Restarts", None),
        Ailment::Runs(_) => ("RestartPolicyLost", Some(HANGS.to_owned())),
    };
    let word = text(&state["waiting"]["reason"]).unwrap_or_else(|| reason.to_owned());
    let ended = last["exitCode"].as_i64().map(|code| format!("last exit code {code}"));
    let message = text(&state["waiting"]["message"]).or_else(|| text(&last["message"])).or(ended).or(why);
    Trouble { container: container.to_owned(), reason: word, message: message.unwrap_or_default() }
}
