use super::*;
use crate::reconcile::test_pod::PodLite;
use serde_json::{Value, json};

fn pod(name: &str, version: u64) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("uid-of-{name}"), "resourceVersion": version.to_string(),
            "annotations": {"kruise.io/sidecarset-injected-list": "log-sc"},
        },
        "spec": {"containers": [{"name": "agent", "image": "agent:1"}]},
    })
}

fn pod_with_image(name: &str, version: u64, image: &str) -> Value {
    let mut pod = pod(name, version);
    pod["spec"]["containers"][0]["image"] = image.into();
    pod
}

fn lite(pod: Value) -> PodLite {
    serde_json::from_value(pod).unwrap()
}

/// An index that knows of three sets.
fn index() -> PodIndex {
    let mut index = PodIndex::default();
    for set in ["log-sc", "mesh", "other"] {
        index.add_set(set);
    }
    index
}

fn index_of(pods: impl IntoIterator<Item = Value>, now: Monotonic) -> PodIndex {
    let mut index = index();
    index.begin_list();
    for pod in pods {
        index.observe(lite(pod).observed(), now);
    }
    index.finish_list();
    index
}

fn names(index: &PodIndex, set: &str) -> Vec<String> {
    index.members(set).iter().map(|pod| pod.key.name().to_owned()).collect()
}

fn image(index: &PodIndex) -> String {
    index.members("log-sc")[0].containers[0].spec.image.to_string()
}

fn touched(sets: &[&str]) -> Touched {
    sets.iter().map(|set| Arc::from(*set)).collect()
}

#[test]
fn a_pod_is_found_by_the_sets_in_it_and_by_no_other() {
    let index = index_of([pod("b", 1), pod("a", 2)], Monotonic::START);

    assert_eq!(names(&index, "log-sc"), ["a", "b"]);
    assert_eq!(names(&index, "mesh"), [""; 0]);
}

fn with_sets(name: &str, list: &str, told: &str) -> PodLite {
    let mut pod = pod(name, 1);
    pod["metadata"]["annotations"]["kruise.io/sidecarset-injected-list"] = list.into();
    pod["status"]["conditions"] = json!([{"type": "SidecarSetUpgradable", "status": "True", "message": told}]);
    lite(pod)
}

#[test]
fn names_of_sets_that_there_are_not_lead_to_nothing_but_those_in_a_condition() {
    let mut index = index();

    assert_eq!(index.observe(with_sets("a", "x,log-sc,y", "{}").observed(), Monotonic::START), touched(&["log-sc"]));
    assert_eq!(index.observe(with_sets("b", "x,y", "{\"z\":true}").observed(), Monotonic::START), touched(&["z"]));
    assert_eq!([names(&index, "x"), names(&index, "y")], [[""; 0]; 2]);
    assert_eq!([names(&index, "z"), names(&index, "log-sc")], [["b"], ["a"]]);
    assert_eq!(index.delete(with_sets("b", "x,y", "").observed()), touched(&["z"]));
}

#[test]
fn a_set_that_comes_has_the_pods_that_carry_it_already() {
    let mut index = index();
    for (name, list) in [("a", "late,log-sc"), ("b", "late"), ("c", "later"), ("d", "log-sc")] {
        index.observe(with_sets(name, list, "{}").observed(), Monotonic::START);
    }

    assert_eq!(index.add_set("late"), touched(&["late"]));
    assert_eq!(names(&index, "late"), ["a", "b"]);
    assert_eq!(names(&index, "log-sc"), ["a", "d"]);
    assert_eq!(index.add_set("late"), touched(&[]));
    assert_eq!(index.add_set("last"), touched(&[]));
}

