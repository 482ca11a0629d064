//! What is remembered of each SidecarSet beside its definition: which object it is, and its newest status.

use super::Monotonic;
use super::backoff;
use crate::event::{Event, Narrator, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How much time is between two writes of a set's status, at least.
const STATUS_PACE: Duration = Duration::from_secs(1);

/// What is remembered of the SidecarSets.
#[derive(Debug, Default)]
pub struct Sets {
    sets: BTreeMap<Arc<str>, SetRecord>,
    // While the sets are listed: those that the list has shown.
    listed: Option<BTreeSet<Arc<str>>>,
}

/// What is remembered of a SidecarSet.
#[derive(Debug, Clone, Default)]
pub struct SetRecord {
    /// What the object is called, and which version of it is the newest that is known.
    pub metadata: ObjectMeta,
    /// The newest status that is known.
    pub status: Option<SidecarSetStatus>,
    /// When the status may be written next.
    pub status_due: Option<Monotonic>,
    /// When its revisions may be written next, where that failed.
    pub revisions_due: Option<Monotonic>,
    narrator: Narrator,
    failures: u32,
    revision_failures: u32,
}

/// What is new in a SidecarSet that was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Nothing that is asked about.
    Nothing,
    /// Its status, by somebody else's hand.
    Status,
    /// Its definition, labels or annotations; or it is another object altogether.
    Definition,
}

impl Sets {
    /// Takes in a set that the watch shows.
    pub fn observe(&mut self, set: &SidecarSet) -> News {
        let name: Arc<str> = set.metadata.name.as_deref().unwrap_or_default().into();
        let is_listing = self.seen(&name);
        let Some(known) = self.sets.get_mut(&name).filter(|known| known.metadata.uid == set.metadata.uid) else {
            self.sets.insert(name, SetRecord::of(set));
            return News::Definition;
        };
        let news = known.news(set);
        // The watch may lag behind our own writes of the status; a list is the truth.
        if is_listing || !is_older(&set.metadata, &known.metadata) {
            known.update(set);
        } else {
            known.metadata.generation = set.metadata.generation;
            known.metadata.labels.clone_from(&set.metadata.labels);
            known.metadata.annotations.clone_from(&set.metadata.annotations);
        }
        news
    }

    /// Notes that a set is there, whatever it says. Answers whether the sets are being listed.
    pub fn seen(&mut self, name: &Arc<str>) -> bool {
        self.listed.as_mut().map(|listed| listed.insert(Arc::clone(name))).is_some()
    }

    /// Begins a new list: what it does not show is gone.
    pub fn begin_list(&mut self) {
        self.listed = Some(BTreeSet::new());
    }

    /// Ends a list, and answers which sets are gone.
    pub fn finish_list(&mut self) -> Vec<Arc<str>> {
        let listed = self.listed.take().unwrap_or_default();
        self.sets.keys().filter(|name| !listed.contains(*name)).cloned().collect()
    }

    /// Forgets a set.
    pub fn remove(&mut self, name: &str) {
        self.sets.remove(name);
    }

    /// Returns what is remembered of a set.
    pub fn get(&self, name: &str) -> Option<&SetRecord> {
        self.sets.get(name)
    }

    /// Notes that the status was written, and the API server's answer.
    pub fn wrote_status(&mut self, set: &SidecarSet, now: Monotonic) {
        let known = set.metadata.name.as_deref().and_then(|name| self.sets.get_mut(name));
        let Some(known) = known.filter(|known| known.metadata.uid == set.metadata.uid) else { return };
        known.failures = 0;
        known.status_due = Some(now + STATUS_PACE);
        if !is_older(&set.metadata, &known.metadata) {
            // Not the rest of the metadata: what somebody else changed in it is news that the watch will bring.
            known.metadata.resource_version.clone_from(&set.metadata.resource_version);
            known.status.clone_from(&set.status);
        }
    }

    /// Takes note of a status, whether it is written or not.
    pub fn note_status(&mut self, name: &str, status: &SidecarSetStatus) {
        if let Some(known) = self.sets.get_mut(name) {
            known.narrator.note(status);
        }
    }

    /// Returns what is to be told of a status that was written.
    pub fn tell(&mut self, name: &Arc<str>, before: Option<&SidecarSetStatus>, after: &SidecarSetStatus) -> Vec<Event> {
        let Some(known) = self.sets.get_mut(name) else { return Vec::new() };
        let uid = known.metadata.uid.as_deref().map(Arc::from);
        known.narrator.tell(&Subject::Set { name: Arc::clone(name), uid }, before, after)
    }

    /// Notes that the status could not be written, and answers when it may be tried again.
    pub fn failed_status(&mut self, name: &str, now: Monotonic) -> Option<Monotonic> {
        let known = self.sets.get_mut(name)?;
        known.failures = known.failures.saturating_add(1);
        known.status_due = Some(now + backoff::delay(known.failures).max(STATUS_PACE));
        known.status_due
    }

    /// Notes whether the revisions were written, and answers when that may be tried again.
    pub fn wrote_revisions(&mut self, name: &str, is_done: bool, now: Monotonic) -> Option<Monotonic> {
        let known = self.sets.get_mut(name)?;
        known.revision_failures = if is_done { 0 } else { known.revision_failures.saturating_add(1) };
        known.revisions_due = (!is_done).then(|| now + backoff::delay(known.revision_failures));
        known.revisions_due
    }

