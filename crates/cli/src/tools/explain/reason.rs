//! What each set has to do with a Pod, and why.

use crate::tools::sidecar::in_pod;
use crate::tools::snapshot::{SeenPod, Snapshot};
use crate::tools::view::{State, View};
use serde::Serialize;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::{Entry, NamespaceLabels, Reservation};
use sidecarset_core::injection;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::Carried;
use sidecarset_core::revision::choose;
use sidecarset_core::rollout::{Hold, blocking_fields};
use sidecarset_core::selection::{Labels, Namespaces, Requirement};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a set has to do with a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was injected, in its present form, and runs.
    Updated,
    /// It was injected in its present form, and the Pod is not ready.
    NotReady,
    /// It was injected in an earlier form.
    Outdated,
    /// It was injected, and a sidecar does not run.
    Failing,
    /// It was injected, and does not select the Pod any more.
    NoLongerSelected,
    /// It selects the Pod, which was created without it.
    Missing,
    /// It selects the Pod, which is of a kind that nothing is injected into, or for another operating system.
    LeftAlone,
    /// It would be injected into the Pod.
    WouldBeInjected,
    /// It selects the Pod, and another set takes its place there.
    GivesWay,
    /// It selects the Pod and cannot be injected: such a Pod is refused.
    Refused,
    /// It was injected, and there is no such set any more.
    Gone,
    /// It does not select the Pod.
    NotSelected,
}

/// What a set has to do with a Pod, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    pub set: String,
    pub verdict: Verdict,
    /// Why the Pod keeps its present sidecars, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// Why, and what ends it: each a sentence without a full stop.
    pub sentences: Vec<String>,
}

impl Verdict {
    /// Returns the same for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Updated => "injected, up to date",
            Self::NotReady => "injected, up to date, not ready",
            Self::Outdated => "injected, outdated",
            Self::Failing => "injected, and a sidecar does not run",
            Self::NoLongerSelected => "injected, and no longer selected",
            Self::Missing => "selected, and created without the sidecars",
            Self::LeftAlone => "selected, and left alone",
            Self::WouldBeInjected => "would be injected",
            Self::GivesWay => "gives way",
            Self::Refused => "selected: such a Pod is refused",
            Self::Gone => "injected, and there is no such set any more",
            Self::NotSelected => "not selected",
        }
    }
}

/// Says why nothing is ever injected into such a Pod, whatever the sets say.
pub fn left_alone(pod: &SeenPod) -> Option<&'static str> {
    let object = pod.object.as_ref()?;
    injection::is_left_alone(object).then_some(
        "nothing is injected into it, nor upgraded in it: it has ended, is being deleted, or mirrors a file of the kubelet",
    )
}

/// Returns what whoever creates a Pod is warned of.
pub fn warnings(snapshot: &Snapshot, pod: &SeenPod, now: Seconds) -> Vec<String> {
    let labels = snapshot.catalog.namespace(pod.key.namespace()).map(AsRef::as_ref);
    let selection = snapshot.catalog.select(&pod.labels, labels);
    let object = pod.object.as_ref().filter(|object| !injection::is_left_alone(*object));
    let decided = object.map(|object| injection::decide(object, &selection, |_| 0.0, now));
    decided.and_then(Result::ok).map(|injection| injection.warnings).unwrap_or_default()
}

/// Explains what every set has to do with a Pod, by the names of the sets.
pub fn explain(snapshot: &Snapshot, pod: &SeenPod, exists: bool, now: Seconds) -> Vec<Explained> {
    let labels = snapshot.catalog.namespace(pod.key.namespace()).map(AsRef::as_ref);
    let selection = snapshot.catalog.select(&pod.labels, labels);
    let selecting: BTreeSet<&str> = selection.sets.iter().map(|set| &*set.name).collect();
    let case = Case { snapshot, pod, labels, exists, now };
    let mut all: Vec<Explained> = Vec::new();
    for (name, entry) in snapshot.catalog.sets() {
        let explained = match entry {
            Entry::Valid(set) if pod.record.as_ref().is_some_and(|record| record.carries(name)) => case.carrying(set),
            Entry::Valid(set) if selecting.contains(&**name) => case.selected(set),
            Entry::Valid(set) => case.not_selected(set, &selection.sets),
            Entry::Invalid(set) => {
                let refuses = selection.invalid.iter().any(|invalid| invalid.name == *name);
                let verdict = if refuses { Verdict::Refused } else { Verdict::NotSelected };
                said(name, verdict, vec![format!("the set cannot be acted on: {}", set.violations)])
            }
        };
        all.push(explained);
    }
    let gone =
        pod.record.iter().flat_map(|record| record.injected()).filter(|name| snapshot.catalog.set(name).is_none());
    all.extend(
        gone.map(|name| said(name, Verdict::Gone, vec!["its sidecars stay until the Pod is created anew".to_owned()])),
    );
    all
}