#[test]
fn a_set_that_goes_has_no_pods_but_those_whose_condition_speaks_of_it() {
    let mut index = index();
    for (name, told) in [("a", "{}"), ("b", "{\"log-sc\":true}")] {
        index.observe(with_sets(name, "log-sc", told).observed(), Monotonic::START);
    }

    index.remove_set("log-sc");

    assert_eq!(names(&index, "log-sc"), ["b"]);
    assert_eq!(index.observe(with_sets("c", "log-sc", "{}").observed(), Monotonic::START), touched(&[]));
    assert_eq!(index.add_set("log-sc"), touched(&["log-sc"]));
    assert_eq!(names(&index, "log-sc"), ["a", "b", "c"]);
}

#[test]
fn what_the_watch_showed_before_a_set_came_is_known_to_carry_it_when_it_counts_again() {
    let now = Monotonic::START;
    let mut index = index();
    index.observe(with_sets("a", "late,log-sc", "{}").observed(), now);
    index.wrote(lite(pod_with_image("a", 5, "agent:2")).observed(), now);
    let mut older = pod("a", 4);
    older["metadata"]["annotations"]["kruise.io/sidecarset-injected-list"] = "late,log-sc".into();
    index.observe(lite(older).observed(), now);

    index.add_set("late");
    index.expire(now + OWN_WRITE_DEADLINE);

    assert_eq!(names(&index, "late"), ["a"]);
}

#[test]
fn a_condition_that_speaks_of_more_sets_than_the_pod_has_containers_says_nothing() {
    let mut index = index();

    assert_eq!(index.observe(with_sets("a", "", "{\"y\":true,\"z\":true}").observed(), Monotonic::START), touched(&[]));
    assert_eq!(
        index.observe(with_sets("b", "log-sc", "{\"y\":true,\"z\":true}").observed(), Monotonic::START),
        touched(&["log-sc"])
    );
}

#[test]
fn it_tells_how_many_pods_it_knows_with_sidecars_and_without() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1), pod("b", 1), pod("c", 1)], now);
    let plain =
        |name: &str| lite(json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("uid-of-{name}")}}));
    index.place(plain("d").observed(), &[], 0);
    index.observe(lite(pod("a", 2)).observed(), now);

    index.observe(plain("b").observed(), now);
    index.place(plain("b").observed(), &[], 0);
    index.delete(lite(pod("c", 2)).observed());

    let known = index.known();
    assert_eq!((known.carriers, known.bystanders), (1, 2));
}

#[test]
fn a_pod_without_sidecars_is_not_remembered() {
    let mut index = PodIndex::default();
    let plain = json!({"metadata": {"name": "a", "namespace": "shop", "uid": "u", "resourceVersion": "1"}});

    assert_eq!(index.observe(lite(plain).observed(), Monotonic::START), touched(&[]));
    assert!(index.pods.is_empty());
}

#[test]
fn a_change_touches_the_sets_before_and_after_it() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    let mut moved = pod("a", 2);
    moved["metadata"]["annotations"]["kruise.io/sidecarset-injected-list"] = "mesh".into();

    assert_eq!(index.observe(lite(moved).observed(), now), touched(&["log-sc", "mesh"]));
    assert_eq!(names(&index, "log-sc"), [""; 0]);
    assert_eq!(names(&index, "mesh"), ["a"]);
}

#[test]
fn a_change_that_no_record_shows_touches_nothing() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);

    assert_eq!(index.observe(lite(pod("a", 2)).observed(), now), touched(&[]));
    assert_eq!(index.members("log-sc")[0].resource_version, "2".into());
}

#[test]
fn a_deleted_pod_is_forgotten_and_touches_its_sets() {
    let mut index = index_of([pod("a", 1)], Monotonic::START);

    assert_eq!(index.delete(lite(pod("a", 2)).observed()), touched(&["log-sc"]));
    assert_eq!(index.delete(lite(pod("a", 2)).observed()), touched(&[]));
    assert!(index.pods.is_empty() && index.members.is_empty());
}

#[test]
fn the_end_of_a_pod_leaves_the_next_one_of_its_name() {
    let mut index = index_of([pod("a", 5)], Monotonic::START);
    let mut earlier = pod("a", 3);
    earlier["metadata"]["uid"] = "of-the-pod-before".into();

    assert_eq!(index.delete(lite(earlier).observed()), touched(&[]));
    assert_eq!(names(&index, "log-sc"), ["a"]);
}

