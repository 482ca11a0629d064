//! What Kruise left is taken over as it is, and what we write is what Kruise reads.

use crate::build::{PodBuilder, now};
use crate::kruise::{Counts, Left, is_upgradable, left};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::injection::inject;
use sidecarset_core::normalize::{CanonicalSet, normalize};
use sidecarset_core::record::PodRecord;
use sidecarset_core::revision::{Record, Revision, changes};
use sidecarset_core::rollout::{self, Plan};
use sidecarset_core::{status, upgradable};
use std::collections::BTreeMap;
use std::sync::Arc;

const HASHES: [&str; 2] = ["kruise.io/sidecarset-hash", "kruise.io/sidecarset-hash-without-image"];
const LIST: &str = "kruise.io/sidecarset-injected-list";

/// A cluster of Kruise as we know it.
struct Taken {
    source: SidecarSet,
    set: Arc<CanonicalSet>,
    catalog: Catalog,
    pods: Vec<Arc<PodRecord>>,
}

impl Taken {
    fn over(left: &Left) -> Self {
        let source: SidecarSet = serde_json::from_value(left.set.clone()).unwrap();
        let mut catalog = Catalog::default();
        for revision in &left.revisions {
            catalog.put_revision(Revision::read(&serde_json::from_value(revision.clone()).unwrap()).unwrap());
        }
        let set = match catalog.put_set(&source) {
            Entry::Valid(set) => set,
            Entry::Invalid(set) => panic!("{}: {}", left.claim, set.violations),
        };
        let pods = left.pods.iter().map(|pod| Arc::new(PodBuilder::from(pod.clone()).build())).collect();
        Self { source, set, catalog, pods }
    }

    fn matched(&self) -> Vec<&PodRecord> {
        let namespace = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), "shop".to_owned())]);
        let is_matched = |pod: &&Arc<PodRecord>| rollout::is_matched(&self.set, pod, Some(&namespace));
        self.pods.iter().filter(is_matched).map(AsRef::as_ref).collect()
    }

    fn plan(&self) -> Plan {
        rollout::plan(&self.set, &self.matched(), now())
    }
}

fn annotations(set: &Value) -> [&str; 2] {
    HASHES.map(|key| set["metadata"]["annotations"][key].as_str().unwrap())
}

/// The same cluster after the set got another image, and our webhook its say.
fn with_image(left: &Left, image: &str) -> Left {
    let mut left = left.clone();
    let old: SidecarSet = serde_json::from_value(left.set.clone()).unwrap();
    left.set["spec"]["containers"][0]["image"] = image.into();
    let new: SidecarSet = serde_json::from_value(left.set.clone()).unwrap();
    for (key, value) in Record::of(&new, Some(&old)).annotations() {
        left.set["metadata"]["annotations"][key] = value.into();
    }
    left
}

/// Lets the kubelet run what the spec asks for.
fn caught_up(mut pod: Value) -> Value {
    let spec = pod["spec"]["containers"].as_array().unwrap().clone();
    for (status, container) in pod["status"]["containerStatuses"].as_array_mut().unwrap().iter_mut().zip(spec) {
        status["imageID"] = format!("id of {}", container["image"]).into();
        status["image"] = container["image"].clone();
    }
    pod
}

/// Clusters whose Pods can all take another image.
fn open() -> Vec<Left> {
    let all = left().into_iter();
    all.filter(|left| left.holds.is_empty()).collect()
}

#[test]
fn the_clusters_are_as_kruise_would_count_them() {
    for left in left().iter().filter(|left| !left.is_of_old_release()) {
        assert_eq!(Counts::of(&left.set, &left.pods), Counts::told(&left.set), "{}", left.claim);
    }
}

#[test]
fn a_set_is_known_by_the_hashes_that_kruise_recorded_and_they_are_those_that_we_compute() {
    for left in left() {
        let recorded = annotations(&left.set);
        let mut bare = left.set.clone();
        bare["metadata"]["annotations"] = json!({});

        let known = &Taken::over(&left).set.hashes;
        let computed = normalize(&serde_json::from_value(bare).unwrap()).unwrap().hashes;

        assert_eq!([&*known.full, &*known.without_image], recorded, "{}", left.claim);
        let is_same = [&*computed.full, &*computed.without_image] == recorded;
        assert_eq!(is_same, !left.is_of_old_release(), "{}", left.claim);
    }
}

#[test]
fn writing_a_set_without_changing_it_leaves_its_hashes() {
    for left in left() {
        let set: SidecarSet = serde_json::from_value(left.set.clone()).unwrap();

        let record = Record::of(&set, Some(&set)).hashes;

        assert_eq!([&*record.full, &*record.without_image], annotations(&left.set), "{}", left.claim);
    }
}

