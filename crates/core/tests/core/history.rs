//! Which revisions of a set are written.

use crate::build::{SetBuilder, pod, sidecar_set};
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use proptest::prelude::*;
use serde_json::{Value, json};
use sidecarset_core::normalize::{CanonicalSet, normalize};
use sidecarset_core::record::PodRecord;
use sidecarset_core::revision::{Change, NewRevision, Revision, Revisions, Taken, changes, taken_by};
use std::collections::BTreeSet;
use std::sync::Arc;

const UID: &str = "uid-1";

fn set(image: &str) -> SetBuilder {
    sidecar_set().metadata("uid", UID).image(image)
}

/// A past of the set: name, number and image of each revision.
fn past(revisions: &[(&str, i64, &str)]) -> Revisions {
    let mut past = Revisions::default();
    for (name, number, image) in revisions {
        past.put(Revision::read(&object(name, *number, image)).unwrap());
    }
    past
}

fn object(name: &str, number: i64, image: &str) -> ControllerRevision {
    let object = json!({
        "metadata": {
            "name": name, "resourceVersion": "7", "labels": {"kruise.io/sidecarset-name": "log-sc"},
            "ownerReferences": [{
                "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "name": "log-sc", "uid": UID,
                "controller": true,
            }],
        },
        "revision": number,
        "data": {"spec": {"$patch": "replace", "containers": [{"name": "agent", "image": image}], "volumes": null}},
    });
    serde_json::from_value(object).unwrap()
}

/// A Pod that carries the set, and names a revision of it.
fn pod_of(revision: &str) -> Arc<PodRecord> {
    let recorded = json!({"log-sc": {"hash": "h", "controllerRevision": revision}}).to_string();
    Arc::new(pod("a", &set("agent:v1").build()).annotation("kruise.io/sidecarset-hash", &recorded).build())
}

fn decided(set: &SetBuilder, past: &Revisions, pods: &[Arc<PodRecord>]) -> Vec<Change> {
    let object = set.object();
    changes(&normalize(&object).unwrap(), &object.metadata, object.status.as_ref(), past.of("log-sc", Some(UID)), pods)
}

fn told(changes: &[Change]) -> Vec<String> {
    let told = changes.iter().map(|change| match change {
        Change::Create(new) => format!("create number {}", new.number),
        Change::Update(update) => format!("update {} with {}", update.revision.name, update.patch()),
        Change::Delete(revision) => format!("delete {}", revision.name),
    });
    told.collect()
}

