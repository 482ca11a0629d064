use super::*;
use crate::annotations::Seconds;
use crate::normalize::normalize;
use crate::reconcile::test_pod::PodLite;
use crate::record::Interner;
use crate::record::Readiness;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

fn set_with_image(image: &str) -> CanonicalSet {
    let set = json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "log-sc"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "containers": [{"name": "agent", "image": image}],
        },
    });
    normalize(&serde_json::from_value(set).unwrap()).unwrap()
}

fn set() -> CanonicalSet {
    set_with_image("agent:2")
}

fn pod(version: u64) -> Arc<PodRecord> {
    let pod = json!({
        "metadata": {
            "name": "web-0", "namespace": "shop", "uid": "u1", "resourceVersion": version.to_string(),
            "annotations": {"kruise.io/sidecarset-injected-list": "log-sc"},
        },
        "spec": {"containers": [{"name": "agent", "image": "agent:1"}]},
    });
    let pod: PodLite = serde_json::from_value(pod).unwrap();
    Arc::new(PodRecord::read(pod.observed(), &mut Interner::default()).unwrap())
}

fn failed(hold: WriteHold, now: Monotonic) -> InFlightWrites {
    let mut attempts = InFlightWrites::default();
    attempts.fail(&set(), &pod(1), hold, now);
    attempts
}

fn at(monotonic: Monotonic) -> Now {
    Now { wall: Seconds::EPOCH, monotonic }
}

fn assume(attempts: &mut InFlightWrites, pod: &Arc<PodRecord>, now: Monotonic) -> Vec<Arc<PodRecord>> {
    let matched = std::slice::from_ref(pod);
    attempts.of(&set(), matched, now).assume(&set(), matched, at(now))
}

fn is_free(attempts: &mut InFlightWrites, pod: &Arc<PodRecord>, now: Monotonic) -> bool {
    assume(attempts, pod, now).first().is_some_and(|assumed| Arc::ptr_eq(assumed, pod))
}

#[test]
fn a_refused_pod_is_left_out_until_its_time() {
    let now = Monotonic::START;
    let mut attempts = failed(WriteHold::Refused, now);

    assert_eq!(assume(&mut attempts, &pod(1), now), []);
    assert_eq!(attempts.next("log-sc", now), Some(now + SECOND / 10));
    assert!(is_free(&mut attempts, &pod(1), now + SECOND / 10));
    assert_eq!(attempts.next("log-sc", now + SECOND / 10), None);
}

#[test]
fn each_failure_makes_the_wait_longer() {
    let now = Monotonic::START;
    let mut attempts = failed(WriteHold::Refused, now);

    attempts.fail(&set(), &pod(1), WriteHold::Failed, now);
    attempts.fail(&set(), &pod(2), WriteHold::Refused, now);

    assert_eq!(attempts.next("log-sc", now), Some(now + SECOND * 4 / 10));
}

#[test]
fn the_time_that_the_api_server_asks_for_is_kept() {
    let now = Monotonic::START;

    let attempts = failed(WriteHold::Throttled { retry_after: SECOND * 7 }, now);

    assert_eq!(attempts.next("log-sc", now), Some(now + SECOND * 7));
}

#[test]
fn a_conflict_is_over_when_another_version_shows() {
    let now = Monotonic::START;
    let mut attempts = failed(WriteHold::Conflict, now);

    assert!(!is_free(&mut attempts, &pod(1), now));
    assert!(is_free(&mut attempts, &pod(2), now));
}

#[test]
fn an_unanswered_upgrade_counts_as_done_and_not_ready() {
    let now = Monotonic::START;

    let assumed = assume(&mut failed(WriteHold::Unanswered, now), &pod(1), now + SECOND);

    assert!(rollout::is_updated(&set(), &assumed[0]));
    assert!(!assumed[0].is_ready());
}