#[test]
fn a_pod_that_loses_its_sidecars_is_forgotten() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    let mut bare = pod("a", 2);
    bare["metadata"]["annotations"] = json!({});

    assert_eq!(index.observe(lite(bare).observed(), now), touched(&["log-sc"]));
    assert_eq!(names(&index, "log-sc"), [""; 0]);
}

#[test]
fn what_a_new_list_does_not_show_is_gone() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1), pod("b", 2)], now);

    index.begin_list();
    let seen_again = index.observe(lite(pod("b", 2)).observed(), now);

    assert_eq!(seen_again, touched(&[]));
    assert_eq!(index.finish_list(), touched(&["log-sc"]));
    assert_eq!(names(&index, "log-sc"), ["b"]);
}

#[test]
fn a_list_that_shows_the_same_version_again_leaves_the_record_as_it_is() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    let before = Arc::clone(&index.members("log-sc")[0]);

    index.begin_list();
    let touches = index.observe(lite(pod("a", 1)).observed(), now);
    index.finish_list();

    assert_eq!(touches, touched(&[]));
    assert!(Arc::ptr_eq(&before, &index.members("log-sc")[0]));
}

#[test]
fn the_next_pod_of_a_name_is_read_even_if_it_had_the_same_version() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    let mut next = pod_with_image("a", 1, "agent:2");
    next["metadata"]["uid"] = "of-the-next-pod".into();

    index.observe(lite(next).observed(), now);

    assert_eq!(image(&index), "agent:2");
}

#[test]
fn a_list_that_breaks_off_takes_nothing_away() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1), pod("b", 2)], now);

    index.begin_list();
    index.observe(lite(pod("b", 2)).observed(), now);
    index.begin_list();

    assert_eq!(names(&index, "log-sc"), ["a", "b"]);
}

#[test]
fn our_own_write_is_seen_at_once() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);

    assert_eq!(index.wrote(lite(pod_with_image("a", 2, "agent:2")).observed(), now), touched(&["log-sc"]));
    assert_eq!(image(&index), "agent:2");
}

#[test]
fn a_watch_that_lags_does_not_undo_our_own_write() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    index.wrote(lite(pod_with_image("a", 5, "agent:2")).observed(), now);

    assert_eq!(index.observe(lite(pod_with_image("a", 4, "agent:1")).observed(), now), touched(&[]));
    assert_eq!(image(&index), "agent:2");
    assert_eq!(index.observe(lite(pod_with_image("a", 6, "agent:3")).observed(), now), touched(&["log-sc"]));
    assert_eq!(image(&index), "agent:3");
}

#[test]
fn a_list_that_lags_keeps_the_pod_of_our_own_write() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    index.wrote(lite(pod_with_image("a", 5, "agent:2")).observed(), now);

    index.begin_list();
    index.observe(lite(pod("a", 1)).observed(), now);
    index.finish_list();

    assert_eq!(image(&index), "agent:2");
}

#[test]
fn versions_are_compared_as_numbers() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 9)], now);
    index.wrote(lite(pod_with_image("a", 10, "agent:2")).observed(), now);

    index.observe(lite(pod_with_image("a", 9, "agent:1")).observed(), now);

    assert_eq!(image(&index), "agent:2");
}

#[test]
fn a_version_that_is_no_number_is_believed() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    index.wrote(lite(pod_with_image("a", 5, "agent:2")).observed(), now);
    let mut odd = pod_with_image("a", 0, "agent:3");
    odd["metadata"]["resourceVersion"] = "abc".into();

    index.observe(lite(odd).observed(), now);

    assert_eq!(image(&index), "agent:3");
}