/// A Pod that is explained.
struct Case<'a> {
    snapshot: &'a Snapshot,
    pod: &'a SeenPod,
    labels: Option<&'a NamespaceLabels>,
    exists: bool,
    now: Seconds,
}

impl Case<'_> {
    /// A set that was injected.
    fn carrying(&self, set: &CanonicalSet) -> Explained {
        let mut sentences = vec![self.carries(set)];
        let is_active = self.pod.record.as_ref().is_some_and(|record| record.is_active());
        if !is_active {
            sentences.push("the Pod has ended or is being deleted, so it counts for nothing".to_owned());
            return said(&set.name, Verdict::NoLongerSelected, sentences);
        }
        if let Some(why) = self.mismatch(set) {
            sentences.push(format!("{why}, so its image is not upgraded and it is not counted"));
            return said(&set.name, Verdict::NoLongerSelected, sentences);
        }
        let Some(view) = View::of(self.snapshot, &set.name, self.now) else {
            return said(&set.name, Verdict::Refused, sentences);
        };
        let standing = view.standing(self.pod);
        for trouble in &standing.troubles {
            sentences.push(format!("{} does not run: {} {}", trouble.container, trouble.reason, trouble.message));
        }
        if let Some(hold) = standing.hold {
            sentences.push(format!("it waits because {}{}", hold.meaning().why, self.blocking(&view, hold)));
            sentences.push(format!("what ends that: {}", hold.meaning().until));
        } else if standing.state == State::Outdated {
            sentences.push("it is its turn: the operator upgrades it now".to_owned());
        }
        let verdict = match standing.state {
            State::Failing => Verdict::Failing,
            State::NotUpgradable | State::Outdated => Verdict::Outdated,
            State::NotReady => Verdict::NotReady,
            State::Updated => Verdict::Updated,
            State::Missing => Verdict::Missing,
        };
        Explained {
            hold: standing.hold.map(|hold| hold.meaning().name.to_owned()),
            ..said(&set.name, verdict, sentences)
        }
    }

    fn carries(&self, set: &CanonicalSet) -> String {
        let carried = self.pod.record.as_ref().and_then(|record| record.carried.get(&set.name));
        let revision = self.snapshot.revision_of(self.pod, &set.name);
        let revision = revision.unwrap_or_else(|| "a definition that is not remembered".to_owned());
        let present = set.revision.as_deref().unwrap_or_default();
        let since = carried
            .and_then(Carried::updated_at)
            .map(|at| format!(", since {}", crate::tools::age::short(self.now.since(at))));
        let newer = if present.is_empty() || revision == present {
            String::new()
        } else {
            format!("; the present one is {present}")
        };
        format!("it carries {revision}{}{newer}", since.unwrap_or_default())
    }

    fn blocking(&self, view: &View<'_>, hold: Hold) -> String {
        let record = self.pod.record.as_deref().filter(|_| hold == Hold::NeedsNewPod);
        let fields = record.map(|record| blocking_fields(&view.set, record)).unwrap_or_default();
        if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) }
    }

    /// A set that would be injected if the Pod were created now.
    fn selected(&self, set: &CanonicalSet) -> Explained {
        if let Some(why) = left_alone(self.pod) {
            return said(&set.name, Verdict::LeftAlone, vec![why.to_owned()]);
        }
        let os = self.pod.object.as_ref().map(injection::os_of).unwrap_or_default();
        if !set.operating_systems.include(os) {
            let its = set.operating_systems;
            let why = format!("the Pod is for {os}, and the set for {its} (injectionStrategy.operatingSystems)");
            return said(&set.name, Verdict::LeftAlone, vec![why]);
        }
        if let Some(object) = &self.pod.object {
            let sets = self.snapshot.catalog.select(&self.pod.labels, self.labels);
            if let Err(rejection) = injection::decide(object, &sets, |_| 0.0, self.now) {
                return said(&set.name, Verdict::Refused, vec![rejection.to_string()]);
            }
        }
        if !self.exists {
            return said(&set.name, Verdict::WouldBeInjected, self.given(set));
        }
        let created = self.snapshot.sets.get(&*set.name).and_then(|set| set.metadata.creation_timestamp.as_ref());
        let is_older = created.is_some_and(|created| self.pod.created < Seconds::from(created.0));
        let why = if is_older {
            "it is older than the set, and a Pod gets sidecars only when it is created"
        } else {
            "when it was created, the operator could not be asked (failurePolicy Ignore), the injection was paused, or the set \
             or the labels were other ones"
        };
        let end = "what ends that: the Pod is created anew (sidecarset restart-outdated)".to_owned();
        said(&set.name, Verdict::Missing, vec![why.to_owned(), end])
    }

    /// Says what a set gives to the Pod: where it is pinned, chance may have a say.
    fn given(&self, set: &CanonicalSet) -> Vec<String> {
        let Some(view) = View::of(self.snapshot, &set.name, self.now) else { return Vec::new() };
        let draws = [0.0, 1.0_f64.next_down()];
        let mut given: Vec<&Arc<CanonicalSet>> =
            draws.iter().filter_map(|draw| choose(&view.written, &self.pod.labels, *draw).ok()).collect();
        given.dedup_by(|one, other| Arc::ptr_eq(one, other));
        let told = given.into_iter().enumerate().map(|(at, definition)| {
            let containers: Vec<String> = definition.sidecars().flat_map(in_pod).collect();
            let past = view.past_revision(definition);
            let past =
                past.map(|revision| format!(", as {revision} describes it, which is not the present definition"));
            let or = if at == 0 { "it gets" } else { "or, as it is drawn for each Pod," };
            format!("{or} {}{}", containers.join(", "), past.unwrap_or_default())
        });
        told.collect()
    }

    fn not_selected(&self, set: &CanonicalSet, selecting: &[Arc<CanonicalSet>]) -> Explained {
        if let Some(why) = self.mismatch(set) {
            return said(&set.name, Verdict::NotSelected, vec![why]);
        }
        if let Some(canary) = selecting.iter().find(|other| other.canary_of.as_ref() == Some(&set.name)) {
            let why = format!("its canary {} takes its place in this Pod", canary.name);
            return said(&set.name, Verdict::GivesWay, vec![why]);
        }
        if !set.is_injecting {
            let why = "its injection is paused: new Pods are created without it (sidecarset resume --injection)";
            return said(&set.name, Verdict::NotSelected, vec![why.to_owned()]);
        }
        said(&set.name, Verdict::NotSelected, vec!["it does not select the Pod".to_owned()])
    }

    /// Says why a set does not select the Pod, where its labels or its namespace are the reason.
    fn mismatch(&self, set: &CanonicalSet) -> Option<String> {
        if let Some(unmet) = set.selector.unmet(&self.pod.labels) {
            return Some(asked("its selector", unmet, &self.pod.labels, "the Pod"));
        }
        let namespace = self.pod.key.namespace();
        if let Namespaces::Matching(selector) = &set.namespaces
            && let Some(labels) = self.labels
            && let Some(unmet) = selector.unmet(labels)
        {
            return Some(asked("its namespaceSelector", unmet, labels, &format!("namespace {namespace}")));
        }
        match self.snapshot.catalog.reservation(namespace)? {
            Reservation::ByName if set.namespaces.names(namespace) => None,
            Reservation::ByName => {
                Some(format!("Pods of {namespace} are left alone by sets whose namespaceSelector does not name it"))
            }
            Reservation::Operator => Some(format!("Pods of {namespace} get no sidecars: the operator runs there")),
        }
    }
}

fn asked(selector: &str, unmet: &Requirement, labels: &impl Labels, who: &str) -> String {
    let has = match labels.value(unmet.key()) {
        Some(value) => format!("{who} has {}={value}", unmet.key()),
        None => format!("{who} has no label {}", unmet.key()),
    };
    format!("{selector} asks for {unmet}, and {has}")
}

fn said(set: &str, verdict: Verdict, sentences: Vec<String>) -> Explained {
    Explained { set: set.to_owned(), verdict, hold: None, sentences }
}