#[test]
fn an_unanswered_resize_spends_the_budget() {
    let now = Monotonic::START;
    let set = json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "log-sc"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "containers": [{"name": "agent", "image": "agent:1", "resources": {"requests": {"cpu": "200m"}}}],
            "updateStrategy": {"resources": "InPlace"},
        },
    });
    let set = normalize(&serde_json::from_value(set).unwrap()).unwrap();
    let pod = json!({
        "metadata": {
            "name": "web-0", "namespace": "shop", "uid": "u1", "resourceVersion": "1",
            "annotations": {"kruise.io/sidecarset-injected-list": "log-sc"},
        },
        "spec": {"containers": [{"name": "agent", "image": "agent:1", "resources": {"requests": {"cpu": "100m"}}}]},
    });
    let pod: PodLite = serde_json::from_value(pod).unwrap();
    let pod = Arc::new(PodRecord::read(pod.observed(), &mut Interner::default()).unwrap());
    let mut attempts = InFlightWrites::default();
    attempts.fail(&set, &pod, WriteHold::Unanswered, now);

    let matched = std::slice::from_ref(&pod);
    let assumed = attempts.of(&set, matched, now).assume(&set, matched, at(now));

    assert!(rollout::counts_as_unavailable(&set, &assumed[0], Seconds::EPOCH));
}

#[test]
fn a_doubt_ends_with_the_next_version_of_the_pod() {
    let now = Monotonic::START;
    let mut attempts = failed(WriteHold::Unanswered, now);

    assert!(!is_free(&mut attempts, &pod(1), now + SECOND));
    assert!(is_free(&mut attempts, &pod(2), now + SECOND));
}

#[test]
fn a_doubt_ends_with_time_and_does_not_begin_anew() {
    let now = Monotonic::START;
    let mut attempts = failed(WriteHold::Unanswered, now);
    let later = now + SECOND * 30;

    assert!(is_free(&mut attempts, &pod(1), later));
    attempts.fail(&set(), &pod(1), WriteHold::Unanswered, later);

    assert_eq!(assume(&mut attempts, &pod(1), later), []);
}

#[test]
fn a_pod_that_is_gone_leaves_nothing_waiting() {
    let now = Monotonic::START;
    let mut attempts = failed(WriteHold::Refused, now);

    assert!(attempts.of(&set(), &[], now).is_empty());
    assert_eq!(attempts.next("log-sc", now), None);
}

#[test]
fn a_pod_that_is_upgraded_leaves_nothing_waiting() {
    let now = Monotonic::START;
    let mut attempts = failed(WriteHold::Conflict, now);

    assert!(attempts.of(&set(), &[Arc::new(rollout::assume_upgraded(&set(), &pod(2)))], now).is_empty());
}

#[test]
fn another_definition_is_tried_at_once() {
    let now = Monotonic::START;
    let mut attempts = failed(WriteHold::Refused, now);

    assert!(attempts.of(&set_with_image("agent:3"), &[pod(1)], now).is_empty());
}

#[test]
fn a_doubt_outlives_the_definition_that_it_is_about() {
    let now = Monotonic::START;
    // Back to what the Pod shows, or on to another image.
    let back = (set_with_image("agent:1"), Arc::new(rollout::assume_upgraded(&set_with_image("agent:1"), &pod(1))));
    let on = (set_with_image("agent:3"), pod(1));

    for (set, pod) in [back, on] {
        let matched = [pod];
        let attempts = failed(WriteHold::Unanswered, now).of(&set, &matched, now + SECOND);
        let assumed = attempts.assume(&set, &matched, at(now + SECOND));

        assert!(
            rollout::counts_as_unavailable(&set, &assumed[0], Seconds::EPOCH)
                && !attempts.may_try(&matched[0], now + SECOND)
        );
        assert!(attempts.may_try(&matched[0], now + SECOND * 30));
    }
}

#[test]
fn an_upgrade_that_is_being_written_counts_as_done_until_it_is_known_what_became_of_it() {
    let now = Monotonic::START;
    let mut attempts = InFlightWrites::default();
    attempts.begin(&set(), &pod(1), now);

    let assumed = assume(&mut attempts, &pod(1), now);
    assert_eq!(assumed[0].readiness, Readiness::Unknown);
    assert!(rollout::is_updated(&set(), &assumed[0]));
    assert_eq!(attempts.of(&set(), &[pod(1)], now).reason(&pod(1)), Hold::InFlight);

    attempts.succeed("log-sc", &pod(1));
    assert!(is_free(&mut attempts, &pod(1), now));
}

