//! What the API server does with writes of ControllerRevisions.

use super::{Fault, Kind, Reply, State, answer, failure};
use http::Method;
use serde_json::Value;
use std::collections::VecDeque;

impl State {
    /// Writes a revision, and answers unless nobody is to be told.
    pub(super) fn write_revision(&mut self, method: &Method, name: Option<&str>, body: Value) -> Option<Reply> {
        let name = name.or(body["metadata"]["name"].as_str()).unwrap().to_owned();
        let fault = self.faults.get_mut(&name).and_then(VecDeque::pop_front);
        if let Some(Fault::Code(code)) = fault {
            return Some(failure(code));
        }
        let known = self.objects[Kind::Revisions as usize].get(&name).cloned();
        let reply = match (method, known) {
            (&Method::POST, None) => self.store(&name, body),
            (&Method::POST, Some(_)) => failure(409),
            (_, None) => failure(404),
            (&Method::PATCH, Some(known)) => match is_version(&known, &body["metadata"]["resourceVersion"]) {
                true => self.store(&name, merged(known, &body)),
                false => failure(409),
            },
            (_, Some(known)) => match is_version(&known, &body["preconditions"]["resourceVersion"]) {
                true => {
                    self.remove(Kind::Revisions, &name);
                    answer(200, &known)
                }
                false => failure(409),
            },
        };
        (!matches!(fault, Some(Fault::Silence))).then_some(reply)
    }

    fn store(&mut self, name: &str, object: Value) -> Reply {
        self.put(Kind::Revisions, object);
        answer(200, &self.objects[Kind::Revisions as usize][name])
    }
}

fn is_version(known: &Value, asked: &Value) -> bool {
    known["metadata"]["resourceVersion"] == *asked
}

fn merged(mut object: Value, patch: &Value) -> Value {
    if let Some(number) = patch.get("revision") {
        object["revision"] = number.clone();
    }
    for (key, value) in patch["metadata"]["labels"].as_object().into_iter().flatten() {
        object["metadata"]["labels"][key] = value.clone();
    }
    object
}
