//! What the cluster allows counts for every definition that reaches a Pod, however old it is.

use crate::build::{PodBuilder, now, pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::injection::{choose, inject};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::revision::Revision;
use sidecarset_core::rollout::{self, Hold};
use sidecarset_core::status;
use sidecarset_core::validation::{Permissions, Violations, Whitelist, WithoutRule};
use std::sync::Arc;

const NOT_ALLOWED: &str = "annotation(mine/x) is not allowed by the white list of the cluster";

/// A white list that has this expression, for the sets of a team.
fn whitelist(expression: &str) -> Whitelist {
    let selector = json!({"matchLabels": {"team": "obs"}});
    let rules = json!({"rules": [{"selector": selector, "allowedAnnotationKeyExprs": [expression]}]});
    Whitelist::read(Some(&rules.to_string()))
}

fn set(image: &str, annotation: Option<&str>) -> Value {
    let patches: Vec<Value> = annotation.map(|key| json!({"annotations": {key: "1"}})).into_iter().collect();
    json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
        "metadata": {"name": "log-sc", "generation": 3, "labels": {"team": "obs"}},
        "spec": {
            "selector": {"matchLabels": {"app": "nginx"}},
            "containers": [{"name": "agent", "image": image}],
            "patchPodMetadata": patches,
        },
    })
}

fn pinned(mut set: Value) -> Value {
    set["spec"]["injectionStrategy"] = json!({"revision": {"revisionName": "log-sc-1"}});
    set
}

fn read(set: &Value) -> SidecarSet {
    serde_json::from_value(set.clone()).unwrap()
}

/// A revision that wrote an annotation.
fn revision() -> Revision {
    let object = json!({
        "metadata": {"name": "log-sc-1", "labels": {"kruise.io/sidecarset-name": "log-sc"}},
        "revision": 1,
        "data": {"spec": {
            "$patch": "replace", "containers": [{"name": "agent", "image": "agent:v1"}],
            "patchPodMetadata": [{"annotations": {"mine/x": "1"}}],
        }},
    });
    Revision::read(&serde_json::from_value(object).unwrap()).unwrap()
}

/// A catalog with the revision, a set, and a white list that allows what this expression matches.
fn catalog(set: &Value, expression: &str) -> Catalog {
    let mut catalog = Catalog::default();
    catalog.permit(Permissions::new(whitelist(expression), WithoutRule::Refuse));
    catalog.put_revision(revision());
    catalog.put_set(&read(set));
    catalog
}

fn canonical(catalog: &Catalog) -> Arc<CanonicalSet> {
    match catalog.set("log-sc").unwrap() {
        Entry::Valid(set) => Arc::clone(set),
        Entry::Invalid(set) => panic!("{}", set.violations),
    }
}

/// Whether a new Pod gets the annotation, or why it is refused.
fn created(catalog: &Catalog) -> Result<bool, String> {
    let mut pod = json!({"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": [{"name": "main"}]}});
    let chosen = choose(&pod, &[canonical(catalog)], |_| 0.5).map_err(|refusal| refusal.to_string())?;
    let injection = inject(&pod, &chosen, now()).map_err(|refusal| refusal.to_string())?;
    json_patch::patch(&mut pod, &injection.patch.operations()).unwrap();
    assert_eq!(pod["spec"]["containers"].as_array().unwrap().len(), 2);
    Ok(pod["metadata"]["annotations"].get("mine/x").is_some())
}

fn refused() -> Result<bool, String> {
    Err(format!("SidecarSet log-sc may not write its annotations: {NOT_ALLOWED}"))
}

#[test]
fn a_definition_in_force_is_refused_as_soon_as_the_rules_for_it_leave_an_annotation_out() {
    let mut catalog = catalog(&set("agent:v1", Some("mine/x")), "^mine/");
    assert_eq!(created(&catalog), Ok(true));

    assert_eq!(catalog.set_whitelist(whitelist("^good/")), [Arc::from("log-sc")]);
    assert_eq!(created(&catalog), refused());

    assert_eq!(catalog.set_whitelist(whitelist("^mine/")), [Arc::from("log-sc")]);
    assert_eq!(created(&catalog), Ok(true));
    assert_eq!(catalog.set_whitelist(whitelist("mine")), Vec::<Arc<str>>::new());
}

