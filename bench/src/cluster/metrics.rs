//! What the API server counts.

use super::account::Account;
use kube::Client;
use serde::{Deserialize, Serialize};
use std::ops::Sub;

/// What was asked of the API server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// All of one user.
    pub all: u64,
    /// Patches of Pods, of whomever: nobody else patches any.
    pub pods: u64,
    /// Patches of the status of Pods: conditions.
    pub pod_conditions: u64,
    /// Patches of the status of SidecarSets.
    pub set_statuses: u64,
    /// ControllerRevisions that were written.
    pub revisions: u64,
    /// Events that were written.
    pub events: u64,
    /// Writes that did not succeed.
    pub refused: u64,
}

impl Requests {
    /// Asks for the counters.
    pub(crate) async fn count(admin: &Client, account: Account) -> anyhow::Result<Self> {
        let text = admin.request_text(http::Request::get("/metrics").body(Vec::new())?).await?;
        Ok(Self::read(&text, account.0))
    }

    fn read(text: &str, account: &str) -> Self {
        let mut requests = Self::default();
        for line in text.lines() {
            if let Some(line) = line.strip_prefix("apiserver_flowcontrol_dispatched_requests_total{") {
                if label(line, "flow_schema") == account {
                    requests.all += value(line);
                }
            } else if let Some(line) = line.strip_prefix("apiserver_request_total{") {
                requests.note(line);
            }
        }
        requests
    }

    fn note(&mut self, line: &str) {
        let count = value(line);
        let counter = match (label(line, "verb"), label(line, "resource"), label(line, "subresource")) {
            ("PATCH", "pods", "") => &mut self.pods,
            ("PATCH", "pods", "status") => &mut self.pod_conditions,
            ("PATCH" | "APPLY", "sidecarsets", "status") => &mut self.set_statuses,
            ("POST" | "PUT" | "PATCH" | "APPLY", "controllerrevisions", _) => &mut self.revisions,
            ("POST" | "PATCH", "events", _) => &mut self.events,
            _ => return,
        };
        *counter += count;
        if !label(line, "code").starts_with('2') {
            self.refused += count;
        }
    }
}

impl Sub for Requests {
    type Output = Self;

    // An API server that was restarted begins at 0.
    fn sub(self, earlier: Self) -> Self {
        Self {
            all: self.all.saturating_sub(earlier.all),
            pods: self.pods.saturating_sub(earlier.pods),
            pod_conditions: self.pod_conditions.saturating_sub(earlier.pod_conditions),
            set_statuses: self.set_statuses.saturating_sub(earlier.set_statuses),
            revisions: self.revisions.saturating_sub(earlier.revisions),
            events: self.events.saturating_sub(earlier.events),
            refused: self.refused.saturating_sub(earlier.refused),
        }
    }
}

/// Returns the value of a label, or nothing. None of those that are asked for has a quotation mark in it.
fn label<'a>(line: &'a str, name: &str) -> &'a str {
    let mut labels = line.split(['{', ',', '}']).filter_map(|label| label.split_once("=\""));
    labels.find(|(key, _)| *key == name).map_or("", |(_, value)| value.trim_end_matches('"'))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count is written as a floating-point number"
)]
fn value(line: &str) -> u64 {
    line.rsplit(' ').next().and_then(|number| number.parse::<f64>().ok()).unwrap_or_default() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
# TYPE apiserver_request_total counter
apiserver_flowcontrol_dispatched_requests_total{flow_schema="bench-operator",priority_level="exempt"} 1.0432e+04
apiserver_flowcontrol_dispatched_requests_total{flow_schema="probes",priority_level="exempt"} 7
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="PATCH",version="v1"} 10000
apiserver_request_total{code="409",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="PATCH",version="v1"} 3
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="status",verb="PUT",version="v1"} 9
apiserver_request_total{code="200",component="apiserver",dry_run="",group="apps.kruise.io",resource="sidecarsets",scope="resource",subresource="status",verb="PATCH",version="v1beta1"} 4
"#;

    #[test]
    fn the_requests_of_a_user_are_those_of_its_flow_schema() {
        assert_eq!(Requests::read(TEXT, "bench-operator").all, 10_432);
    }

    #[test]
    fn patches_are_counted_by_what_they_change_and_those_that_failed_too() {
        let requests = Requests::read(TEXT, "bench-operator");

        assert_eq!(
            (requests.pods, requests.pod_conditions, requests.set_statuses, requests.refused),
            (10_003, 0, 4, 3)
        );
    }
}
