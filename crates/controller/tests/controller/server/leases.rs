//! What the API server does with the Lease.

use super::{Fault, Reply, State, answer, failure};
use http::Method;
use serde_json::{Value, json};
use std::collections::VecDeque;
use tokio::time::Instant;

impl State {
    pub(super) fn answer_lease(&mut self, method: &Method, body: Value) -> Reply {
        self.lease_requests.push((method.clone(), Instant::now()));
        if let Some(Fault::Code(code)) = self.faults.get_mut("lease").and_then(VecDeque::pop_front) {
            return failure(code);
        }
        match (method, &self.lease) {
            (&Method::GET, Some(lease)) => answer(200, lease),
            (&Method::GET | &Method::PUT, None) => answer(
                404,
                &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound"}),
            ),
            (&Method::POST, None) => self.put_lease(body),
            (&Method::PUT, Some(lease))
                if lease["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"] =>
            {
                self.put_lease(body)
            }
            (&Method::POST | &Method::PUT, Some(_)) => failure(409),
            _ => panic!("nobody may {method} a lease"),
        }
    }

    /// Stores the Lease as a new version.
    pub fn put_lease(&mut self, mut lease: Value) -> Reply {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = self.version.to_string().into();
        let reply = answer(200, &lease);
        self.lease = Some(lease);
        reply
    }
}