#[test]
fn the_answer_to_a_write_does_not_bring_a_deleted_pod_back() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    index.delete(lite(pod("a", 1)).observed());

    assert_eq!(index.wrote(lite(pod_with_image("a", 2, "agent:2")).observed(), now), touched(&[]));
    assert!(index.pods.is_empty());
}

#[test]
fn the_answer_to_a_write_does_not_touch_the_next_pod_of_that_name() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 3)], now);
    let mut earlier = pod_with_image("a", 4, "agent:2");
    earlier["metadata"]["uid"] = "of-the-pod-before".into();

    assert_eq!(index.wrote(lite(earlier).observed(), now), touched(&[]));
    assert_eq!(image(&index), "agent:1");
}

#[test]
fn the_answer_to_a_write_comes_too_late_when_the_watch_shows_more() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    index.observe(lite(pod_with_image("a", 7, "agent:3")).observed(), now);

    assert_eq!(index.wrote(lite(pod_with_image("a", 6, "agent:2")).observed(), now), touched(&[]));
    assert_eq!(image(&index), "agent:3");
}

#[test]
fn a_pod_that_takes_the_place_of_another_is_believed_whatever_its_version() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    index.wrote(lite(pod_with_image("a", 5, "agent:2")).observed(), now);
    let mut next = pod_with_image("a", 4, "agent:3");
    next["metadata"]["uid"] = "of-the-next-pod".into();

    index.observe(lite(next).observed(), now);

    assert_eq!(image(&index), "agent:3");
}

#[test]
fn after_the_deadline_the_watch_is_right_again() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    index.wrote(lite(pod_with_image("a", 5, "agent:2")).observed(), now);
    let later = now + Duration::from_secs(30);

    index.observe(lite(pod_with_image("a", 4, "agent:1")).observed(), later);

    assert_eq!(image(&index), "agent:1");
}

#[test]
fn what_was_not_believed_is_taken_at_the_deadline() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    index.wrote(lite(pod_with_image("a", 5, "agent:2")).observed(), now);
    index.observe(lite(pod_with_image("a", 4, "agent:1")).observed(), now);

    assert_eq!(index.expire(now + Duration::from_secs(29)), touched(&[]));
    assert_eq!(index.expire(now + Duration::from_secs(30)), touched(&["log-sc"]));
    assert_eq!(image(&index), "agent:1");
}

#[test]
fn a_write_that_the_watch_has_shown_leaves_nothing_behind() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    index.wrote(lite(pod_with_image("a", 5, "agent:2")).observed(), now);
    index.observe(lite(pod_with_image("a", 5, "agent:2")).observed(), now);

    assert_eq!(index.expire(now + Duration::from_secs(30)), touched(&[]));
    assert_eq!(image(&index), "agent:2");
    assert!(index.deadlines.is_empty() && index.own_writes.is_empty());
}

#[test]
fn the_strings_of_pods_that_are_gone_are_forgotten() {
    let now = Monotonic::START;
    let mut index = index_of([pod("a", 1)], now);
    let known = index.interner.len();

    for _ in 0..2 {
        index.begin_list();
        index.finish_list();
    }

    assert!(known > 0);
    assert!(index.interner.is_empty());
}

fn names_of(sets: &[&str]) -> Vec<Arc<str>> {
    sets.iter().map(|set| Arc::from(*set)).collect()
}

/// Takes in a Pod that lacks sets.
fn place(index: &mut PodIndex, pod: Value, lacks: &[&str]) -> Option<Touched> {
    index.place(lite(pod).observed(), &names_of(lacks), 7)
}

/// An index in which every Pod was counted with version 7 of the selection.
fn counted() -> PodIndex {
    let mut index = index();
    index.begin_look(7);
    index.finish_look();
    index
}

