//! What the operator writes about the set: its revisions and its status.

use super::{Event, World};
use crate::simulation::release::SET;
use serde_json::Value;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::catalog::Entry;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::reconcile::{Poll, RecordWrite, StatusAnswer, StatusWrite, Surroundings, WriteHold};
use std::sync::Arc;

impl World {
    /// Returns the set as the operator knows it.
    pub(super) fn known_set(&self) -> Option<Arc<CanonicalSet>> {
        match self.catalog.set(SET)? {
            Entry::Valid(set) => Some(Arc::clone(set)),
            Entry::Invalid(_) => None,
        }
    }

    pub(super) fn record(&mut self) {
        let now = self.time();
        let surroundings = Surroundings { catalog: &self.catalog, in_force: &self.in_force, now };
        match self.operator.poll_record(&SET.into(), surroundings) {
            Poll::Write(write) => {
                let latency = self.chance.millis(1, 80);
                self.plan_in(latency, Event::Recorded(Box::new(write)));
            }
            Poll::Wait(_) => {}
            Poll::Over => {
                self.over.records = true;
                self.finish_if_done();
            }
        }
        self.drop_outputs();
    }

    /// The API server has carried out a write about the set.
    pub(super) fn recorded(&mut self, write: &RecordWrite) {
        let now = self.time();
        match write {
            RecordWrite::Revision(set, change) => {
                let answer = self.api.write_revision(set, change, now.wall);
                self.say(|| format!("the API server writes a revision: {answer:?}"));
                self.operator.answer_revision(now.monotonic, (set, change), answer, &mut self.catalog);
            }
            RecordWrite::Status(write) => self.write_status(write),
        }
        self.record();
    }

    fn write_status(&mut self, write: &StatusWrite) {
        let now = self.instant();
        let is_current =
            write.patch["metadata"]["resourceVersion"].as_str() == self.object.metadata.resource_version.as_deref();
        let answer = if is_current {
            self.object = merged(&self.object, &write.patch);
            self.object.metadata.resource_version = Some(self.api.next_version().to_string());
            self.plan_in(self.lag, Event::ShowSet);
            StatusAnswer::Written(&self.object)
        } else {
            StatusAnswer::Held(WriteHold::Conflict)
        };
        self.operator.answer_status(now, write, &answer, &mut self.catalog);
    }
}

fn merged(set: &SidecarSet, patch: &Value) -> SidecarSet {
    let mut set = serde_json::to_value(set).unwrap();
    json_patch::merge(&mut set["status"], &patch["status"]);
    serde_json::from_value(set).unwrap()
}
