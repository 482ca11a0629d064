//! The webhook configurations.

use crate::scenario::answering;
use serde_json::{Value, json};
use sidecarset_webhook::registration::{apply, configurations};
use sidecarset_webhook::settings::{Endpoint, FailurePolicy, Settings};

fn settings() -> Settings {
    Settings {
        bind: ([0, 0, 0, 0], 9443).into(),
        namespace: "sidecarset".to_owned(),
        endpoint: Endpoint::Service { name: "webhook".to_owned() },
        failure_policy: FailurePolicy::Fail,
        match_conditions: Vec::new(),
    }
}

fn at(path: &str) -> Value {
    // The base64 text of "PEM".
    json!({
        "caBundle": "UEVN",
        "service": {"name": "webhook", "namespace": "sidecarset", "path": path, "port": 443},
    })
}

#[test]
fn the_mutating_configuration_asks_about_new_pods_and_sets() {
    let mutating = serde_json::to_value(configurations(&settings(), "PEM").mutating).unwrap();

    let pods = json!({
        "name": "mpod.sidecarset.apps.kruise.io",
        "clientConfig": at("/mutate-pod"),
        "rules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"],
            "scope": "Namespaced",
        }],
        "namespaceSelector": {"matchExpressions": [{
            "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["sidecarset", "kube-system"],
        }]},
        "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "matchPolicy": "Equivalent",
        "reinvocationPolicy": "IfNeeded", "sideEffects": "None", "timeoutSeconds": 5,
    });
    let sets = json!({
        "name": "msidecarset.apps.kruise.io",
        "clientConfig": at("/mutate-apps-kruise-io-sidecarset"),
        "rules": [{
            "apiGroups": ["apps.kruise.io"], "apiVersions": ["v1beta1"], "resources": ["sidecarsets"],
            "operations": ["CREATE", "UPDATE"], "scope": "Cluster",
        }],
        "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "matchPolicy": "Equivalent",
        "sideEffects": "None", "timeoutSeconds": 5,
    });
    assert_eq!(
        mutating,
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "sidecarset"}, "webhooks": [pods, sets],
        })
    );
}

#[test]
fn the_validating_configuration_asks_about_sets() {
    let validating = serde_json::to_value(configurations(&settings(), "PEM").validating).unwrap();

    assert_eq!(
        validating,
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "sidecarset"},
            "webhooks": [{
                "name": "vsidecarset.apps.kruise.io",
                "clientConfig": at("/validate-apps-kruise-io-sidecarset"),
                "rules": [{
                    "apiGroups": ["apps.kruise.io"], "apiVersions": ["v1beta1"], "resources": ["sidecarsets"],
                    "operations": ["CREATE", "UPDATE"], "scope": "Cluster",
                }],
                "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "matchPolicy": "Equivalent",
                "sideEffects": "None", "timeoutSeconds": 5,
            }],
        })
    );
}

#[test]
fn outside_of_the_cluster_we_are_asked_by_url() {
    let endpoint = Endpoint::Url("https://127.0.0.1:9443/base/".parse().unwrap());

    let mutating = configurations(&Settings { endpoint, ..settings() }, "PEM").mutating;

    let client = serde_json::to_value(&mutating.webhooks.unwrap()[0].client_config).unwrap();
    assert_eq!(client, json!({"caBundle": "UEVN", "url": "https://127.0.0.1:9443/base/mutate-pod"}));
}

#[test]
fn while_we_are_away_objects_may_pass() {
    let settings = Settings { failure_policy: FailurePolicy::Ignore, ..settings() };

    let configurations = configurations(&settings, "PEM");

    let mutating = configurations.mutating.webhooks.unwrap();
    let validating = configurations.validating.webhooks.unwrap();
    let policies = mutating.iter().map(|webhook| &webhook.failure_policy);
    let policies: Vec<_> = policies.chain(validating.iter().map(|webhook| &webhook.failure_policy)).collect();
    assert_eq!(policies, [&Some("Ignore".to_owned()); 3]);
}

#[test]
fn a_condition_narrows_what_is_asked_about_pods_only() {
    let condition = serde_json::from_value(json!({"name": "selected", "expression": "true"})).unwrap();
    let settings = Settings { match_conditions: vec![condition], ..settings() };

    let webhooks = configurations(&settings, "PEM").mutating.webhooks.unwrap();

    assert_eq!(webhooks[0].match_conditions.as_ref().unwrap()[0].expression, "true");
    assert_eq!(webhooks[1].match_conditions, None);
}

#[tokio::test]
async fn both_configurations_are_applied_as_ours() {
    let blank = || json!({"metadata": {"name": "sidecarset"}});
    let (client, asked) = answering(vec![(200, blank()), (200, blank())]);

    apply(&client, &configurations(&settings(), "PEM")).await.unwrap();

    let asked = asked.await.unwrap();
    let base = "PATCH /apis/admissionregistration.k8s.io/v1";
    let how = "force=true&fieldManager=sidecarset-operator";
    assert_eq!(asked[0].0, format!("{base}/validatingwebhookconfigurations/sidecarset?&{how}"));
    assert_eq!(asked[1].0, format!("{base}/mutatingwebhookconfigurations/sidecarset?&{how}"));
}