#[test]
fn the_counts_are_those_of_kruise_and_every_pod_that_waits_says_why() {
    for left in left() {
        let taken = Taken::over(&left);
        let plan = taken.plan();

        let status = status::summarize(&taken.set, &taken.matched(), &plan, taken.source.status.as_ref(), now());

        let counted = json!({"status": status});
        let mut told = Counts::told(&left.set);
        if left.is_of_old_release() {
            // Which did not count these.
            told.updated_ready = 2;
        }
        assert_eq!(Counts::told(&counted), told, "{}", left.claim);
        let holds = plan.holds.iter().map(|(pod, hold)| (pod.name().to_owned(), format!("{hold:?}")));
        assert_eq!(holds.collect::<BTreeMap<_, _>>(), left.holds, "{}", left.claim);
    }
}

#[test]
fn nothing_is_written_to_pods_and_nothing_to_revisions() {
    for left in left() {
        let taken = Taken::over(&left);
        let plan = taken.plan();

        assert_eq!((plan.upgrades.len(), plan.flips.len()), (0, 0), "{}", left.claim);
        for pod in taken.matched() {
            let hold = plan.holds.get(&pod.key).copied();
            assert_eq!(upgradable::of_matched(&taken.set, pod, hold), None, "{}", left.claim);
        }
        let history = taken.catalog.revisions().of(&taken.set.name, taken.set.uid.as_deref());
        let status = taken.source.status.as_ref();
        let writes = changes(&taken.set, &taken.source.metadata, status, history, &taken.pods);
        // An old release kept no past.
        assert_eq!(writes.len(), usize::from(left.is_of_old_release()), "{}: {writes:?}", left.claim);
    }
}

#[test]
fn the_present_definition_has_the_name_that_kruise_gave_it() {
    for left in left().iter().filter(|left| !left.is_of_old_release()) {
        let name = &Taken::over(left).set.draft.name;

        assert_eq!(**name, *left.set["status"]["latestRevision"].as_str().unwrap(), "{}", left.claim);
    }
}

/// A Pod that was never upgraded, as its webhook answers now.
fn just_injected(pod: &Value) -> Value {
    let mut pod = pod.clone();
    for key in HASHES {
        let mut hashes: Value = serde_json::from_str(pod["metadata"]["annotations"][key].as_str().unwrap()).unwrap();
        hashes["log-sc"]["updateTimestamp"] = json!("2026-01-02T03:04:04Z");
        pod["metadata"]["annotations"][key] = hashes.to_string().into();
    }
    pod
}

#[test]
fn a_pod_that_kruise_injects_before_us_is_left_as_it_is() {
    for claim in [
        "pods_that_were_created_with_the_present_definition",
        "a_set_that_is_stored_in_the_older_version",
        "pairs_of_containers_at_rest_before_and_after_a_hot_upgrade",
    ] {
        let left = Left::named(claim);
        let pod = just_injected(&left.pods[0]);

        let injection = inject(&pod, &[Taken::over(&left).set], now()).unwrap();

        assert_eq!((injection.patch.as_str(), injection.warnings), ("[]", Vec::new()), "{claim}");
    }
}

#[test]
fn what_an_upgrade_writes_is_what_kruise_reads() {
    for left in open() {
        let next = with_image(&left, "registry.example.com/obs/agent:1.6");
        let set = Taken::over(&next).set;
        let upgrade = |pod: &Value| {
            let pod = PodBuilder::from(pod.clone());
            pod.clone().patched(&pod.upgrade_to(&set)).source("")
        };

        let under_way: Vec<Value> = next.pods.iter().map(upgrade).collect();
        let done: Vec<Value> = under_way.iter().cloned().map(caught_up).collect();

        let all = i64::try_from(done.len()).unwrap();
        let is_hot = left.claim.starts_with("pairs");
        let ready = if is_hot { 0 } else { all };
        let counts = |ready| Counts { matched: all, updated: all, ready, updated_ready: ready };
        assert_eq!(Counts::of(&next.set, &under_way), counts(0), "{}", left.claim);
        assert_eq!(Counts::of(&next.set, &done), counts(ready), "{}", left.claim);
        assert!(done.iter().all(|pod| is_upgradable(&next.set, pod)), "{}", left.claim);
    }
}

#[test]
fn the_first_upgrade_of_a_pod_from_before_0_9_writes_all_marks_in_todays_form() {
    let next = with_image(&Left::named("pods_and_a_set_from_before_0_9"), "registry.example.com/obs/agent:1.6");
    let set = Taken::over(&next).set;

    let patch = PodBuilder::from(next.pods[0].clone()).upgrade_to(&set);

    let written = &patch["metadata"]["annotations"];
    assert_eq!(written[LIST], "log-sc");
    for key in HASHES {
        let text = written[key].as_str().unwrap();
        assert!(text.starts_with(r#"{"log-sc":{"updateTimestamp":"2026-01-02T03:04:05Z","hash":""#), "{text}");
        assert!(text.contains(r#","sidecarSetName":"log-sc","sidecarList":["agent"]"#), "{text}");
    }
}

#[test]
fn the_list_of_a_pod_that_has_one_is_not_written_again() {
    let left = Left::named("pods_that_were_created_with_the_present_definition");
    let set = Taken::over(&with_image(&left, "registry.example.com/obs/agent:1.6")).set;

    let patch = PodBuilder::from(left.pods[0].clone()).upgrade_to(&set);

    assert_eq!(patch["metadata"]["annotations"].get(LIST), None);
}