    /// Notes that the set was changed while the status was written, and answers when it may be tried again.
    pub fn missed_status(&mut self, name: &str, now: Monotonic) -> Option<Monotonic> {
        let known = self.sets.get_mut(name)?;
        known.status_due = Some(now + STATUS_PACE);
        known.status_due
    }
}

impl SetRecord {
    fn of(set: &SidecarSet) -> Self {
        let mut record = Self::default();
        record.update(set);
        record
    }

    fn news(&self, set: &SidecarSet) -> News {
        let (before, after) = (&self.metadata, &set.metadata);
        let is_same = before.generation == after.generation
            && before.labels == after.labels
            && before.annotations == after.annotations;
        if !is_same {
            News::Definition
        } else if self.status != set.status && !is_older(after, before) {
            News::Status
        } else {
            News::Nothing
        }
    }

    fn update(&mut self, set: &SidecarSet) {
        self.metadata = ObjectMeta { managed_fields: None, ..set.metadata.clone() };
        self.status.clone_from(&set.status);
    }
}

/// Says whether one version of an object is older than another. Where they are not numbers nobody can say.
fn is_older(one: &ObjectMeta, other: &ObjectMeta) -> bool {
    let version = |metadata: &ObjectMeta| metadata.resource_version.as_deref()?.parse::<u64>().ok();
    version(one).zip(version(other)).is_some_and(|(one, other)| one < other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn set(version: u64, change: impl FnOnce(&mut Value)) -> SidecarSet {
        let mut set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
            "metadata": {"name": "log-sc", "uid": "u1", "generation": 1, "resourceVersion": version.to_string()},
            "spec": {},
        });
        change(&mut set);
        serde_json::from_value(set).unwrap()
    }

    fn counting(matched: i32) -> impl FnOnce(&mut Value) {
        move |set| set["status"] = json!({"matchedPods": matched, "updatedPods": 0, "readyPods": 0})
    }

    fn matched(sets: &Sets) -> Option<i32> {
        sets.get("log-sc")?.status.as_ref().map(|status| status.matched_pods)
    }

    #[test]
    fn a_change_of_an_annotation_is_news() {
        let mut sets = Sets::default();

        assert_eq!(sets.observe(&set(1, |_| ())), News::Definition);
        assert_eq!(sets.observe(&set(2, |_| ())), News::Nothing);
        assert_eq!(sets.observe(&set(3, |set| set["metadata"]["annotations"] = json!({"a": "b"}))), News::Definition);
    }

    #[test]
    fn a_set_that_was_created_anew_is_news() {
        let mut sets = Sets::default();
        sets.observe(&set(1, counting(5)));

        assert_eq!(sets.observe(&set(2, |set| set["metadata"]["uid"] = "u2".into())), News::Definition);
        assert_eq!(matched(&sets), None);
    }

    #[test]
    fn our_own_status_is_no_news_and_that_of_others_is() {
        let now = Monotonic::START;
        let mut sets = Sets::default();
        sets.observe(&set(1, |_| ()));

        sets.wrote_status(&set(3, counting(5)), now);

        assert_eq!(sets.observe(&set(2, |_| ())), News::Nothing);
        assert_eq!(sets.observe(&set(3, counting(5))), News::Nothing);
        assert_eq!(matched(&sets), Some(5));
        assert_eq!(sets.observe(&set(4, counting(6))), News::Status);
        assert_eq!(matched(&sets), Some(6));
    }

    #[test]
    fn a_change_between_our_writes_is_still_news() {
        let mut sets = Sets::default();
        sets.observe(&set(1, |_| ()));
        sets.wrote_status(&set(3, |set| set["metadata"]["generation"] = 2.into()), Monotonic::START);

        assert_eq!(sets.observe(&set(2, |set| set["metadata"]["generation"] = 2.into())), News::Definition);
        assert_eq!(sets.get("log-sc").unwrap().metadata.resource_version.as_deref(), Some("3"));
    }

    #[test]
    fn what_a_list_does_not_show_is_gone() {
        let mut sets = Sets::default();
        sets.observe(&set(1, |_| ()));

        sets.begin_list();

        assert_eq!(sets.finish_list(), [Arc::from("log-sc")]);
    }

    #[test]
    fn revisions_are_written_at_once_until_that_fails() {
        let now = Monotonic::START;
        let mut sets = Sets::default();
        sets.observe(&set(1, |_| ()));

        let waits: Vec<_> = (0..3).filter_map(|_| sets.wrote_revisions("log-sc", false, now)).collect();

        assert_eq!(waits, [100, 200, 400].map(|wait| now + Duration::from_millis(wait)));
        assert_eq!(sets.wrote_revisions("log-sc", true, now), None);
        assert_eq!(sets.wrote_revisions("log-sc", false, now), Some(now + Duration::from_millis(100)));
    }

    #[test]
    fn the_status_is_written_once_a_second_and_less_often_while_that_fails() {
        let now = Monotonic::START;
        let mut sets = Sets::default();
        sets.observe(&set(1, |_| ()));
        sets.wrote_status(&set(2, |_| ()), now);

        assert_eq!(sets.get("log-sc").unwrap().status_due, Some(now + Duration::from_secs(1)));
        let waits: Vec<_> = (0..12).filter_map(|_| sets.failed_status("log-sc", now)).map(|due| due - now).collect();
        assert_eq!(waits[..5], [1000, 1000, 1000, 1000, 1600].map(Duration::from_millis));
        assert_eq!(waits[11], Duration::from_secs(60));
    }
}
