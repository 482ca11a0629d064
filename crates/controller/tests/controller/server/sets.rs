//! What the API server does with writes of a SidecarSet's status.

use super::{Fault, Kind, Reply, State, answer, answer_text, busy, failure};
use serde_json::Value;
use std::collections::VecDeque;

impl State {
    pub(super) fn patch_set_status(&mut self, name: &str, patch: &Value) -> Option<Reply> {
        match self.faults.get_mut(name).and_then(VecDeque::pop_front) {
            Some(Fault::Code(code)) => return Some(failure(code)),
            Some(Fault::Busy(seconds)) => return Some(busy(seconds)),
            Some(Fault::Silence | Fault::Undone | Fault::Panic) => return None,
            None => {}
        }
        let is_text = |(_, text): &&(Kind, String)| text.contains(&format!("\"name\":\"{name}\""));
        if let Some((_, text)) = self.texts.iter().find(is_text) {
            return Some(answer_text(200, text.clone()));
        }
        let Some(mut set) = self.objects[Kind::Sets as usize].get(name).cloned() else { return Some(failure(404)) };
        if set["metadata"]["resourceVersion"] != patch["metadata"]["resourceVersion"] {
            return Some(failure(409));
        }
        for (member, value) in patch["status"].as_object().unwrap() {
            if value.is_null() {
                set["status"].as_object_mut().unwrap().remove(member);
            } else {
                set["status"][member] = value.clone();
            }
        }
        self.put(Kind::Sets, set);
        Some(answer(200, &self.objects[Kind::Sets as usize][name]))
    }
}
