use super::*;
use crate::normalize::defaults::defaulted;
use serde_json::{Value, json};

fn parse(entries: &Value) -> Result<Vec<MetadataPatch>, Vec<String>> {
    let spec = serde_json::from_value(json!({"patchPodMetadata": entries})).unwrap();
    let mut violations = Violations::default();
    let patches = super::parse(&defaulted(&spec), &mut violations);
    if violations.is_empty() { Ok(patches) } else { Err(violations.iter().map(ToString::to_string).collect()) }
}

fn violations(entries: &Value) -> Vec<String> {
    parse(entries).err().unwrap_or_default()
}

/// Returns what becomes of an annotation, with the value `set` for it.
fn over(policy: &str, set: &str, present: Option<&str>) -> Result<Option<String>, MergeError> {
    let patches = parse(&json!([{"annotations": {"note": set}, "patchPolicy": policy}])).unwrap();
    patches[0].value_over(present)
}

#[test]
fn retain_writes_only_what_is_absent() {
    assert_eq!(over("Retain", "new", None), Ok(Some("new".to_owned())));
    assert_eq!(over("Retain", "new", Some("old")), Ok(None));
    assert_eq!(over("Retain", "new", Some("")), Ok(None));
}

#[test]
fn an_entry_without_a_policy_retains() {
    for policy in [json!({"annotations": {"a": "b"}}), json!({"annotations": {"a": "b"}, "patchPolicy": ""})] {
        assert_eq!(parse(&json!([policy])).unwrap()[0].policy, PatchPolicy::Retain);
    }
}

#[test]
fn overwrite_writes_whatever_is_there() {
    assert_eq!(over("Overwrite", "new", None), Ok(Some("new".to_owned())));
    assert_eq!(over("Overwrite", "new", Some("old")), Ok(Some("new".to_owned())));
    assert_eq!(over("Overwrite", "new", Some("new")), Ok(None));
}

#[test]
fn a_merge_writes_the_text_as_it_is_where_nothing_is_there() {
    let text = r#"{ "b": null }"#;

    assert_eq!(over("MergePatchJson", text, None), Ok(Some(text.to_owned())));
    assert_eq!(over("MergePatchJson", text, Some("")), Ok(Some(text.to_owned())));
    assert_eq!(over("MergePatchJson", text, Some(r#"{"a":1, "b":2}"#)), Ok(Some(r#"{"a":1}"#.to_owned())));
    assert_eq!(over("MergePatchJson", text, Some(r#"{"a":1}"#)), Ok(None));
    assert_eq!(over("MergePatchJson", text, Some("null")), Err(MergeError::Null));
}

#[test]
fn an_entry_needs_annotations() {
    assert_eq!(
        violations(&json!([{"patchPolicy": "Retain"}, {"annotations": {}}])),
        ["spec.patchPodMetadata[0].annotations: is required", "spec.patchPodMetadata[1].annotations: is required"]
    );
}

#[test]
fn a_key_is_one_of_an_annotation_whatever_its_case() {
    assert_eq!(violations(&json!([{"annotations": {"Example.COM/A_b": "x", "oom-score": "x"}}])), [""; 0]);
    assert_eq!(
        violations(&json!([{"annotations": {"a b": "x"}}])),
        [r#"spec.patchPodMetadata[0].annotations[a b]: "a b" is not the key of an annotation"#]
    );
}

#[test]
fn an_unknown_policy_is_refused() {
    assert_eq!(
        violations(&json!([{"annotations": {"a": "x"}, "patchPolicy": "retain"}])),
        [r#"spec.patchPodMetadata[0].patchPolicy: unsupported value: "retain": Retain, Overwrite or MergePatchJson"#]
    );
}

#[test]
fn a_key_stands_in_one_entry_only() {
    assert_eq!(
        violations(&json!([{"annotations": {"a": "1"}}, {"annotations": {"b": "2", "a": "1"}}])),
        ["spec.patchPodMetadata[1].annotations[a]: patch annotation[a] already exist in spec.patchPodMetadata[0]"]
    );
}

#[test]
fn what_is_merged_has_to_be_an_object_or_a_list() {
    let entry = json!({"annotations": {"a": "{}", "b": "[1]", "c": "null", "d": "{"}, "patchPolicy": "MergePatchJson"});

    assert_eq!(
        violations(&json!([entry])),
        [
            "spec.patchPodMetadata[0].annotations[c]: must be a JSON object or a JSON list",
            "spec.patchPodMetadata[0].annotations[d]: is not JSON: EOF while parsing an object at line 1 column 1",
        ]
    );
}

#[test]
fn what_is_merged_is_a_value_that_a_pod_may_have() {
    let patch = json!({"annotations": {
        "controller.kubernetes.io/pod-deletion-cost": "{}",
        "kubernetes.io/config.mirror": "{}",
        "scheduler.alpha.kubernetes.io/tolerations": "[{}]",
    }, "patchPolicy": "MergePatchJson"});

    assert_eq!(
        violations(&json!([patch])),
        [
            "spec.patchPodMetadata[0].annotations[controller.kubernetes.io/pod-deletion-cost]: \"{}\" is not an integer of 32 bits",
            "spec.patchPodMetadata[0].annotations[kubernetes.io/config.mirror]: marks what a kubelet runs from a file, and makes \
             no other Pod one",
            "spec.patchPodMetadata[0].annotations[scheduler.alpha.kubernetes.io/tolerations]: toleration [0]: operator must be \
             Exists where there is no key",
        ]
    );
}

#[test]
fn annotations_that_no_object_may_have_are_refused() {
    let entries =
        |size: usize| json!([{"annotations": {"a": "x".repeat(1000)}}, {"annotations": {"b": "x".repeat(size)}}]);

    assert_eq!(violations(&entries(262_144 - 1002)), [""; 0]);
    assert_eq!(
        violations(&entries(262_144 - 1001)),
        ["spec.patchPodMetadata: must have at most 262144 bytes, has 262145"]
    );
}

#[test]
fn what_the_operator_keeps_itself_is_left_out_with_a_warning() {
    let entries = json!([
        {"annotations": {"note": "x"}},
        {"annotations": {
            "kruise.io/sidecarset-hash": "x", "kruise.io/sidecarset-hash-without-image": "x",
            "kruise.io/sidecarset-injected-list": "x", "kruise.io/sidecarset-inplace-update-state": "x",
            "kruise.io/sidecarset-working-hotupgrade-container": "x", "version.sidecarset.kruise.io/a": "1",
            "versionalt.sidecarset.kruise.io/a": "1",
        }},
    ]);

    let keys: Vec<String> = parse(&entries).unwrap().into_iter().map(|patch| patch.key).collect();
    let warnings = warnings(&serde_json::from_value(json!({"patchPodMetadata": entries})).unwrap());

    assert_eq!(keys, ["note"]);
    assert_eq!(warnings.len(), 7);
    assert_eq!(
        warnings[0],
        "spec.patchPodMetadata[1].annotations[kruise.io/sidecarset-hash]: has no effect: the operator keeps it itself"
    );
}