#[test]
fn a_white_list_that_says_nothing_of_the_set_keeps_no_pod_of_a_definition_in_force_from_being_created() {
    let for_others =
        r#"{"rules": [{"selector": {"matchLabels": {"team": "mesh"}}, "allowedAnnotationKeyExprs": ["^good/"]}]}"#;
    for text in [None, Some(for_others), Some("no JSON"), Some(r#"{"rules": [{"allowedAnnotationKeyExprs": ["("]}]}"#)]
    {
        for set in [set("agent:v1", Some("mine/x")), pinned(set("agent:v2", None))] {
            let mut catalog = catalog(&set, "^mine/");

            catalog.set_whitelist(Whitelist::read(text));

            assert_eq!(created(&catalog), Ok(true), "{text:?}");
        }
    }
}

#[test]
fn a_set_that_writes_no_annotations_needs_no_permission() {
    assert_eq!(created(&catalog(&set("agent:v1", None), "^good/")), Ok(false));
}

#[test]
fn a_past_definition_cannot_be_asked_for_that_may_not_be_written_now() {
    let violations = |whitelist: Whitelist| {
        let mut catalog = catalog(&set("agent:v2", None), "^mine/");
        catalog.set_whitelist(whitelist);
        let mut violations = Violations::default();
        catalog.check_pin(&read(&pinned(set("agent:v2", None))), &mut violations);
        violations.to_string()
    };
    let unusable = "spec.injectionStrategy.revision: revisionName \"log-sc-1\": revision \"log-sc-1\" is not allowed: ";

    assert_eq!(violations(whitelist("^good/")), format!("{unusable}{NOT_ALLOWED}"));
    let without_rule = violations(Whitelist::default());
    assert!(
        without_rule.starts_with(&format!("{unusable}SidecarSet patch metadata whitelist not found")),
        "{without_rule}"
    );
    assert_eq!(violations(whitelist("^mine/")), "");
}

#[test]
fn a_pin_that_is_there_already_gives_no_pod_what_is_not_allowed_any_more() {
    let mut catalog = catalog(&pinned(set("agent:v2", None)), "^mine/");
    assert_eq!(created(&catalog), Ok(true));

    catalog.set_whitelist(whitelist("^good/"));

    let why = format!("revisionName \"log-sc-1\": revision \"log-sc-1\" is not allowed: {NOT_ALLOWED}");
    assert_eq!(created(&catalog), Err(format!("SidecarSet log-sc is pinned to {why}")));
    let ready = conditions(&canonical(&catalog), &[]).into_iter().find(|condition| condition.type_ == "Ready").unwrap();
    assert_eq!((&*ready.status, &*ready.reason), ("False", "RevisionUnusable"));
    assert!(ready.message.contains(NOT_ALLOWED), "{}", ready.message);
}

fn conditions(set: &CanonicalSet, matched: &[&PodRecord]) -> Vec<Condition> {
    let plan = rollout::plan(set, matched, now());
    status::summarize(set, matched, &plan, None, now()).conditions
}

#[test]
fn running_pods_stay_as_they_are_while_an_annotation_is_not_allowed_and_the_set_says_so() {
    let old = canonical(&catalog(&set("agent:v1", Some("mine/x")), "^mine/"));
    let pods: Vec<PodRecord> =
        ["a", "b"].iter().map(|name| pod(name, &old)).map(|pod: PodBuilder| pod.build()).collect();
    let matched: Vec<&PodRecord> = pods.iter().collect();
    let mut catalog = catalog(&set("agent:v2", Some("mine/x")), "^mine/");
    assert_eq!(rollout::plan(&canonical(&catalog), &matched, now()).upgrades.len(), 1);

    catalog.set_whitelist(whitelist("^good/"));
    let forbidden = canonical(&catalog);
    let plan = rollout::plan(&forbidden, &matched, now());

    assert_eq!((plan.upgrades.len(), plan.flips.len(), plan.held(Hold::NotAllowed)), (0, 0, 2));
    let told = conditions(&forbidden, &matched);
    let said = |kind: &str| {
        let condition = told.iter().find(|condition| condition.type_ == kind).unwrap();
        (&*condition.status, &*condition.reason, &*condition.message)
    };
    let message =
        format!("new pods and upgrades that would get the annotations of this set are rejected: {NOT_ALLOWED}");
    assert_eq!(said("Ready"), ("False", "NotAllowed", &*message));
    assert_eq!(said("Degraded"), ("True", "NotAllowed", &*message));
    let (status, reason, message) = said("Progressing");
    assert_eq!((status, reason), ("False", "NotAllowed"));
    assert!(
        message.contains("2 stay because the cluster does not allow the annotations of patchPodMetadata"),
        "{message}"
    );
}