fn created(set: &SetBuilder) -> NewRevision {
    match decided(set, &Revisions::default(), &[]).remove(0) {
        Change::Create(new) => *new,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_first_revision_has_number_one_and_everything_that_kruise_gives_it() {
    let set = set("busybox:1.36")
        .metadata("labels", json!({"team": "obs", "apps.kruise.io/sidecarset-custom-version": "v1"}))
        .metadata(
            "annotations",
            json!({
                "note": "kept", "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "kruise.io/sidecarset-hash": "outdated", "kruise.io/sidecarset-hash-basis": "a,b",
            }),
        )
        .spec("customVersion", "v1");

    let new = created(&set);

    assert_eq!(new.number, 1);
    assert_eq!(
        serde_json::to_value(&new.metadata).unwrap(),
        json!({
            "name": "log-sc-6d5857687f",
            "labels": {
                "team": "obs", "kruise.io/sidecarset-name": "log-sc", "controller.kubernetes.io/hash": "6d5857687f",
                "apps.kruise.io/sidecarset-custom-version": "v1",
            },
            "annotations": {
                "note": "kept",
                "kruise.io/sidecarset-hash": "vcv9449744252484czf45xb572z8zbcwvc7c5b5cx85c44f2wf2964d88c5zd944",
                "kruise.io/sidecarset-hash-without-image": "62258bb8d4vv7w584244bd5df277d4vw9fbf49c99967447fxw5z4f4956b97fz4",
            },
            "ownerReferences": [{
                "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "name": "log-sc", "uid": "uid-1",
                "controller": true, "blockOwnerDeletion": true,
            }],
        })
    );
    assert_eq!(
        &*new.data,
        [
            r#"{"spec":{"$patch":"replace","containers":[{"image":"busybox:1.36","imagePullPolicy":"IfNotPresent","#,
            r#""name":"agent","podInjectPolicy":"BeforeAppContainer","resources":{},"shareVolumePolicy":"#,
            r#"{"type":"disabled"},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","#,
            r#""upgradeStrategy":{"upgradeType":"ColdUpgrade"}}],"imagePullSecrets":null,"initContainers":null,"#,
            r#""patchPodMetadata":null,"volumes":null}}"#,
        ]
        .concat()
    );
}

#[test]
fn a_definition_that_the_newest_revision_holds_is_not_written_again() {
    let past = past(&[("log-sc-a", 1, "agent:v1"), ("log-sc-b", 2, "agent:v2")]);

    assert_eq!(told(&decided(&set("agent:v2"), &past, &[])), [""; 0]);
}

#[test]
fn a_new_definition_gets_the_next_number() {
    let past = past(&[("log-sc-a", 1, "agent:v1"), ("log-sc-b", 7, "agent:v2")]);

    assert_eq!(told(&decided(&set("agent:v3"), &past, &[])), ["create number 8"]);
}

#[test]
fn a_rollback_makes_the_old_revision_the_newest_one() {
    let past = past(&[("log-sc-a", 1, "agent:v1"), ("log-sc-b", 2, "agent:v2")]);

    assert_eq!(
        told(&decided(&set("agent:v1"), &past, &[])),
        [r#"update log-sc-a with {"metadata":{"resourceVersion":"7"},"revision":3}"#]
    );
}

#[test]
fn a_custom_version_is_written_once_and_one_that_is_taken_away_stays() {
    let past = past(&[("log-sc-a", 1, "agent:v1")]);
    let mut labelled = object("log-sc-a", 1, "agent:v1");
    labelled.metadata.labels.as_mut().unwrap().insert("apps.kruise.io/sidecarset-custom-version".into(), "2".into());
    let mut then = Revisions::default();
    then.put(Revision::read(&labelled).unwrap());
    let with_version = set("agent:v1").spec("customVersion", "2");
    let patch = r#"{"metadata":{"labels":{"apps.kruise.io/sidecarset-custom-version":"2"},"resourceVersion":"7"}}"#;

    assert_eq!(told(&decided(&with_version, &past, &[])), [format!("update log-sc-a with {patch}")]);
    assert_eq!(told(&decided(&with_version, &then, &[])), [""; 0]);
    assert_eq!(told(&decided(&set("agent:v1"), &then, &[])), [""; 0]);
}

#[test]
fn the_oldest_revisions_beyond_the_limit_are_deleted() {
    let past = past(&[("c", 3, "agent:v3"), ("a", 1, "agent:v1"), ("b", 2, "agent:v2")]);
    let limited = |limit: i64| set("agent:v4").spec("revisionHistoryLimit", limit);

    assert_eq!(told(&decided(&limited(4), &past, &[])), ["create number 4"]);
    assert_eq!(told(&decided(&limited(3), &past, &[])), ["create number 4", "delete a"]);
    let at_least_one = ["create number 4", "delete a", "delete b", "delete c"];
    assert_eq!(told(&decided(&limited(1), &past, &[])), at_least_one);
    assert_eq!(told(&decided(&limited(0), &past, &[])), at_least_one);
}

#[test]
fn ten_revisions_are_kept_where_nothing_is_said() {
    let names: Vec<String> = (0..10).map(|at| format!("r{at}")).collect();
    let revisions: Vec<_> = names.iter().zip(0..).map(|(name, number)| (&**name, number, &**name)).collect();

    assert_eq!(told(&decided(&set("agent:new"), &past(&revisions), &[])), ["create number 10", "delete r0"]);
}

#[test]
fn a_revision_that_a_pod_has_or_that_new_pods_get_is_not_deleted() {
    let past = past(&[("a", 1, "agent:v1"), ("b", 2, "agent:v2"), ("c", 3, "agent:v3"), ("d", 4, "agent:v4")]);
    let pinned = set("agent:v4")
        .spec("revisionHistoryLimit", 1)
        .spec("injectionStrategy", json!({"revision": {"revisionName": "b"}}));

    assert_eq!(told(&decided(&pinned, &past, &[pod_of("a")])), ["delete c"]);
}

#[test]
fn a_revision_to_which_a_rollout_returned_or_may_return_is_not_deleted() {
    let past = past(&[("a", 1, "agent:v1"), ("b", 2, "agent:v2"), ("c", 3, "agent:v3"), ("d", 4, "agent:v4")]);
    let with = |status: Value, on_failure: &str| {
        let strategy = json!({"failureThreshold": 1, "onFailure": on_failure});
        let set = set("agent:v4").spec("revisionHistoryLimit", 1).spec("updateStrategy", strategy);
        set.status(status)
    };
    let failed = json!({"generation": 2, "revision": "c", "rollbackRevision": "b"});
    let status = |more: Value| json!({"matchedPods": 0, "updatedPods": 0, "readyPods": 0, "failure": more});
    let completed = json!({"matchedPods": 0, "updatedPods": 0, "readyPods": 0, "completedRevision": "a"});

    assert_eq!(told(&decided(&with(status(failed), "Halt"), &past, &[])), ["delete a"]);
    assert_eq!(told(&decided(&with(completed.clone(), "Rollback"), &past, &[])), ["delete b", "delete c"]);
    assert_eq!(told(&decided(&with(completed, "Halt"), &past, &[])), ["delete a", "delete b", "delete c"]);
}

#[test]
fn nothing_is_written_for_a_set_that_is_being_deleted() {
    let set = set("agent:v1").metadata("deletionTimestamp", "2026-01-02T03:04:05Z");

    assert_eq!(told(&decided(&set, &Revisions::default(), &[])), [""; 0]);
}

#[test]
fn the_past_of_a_deleted_set_of_the_name_is_not_the_sets() {
    let mut past = Revisions::default();
    let mut foreign = object("log-sc-a", 9, "agent:v1");
    foreign.metadata.owner_references.as_mut().unwrap()[0].uid = "uid-of-the-deleted-one".into();
    past.put(Revision::read(&foreign).unwrap());

    assert_eq!(told(&decided(&set("agent:v1"), &past, &[])), ["create number 1"]);
}

#[test]
fn what_has_the_name_already_is_the_same_or_goes_or_is_a_collision() {
    let set: CanonicalSet = set("agent:v1").build();
    let owned_by = |kind: &str, name: &str| {
        let mut object = object("x", 1, "agent:v1");
        let owner = &mut object.metadata.owner_references.as_mut().unwrap()[0];
        (owner.kind, owner.name, owner.uid) = (kind.into(), name.into(), "another".into());
        object
    };
    let mut unlabelled = object("x", 1, "agent:v1");
    unlabelled.metadata.labels = None;

    let same = object("x", 1, "agent:v1");
    assert_eq!(taken_by(&set, &same), Taken::Same(Box::new(Revision::read(&same).unwrap())));
    assert_eq!(taken_by(&set, &owned_by("SidecarSet", "log-sc")), Taken::Leftover);
    assert_eq!(taken_by(&set, &owned_by("DaemonSet", "log-sc")), Taken::Other);
    assert_eq!(taken_by(&set, &object("x", 1, "agent:v2")), Taken::Other);
    assert_eq!(taken_by(&set, &unlabelled), Taken::Other);
}

/// An edit of the set: its image, its limit, and which earlier image the Pods still have.
fn edits() -> impl Strategy<Value = Vec<(u8, i64, u8)>> {
    prop::collection::vec((0_u8..6, 0_i64..4, 0_u8..6), 1..12)
}

fn stored(change: &Change, version: usize) -> Option<ControllerRevision> {
    let (metadata, number, data) = match change {
        Change::Create(new) => (new.metadata.clone(), new.number, serde_json::from_str(&new.data).unwrap()),
        Change::Update(update) => {
            let spec = update.revision.definition().unwrap();
            let old = object(&update.revision.name, 0, "");
            (old.metadata, update.number?, json!({"spec": spec}))
        }
        Change::Delete(_) => return None,
    };
    let metadata = ObjectMeta { resource_version: Some(version.to_string()), ..metadata };
    let object: Value = json!({"metadata": metadata, "revision": number, "data": data});
    Some(serde_json::from_value(object).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_is_edited_each_definition_has_one_revision_and_none_that_is_needed_goes(edits in edits()) {
        let mut past = Revisions::default();
        let mut named = BTreeSet::new();
        for (at, (image, limit, of_pods)) in edits.into_iter().enumerate() {
            let edited = set(&format!("agent:v{image}")).spec("revisionHistoryLimit", limit);
            let name_of_pods = set(&format!("agent:v{of_pods}")).build().draft.name;
            let pods = [pod_of(&name_of_pods)];
            let had = past.of("log-sc", Some(UID)).named(&name_of_pods).is_some();
            for change in decided(&edited, &past, &pods) {
                match stored(&change, at) {
                    Some(object) => {
                        past.put(Revision::read(&object).unwrap());
                        named.insert(object.metadata.name.unwrap());
                    }
                    None => if let Change::Delete(revision) = change {
                        past.remove(&revision.name);
                    },
                }
            }

            let history = past.of("log-sc", Some(UID));
            let all = history.oldest_first();
            let definitions: BTreeSet<String> =
                all.iter().map(|it| json!(it.definition().unwrap()).to_string()).collect();
            prop_assert_eq!(definitions.len(), all.len());
            prop_assert_eq!(&all.last().unwrap().name, &edited.clone().build().draft.name);
            prop_assert_eq!(history.named(&name_of_pods).is_some(), had || image == of_pods);
            prop_assert!(all.len() <= usize::try_from(limit.max(1)).unwrap().max(2));
            prop_assert_eq!(told(&decided(&edited, &past, &pods)), [""; 0]);
        }
        prop_assert!(named.len() <= 6);
    }
}
