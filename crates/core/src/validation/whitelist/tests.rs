use super::*;
use serde_json::{Value, json};

const NO_RULE: &str = "spec.patchPodMetadata: SidecarSet patch metadata whitelist not found: no rule of \
                       SidecarSet_PatchPodMetadata_WhiteList in the ConfigMap kruise-configuration of the operator's \
                       namespace is for this set";

fn set(keys: &[&str]) -> SidecarSet {
    let annotations: BTreeMap<&str, &str> = keys.iter().map(|key| (*key, "x")).collect();
    serde_json::from_value(json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
        "metadata": {"name": "logs", "labels": {"team": "obs"}},
        "spec": {"patchPodMetadata": [{"annotations": annotations}]},
    }))
    .unwrap()
}

fn refused(text: Option<&str>, without_rule: WithoutRule, set: &SidecarSet) -> Vec<String> {
    let mut violations = Violations::default();
    Whitelist::read(text).check(set, without_rule, &mut violations);
    violations.iter().map(ToString::to_string).collect()
}

fn refused_by(rules: &Value, set: &SidecarSet) -> Vec<String> {
    refused(Some(&json!({"rules": rules}).to_string()), WithoutRule::Refuse, set)
}

#[test]
fn a_set_that_writes_no_annotations_needs_no_rule() {
    assert_eq!(refused(None, WithoutRule::Refuse, &SidecarSet::default()), [""; 0]);
}

#[test]
fn without_a_white_list_the_setting_decides() {
    assert_eq!(refused(None, WithoutRule::Refuse, &set(&["a"])), [NO_RULE]);
    assert_eq!(refused(None, WithoutRule::Allow, &set(&["a"])), [""; 0]);
}

#[test]
fn without_an_expression_for_the_set_the_setting_decides() {
    for rules in [
        r#"{}"#,
        r#"{"rules": null}"#,
        r#"{"rules": [{"allowedAnnotationKeyExprs": null}]}"#,
        r#"{"rules": [{"selector": {"matchLabels": {"team": "mesh"}}, "allowedAnnotationKeyExprs": [".*"]}]}"#,
    ] {
        assert_eq!(refused(Some(rules), WithoutRule::Refuse, &set(&["a"])), [NO_RULE], "{rules}");
        assert_eq!(refused(Some(rules), WithoutRule::Allow, &set(&["a"])), [""; 0], "{rules}");
    }
}

#[test]
fn the_names_of_members_count_in_any_case() {
    let rules = r#"{"Rules": [{
        "SELECTOR": {"matchlabels": {"team": "obs"}, "MatchExpressions": [{"Key": "team", "Operator": "Exists"}]},
        "AllowedAnnotationKeyExprs": ["^oom-score$"]
    }]}"#;

    assert_eq!(refused(Some(rules), WithoutRule::Refuse, &set(&["oom-score"])), [""; 0]);
    assert_eq!(
        refused(Some(&rules.replace("\"team\": ", "\"Team\": ")), WithoutRule::Refuse, &set(&["oom-score"])),
        [NO_RULE]
    );
}

#[test]
fn every_key_has_to_match_an_expression_even_where_the_setting_allows() {
    let rules =
        r#"{"rules": [{"allowedAnnotationKeyExprs": ["^oom-score$"]}, {"allowedAnnotationKeyExprs": ["^x/"]}]}"#;

    let refused = refused(Some(rules), WithoutRule::Allow, &set(&["oom-score", "oom-score-b", "x/y"]));

    assert_eq!(
        refused,
        [
            "spec.patchPodMetadata[0].annotations[oom-score-b]: annotation(oom-score-b) is not allowed by the white list \
          of the cluster"
        ]
    );
}

#[test]
fn an_expression_matches_anywhere_in_a_key() {
    assert_eq!(refused_by(&json!([{"allowedAnnotationKeyExprs": ["oom"]}]), &set(&["x/oom-score"])), [""; 0]);
}

#[test]
fn a_rule_is_for_the_sets_that_its_selector_selects() {
    let rule = |selector: Value| json!([{"selector": selector, "allowedAnnotationKeyExprs": ["^a$"]}]);

    assert_eq!(refused_by(&rule(json!({"matchLabels": {"team": "obs"}})), &set(&["a"])), [""; 0]);
    assert_eq!(refused_by(&rule(json!({})), &set(&["a"])), [""; 0]);
    assert_eq!(refused_by(&rule(json!({"matchLabels": {"team": "mesh"}})), &set(&["a"])), [NO_RULE]);
    let mut unlabelled = set(&["a"]);
    unlabelled.metadata.labels = None;
    assert_eq!(refused_by(&rule(json!({"matchLabels": {"team": "obs"}})), &unlabelled), [NO_RULE]);
}

#[test]
fn unknown_members_are_ignored() {
    let rules = json!([{"ofTheFuture": 1, "annotationKeyExprs": [], "allowedAnnotationKeyExprs": ["^a$"]}]);

    assert_eq!(refused_by(&rules, &set(&["a"])), [""; 0]);
}

#[test]
fn a_white_list_that_cannot_be_read_allows_nothing() {
    let message = "spec.patchPodMetadata: the white list of the cluster cannot be read: ";

    for (text, fault) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[", "EOF while parsing a list at line 1 column 1"),
        (
            r#"{"rules": [{"selector": {"matchLabels": {"a": "b/c"}}}]}"#,
            "rules[0].selector.matchLabels[a]: \"b/c\" is not a label value",
        ),
    ] {
        let expected = format!("{message}{fault}");
        assert_eq!(refused(Some(text), WithoutRule::Allow, &set(&["a"])), [expected.as_str()]);
    }
}

#[test]
fn an_expression_that_cannot_be_read_refuses_the_sets_that_its_rule_is_for() {
    let rules = |team: &str| {
        json!([
            {"selector": {"matchLabels": {"team": team}}, "allowedAnnotationKeyExprs": ["a{2000}{2000}"]},
            {"allowedAnnotationKeyExprs": ["^a$"]},
        ])
    };

    assert_eq!(
        refused_by(&rules("obs"), &set(&["a"])),
        ["spec.patchPodMetadata: the white list of the cluster has an expression that cannot be read: rules[0] \
          \"a{2000}{2000}\""]
    );
    assert_eq!(refused_by(&rules("mesh"), &set(&["a"])), [""; 0]);
}
