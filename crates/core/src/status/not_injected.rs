//! Pods that a set selects and was not injected into.

use super::on_the_wire;
use sidecarset_api::v1beta1::SidecarSetStatus;

/// Adds how many active Pods the set selects that were created without its sidecars. Where that is not known yet, the number
/// that was last known stays.
///
/// `Ready` stays what it is: nothing that the operator does, and no waiting, gives these Pods their sidecars. But its message
/// says that there are some.
#[must_use]
pub fn with_not_injected(mut status: SidecarSetStatus, pods: Option<usize>) -> SidecarSetStatus {
    let pods = pods.map_or(status.not_injected_pods, on_the_wire);
    status.not_injected_pods = pods;
    if pods > 0
        && let Some(ready) = status.conditions.iter_mut().find(|condition| condition.type_ == "Ready")
    {
        let are = if pods == 1 { "is selected and was" } else { "are selected and were" };
        ready.message.push_str(&format!("; {pods} more {are} created without the sidecars"));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ready() -> SidecarSetStatus {
        serde_json::from_value(json!({
            "matchedPods": 2, "updatedPods": 2, "readyPods": 2, "notInjectedPods": 5,
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "AllPodsReady", "message": "2 of 2 pods are updated and ready",
                "lastTransitionTime": "2026-01-02T03:04:05Z",
            }],
        }))
        .unwrap()
    }

    #[test]
    fn pods_without_the_sidecars_are_counted_beside_the_condition() {
        let status = with_not_injected(ready(), Some(3));

        assert_eq!(status.not_injected_pods, 3);
        assert_eq!(status.conditions[0].status, "True");
        let message = "2 of 2 pods are updated and ready; 3 more are selected and were created without the sidecars";
        assert_eq!(status.conditions[0].message, message);
    }

    #[test]
    fn where_there_are_none_nothing_is_said() {
        let status = with_not_injected(ready(), Some(0));

        assert_eq!(status.not_injected_pods, 0);
        assert_eq!(status.conditions[0].message, "2 of 2 pods are updated and ready");
    }

    #[test]
    fn the_last_number_stays_until_the_pods_are_counted() {
        assert_eq!(with_not_injected(ready(), None).not_injected_pods, 5);
    }
}
