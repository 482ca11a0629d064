//! The merge patch between two statuses.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;

/// Returns what has to change. The patch is for the very version of the object that was compared with, so that it
/// never takes away what somebody else wrote since.
pub fn patch(known: &ObjectMeta, before: Option<&SidecarSetStatus>, after: &SidecarSetStatus) -> Value {
    let (before, after) = (before.map(members).unwrap_or_default(), members(after));
    // A merge patch keeps a member that it does not name, and a count of 0 is not on the wire.
    let removed =
        before.keys().filter(|member| !after.contains_key(*member)).map(|member| (member.clone(), Value::Null));
    let changed = after.iter().filter(|(member, value)| before.get(*member) != Some(*value));
    let changed = changed.map(|(member, value)| (member.clone(), value.clone()));
    let status: Map<String, Value> = removed.chain(changed).collect();
    json!({"metadata": {"uid": known.uid, "resourceVersion": known.resource_version}, "status": status})
}

fn members(status: &SidecarSetStatus) -> Map<String, Value> {
    match serde_json::to_value(status) {
        Ok(Value::Object(members)) => members,
        written => unreachable!("a status is written as an object, not as {written:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> ObjectMeta {
        ObjectMeta { uid: Some("u1".into()), resource_version: Some("7".into()), ..ObjectMeta::default() }
    }

    #[test]
    fn only_what_differs_is_written() {
        let before = SidecarSetStatus { matched_pods: 3, updated_pods: 1, ..SidecarSetStatus::default() };
        let after = SidecarSetStatus { updated_pods: 2, ..before.clone() };

        let patch = patch(&known(), Some(&before), &after);

        assert_eq!(patch, json!({"metadata": {"uid": "u1", "resourceVersion": "7"}, "status": {"updatedPods": 2}}));
    }

    #[test]
    fn a_count_that_falls_to_zero_is_removed() {
        let before = SidecarSetStatus { updated_ready_pods: 3, ..SidecarSetStatus::default() };

        let patch = patch(&known(), Some(&before), &SidecarSetStatus::default());

        assert_eq!(patch["status"], json!({"updatedReadyPods": null}));
    }

    #[test]
    fn a_first_status_is_written_whole() {
        let patch = patch(&known(), None, &SidecarSetStatus::default());

        assert_eq!(patch["status"], json!({"matchedPods": 0, "updatedPods": 0, "readyPods": 0}));
    }
}