#[test]
fn pods_that_lack_a_set_are_counted_as_they_come_and_go() {
    let mut index = counted();

    assert_eq!(place(&mut index, pod("a", 1), &["mesh"]), Some(touched(&["mesh"])));
    assert_eq!(place(&mut index, pod("b", 2), &["mesh", "log-sc"]), Some(touched(&["log-sc", "mesh"])));
    assert_eq!(place(&mut index, pod("b", 3), &["mesh", "log-sc"]), Some(touched(&[])));
    assert_eq!((index.lacking("mesh"), index.lacking("log-sc"), index.lacking("none")), (Some(2), Some(1), Some(0)));
    assert_eq!(place(&mut index, pod("b", 4), &["mesh"]), Some(touched(&["log-sc"])));
    assert_eq!(index.displace(lite(pod("b", 5)).observed()), touched(&["mesh"]));
    assert_eq!(index.delete(lite(pod("a", 6)).observed()), touched(&["mesh"]));
    assert_eq!(index.lacking("mesh"), Some(0));
}

#[test]
fn nothing_is_said_of_what_pods_lack_before_all_were_looked_at() {
    let mut index = PodIndex::default();
    place(&mut index, pod("a", 1), &["mesh"]);

    assert_eq!(index.lacking("mesh"), None);
    index.begin_look(7);
    assert!(index.finish_look(), "it was the first look");
    assert_eq!(index.lacking("mesh"), Some(1));
    assert!(!index.finish_look());
}

#[test]
fn what_was_found_with_an_older_selection_is_found_anew() {
    let mut index = counted();
    index.begin_look(8);

    assert_eq!(place(&mut index, pod("a", 1), &["mesh"]), None);
    assert_eq!(index.lacking("mesh"), Some(0));
}

#[test]
fn a_look_at_all_pods_goes_page_by_page_and_skips_what_has_changed_since() {
    let mut index = counted();
    for name in ["a", "b", "c"] {
        place(&mut index, pod(name, 1), &["mesh"]);
    }
    let first = index.page(None, 2);
    let second = index.page(Some(&first[1].key), 2);
    let mut relabelled = pod("b", 2);
    relabelled["metadata"]["labels"] = json!({"app": "web"});
    place(&mut index, relabelled, &["mesh"]);

    assert_eq!((first.len(), second.len()), (2, 1));
    assert_eq!(index.note(&first[0], &names_of(&["log-sc"])), touched(&["log-sc", "mesh"]));
    assert_eq!(index.note(&first[1], &[]), touched(&[]));
    assert_eq!(index.note(&second[0], &[]), touched(&["mesh"]));
    assert_eq!((index.lacking("mesh"), index.lacking("log-sc")), (Some(1), Some(1)));
}

#[test]
fn a_pod_that_carries_a_set_may_lack_another_until_it_ends() {
    let now = Monotonic::START;
    let mut index = counted();
    index.observe(lite(pod("a", 1)).observed(), now);

    assert_eq!(place(&mut index, pod("a", 1), &["mesh"]), Some(touched(&["mesh"])));
    assert_eq!(index.page(None, 9).len(), 1);
    assert_eq!(index.displace(lite(pod("a", 2)).observed()), touched(&["mesh"]));
    assert_eq!(index.page(None, 9).len(), 0);
    assert_eq!(names(&index, "log-sc"), ["a"]);
}

#[test]
fn a_pod_into_which_a_set_was_injected_since_is_not_noted() {
    let mut index = counted();
    place(&mut index, pod("a", 1), &["log-sc"]);
    let page = index.page(None, 9);

    index.observe(lite(pod("a", 2)).observed(), Monotonic::START);

    assert_eq!(index.note(&page[0], &[]), touched(&[]));
    assert_eq!(index.lacking("log-sc"), Some(1));
}

#[test]
fn a_pod_that_a_new_list_does_not_show_lacks_nothing() {
    let mut index = counted();
    place(&mut index, pod("a", 1), &["mesh"]);
    place(&mut index, pod("b", 1), &["mesh"]);

    index.begin_list();
    place(&mut index, pod("b", 1), &["mesh"]);

    assert_eq!(index.finish_list(), touched(&["mesh"]));
    assert_eq!(index.lacking("mesh"), Some(1));
}