#[test]
fn an_upgrade_that_is_being_written_takes_nothing_from_service_where_a_pod_did_not_serve() {
    let now = Monotonic::START;
    let carried = json!({"log-sc": {"hash": &*set().hashes.without_image, "sidecarSetName": "log-sc"}}).to_string();
    let pod = json!({
        "metadata": {
            "name": "web-0", "namespace": "shop", "uid": "u1", "resourceVersion": "1",
            "annotations": {
                "kruise.io/sidecarset-injected-list": "log-sc", "kruise.io/sidecarset-hash-without-image": carried,
            },
        },
        "spec": {"containers": [{"name": "agent", "image": "agent:1"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:05Z"}],
        },
    });
    let counts = |pod: &Value| {
        let read: PodLite = serde_json::from_value(pod.clone()).unwrap();
        let pod = Arc::new(PodRecord::read(read.observed(), &mut Interner::default()).unwrap());
        let mut attempts = InFlightWrites::default();
        attempts.begin(&set(), &pod, now);
        rollout::counts_as_unavailable(&set(), &assume(&mut attempts, &pod, now)[0], Seconds::EPOCH)
    };
    let mut ready = pod.clone();
    ready["status"]["conditions"][0]["status"] = "True".into();

    assert!(!counts(&pod));
    assert!(counts(&ready));
}

#[test]
fn an_upgrade_that_is_known_to_have_failed_is_no_longer_being_written() {
    let now = Monotonic::START;
    let mut attempts = InFlightWrites::default();
    attempts.begin(&set(), &pod(1), now);

    attempts.fail(&set(), &pod(1), WriteHold::Refused, now);

    assert_eq!(assume(&mut attempts, &pod(1), now), []);
    assert!(is_free(&mut attempts, &pod(1), now + SECOND));
}

#[test]
fn an_upgrade_whose_end_nobody_tells_is_looked_at_again() {
    let now = Monotonic::START;
    let mut attempts = InFlightWrites::default();
    attempts.begin(&set(), &pod(1), now);

    assert_eq!(attempts.next("log-sc", now), Some(now + DOUBT));
    assert!(is_free(&mut attempts, &pod(1), now + DOUBT));
}

#[test]
fn an_upgrade_that_is_being_written_counts_as_done_also_after_the_set_has_changed() {
    let now = Monotonic::START;
    let mut attempts = InFlightWrites::default();
    attempts.begin(&set(), &pod(1), now);

    let changed = set_with_image("agent:3");
    let assumed = attempts.of(&changed, &[pod(1)], now).assume(&changed, &[pod(1)], at(now));

    assert_eq!(assumed[0].readiness, Readiness::Unknown);
}

#[test]
fn what_may_be_written_counts_for_a_set_that_comes_after_the_deleted_one() {
    let now = Monotonic::START;
    let mut attempts = InFlightWrites::default();
    attempts.begin(&set(), &pod(1), now);

    attempts.forget("log-sc", now);

    assert!(!is_free(&mut attempts, &pod(1), now));
    assert!(is_free(&mut attempts, &pod(2), now));
    assert!(is_free(&mut attempts, &pod(1), now + DOUBT));
}

#[test]
fn what_was_refused_says_nothing_about_a_set_that_comes_after() {
    let now = Monotonic::START;
    let mut attempts = failed(WriteHold::Refused, now);

    attempts.forget("log-sc", now);

    assert!(is_free(&mut attempts, &pod(1), now));
}

#[test]
fn nothing_is_left_over_for_ever() {
    let now = Monotonic::START;
    let mut attempts = InFlightWrites::default();
    attempts.begin(&set(), &pod(1), now);
    attempts.forget("log-sc", now);

    attempts.forget("another", now + DOUBT);

    assert!(attempts.sets.is_empty());
}
