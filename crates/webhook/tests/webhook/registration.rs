//! The webhook configurations.

use crate::scenario::{answering, failure};
use serde_json::{Value, json};
use sidecarset_core::registration::{Asked, Condition, Registration};
use sidecarset_webhook::certificate::Lifetimes;
use sidecarset_webhook::registration::{self, Configurations, Identity, Versions, apply};
use sidecarset_webhook::settings::{Endpoint, FailurePolicy, Settings};

fn settings() -> Settings {
    Settings {
        bind: ([0, 0, 0, 0], 9443).into(),
        namespace: "sidecarset".to_owned(),
        endpoint: Endpoint::Service { name: "webhook".to_owned() },
        certificate_secret: None,
        lifetimes: Lifetimes::A_YEAR,
        failure_policy: FailurePolicy::Fail,
        owner: None,
        replica: "one".to_owned(),
        clients: None,
    }
}

fn identity() -> Identity {
    Identity { authorities: "PEM".to_owned(), owner: None }
}

/// What is asked about Pods of one policy or the other.
fn asking(fail: Asked, ignore: Asked) -> Registration {
    Registration { fail, ignore, exempt: ["kube-system".into(), "sidecarset".into()].into() }
}

/// What is asked while a set selects Pods labelled `app`.
fn selective() -> Registration {
    let conditions = vec![Condition { name: "selected", expression: "'app' in object.metadata.labels".to_owned() }];
    asking(Asked::Where(conditions), Asked::Nothing)
}

fn configurations(settings: &Settings) -> Configurations {
    registration::configurations(settings, &identity(), &selective())
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
    let mutating = serde_json::to_value(configurations(&settings()).mutating).unwrap();

    let pods = json!({
        "name": "mpod.sidecarset.apps.kruise.io",
        "clientConfig": at("/mutate-pod"),
        "rules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"],
            "scope": "Namespaced",
        }],
        "namespaceSelector": {"matchExpressions": [{
            "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "sidecarset"],
        }]},
        "matchConditions": [{"name": "selected", "expression": "'app' in object.metadata.labels"}],
        "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "matchPolicy": "Equivalent",
        "reinvocationPolicy": "IfNeeded", "sideEffects": "None", "timeoutSeconds": 3,
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
    let validating = serde_json::to_value(configurations(&settings()).validating).unwrap();

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
                "sideEffects": "NoneOnDryRun", "timeoutSeconds": 5,
            }],
        })
    );
}

#[test]
fn outside_of_the_cluster_we_are_asked_by_url() {
    let endpoint = Endpoint::Url("https://127.0.0.1:9443/base/".parse().unwrap());

    let mutating = configurations(&Settings { endpoint, ..settings() }).mutating;

    let client = serde_json::to_value(&mutating.webhooks.unwrap()[0].client_config).unwrap();
    assert_eq!(client, json!({"caBundle": "UEVN", "url": "https://127.0.0.1:9443/base/mutate-pod"}));
}

fn webhooks(registration: &Registration) -> Vec<Value> {
    let mutating = registration::configurations(&settings(), &identity(), registration).mutating;
    mutating.webhooks.unwrap().iter().map(|webhook| serde_json::to_value(webhook).unwrap()).collect()
}

#[test]
fn while_we_are_away_sets_may_pass() {
    let settings = Settings { failure_policy: FailurePolicy::Ignore, ..settings() };

    let configurations = registration::configurations(&settings, &identity(), &asking(Asked::Nothing, Asked::Nothing));

    let mutating = configurations.mutating.webhooks.unwrap();
    let validating = configurations.validating.webhooks.unwrap();
    assert_eq!(mutating[0].failure_policy, Some("Ignore".to_owned()));
    assert_eq!(validating[0].failure_policy, Some("Ignore".to_owned()));
}

#[test]
fn pods_that_no_set_selects_are_not_asked_about() {
    let webhooks = webhooks(&asking(Asked::Nothing, Asked::Nothing));

    assert_eq!(webhooks.iter().map(|webhook| &webhook["name"]).collect::<Vec<_>>(), ["msidecarset.apps.kruise.io"]);
}

#[test]
fn pods_of_each_policy_are_asked_about_by_a_webhook_of_their_own() {
    let webhooks = webhooks(&asking(Asked::Where(Vec::new()), Asked::Where(Vec::new())));

    let policies: Vec<_> = webhooks.iter().map(|webhook| (&webhook["name"], &webhook["failurePolicy"])).collect();
    assert_eq!(
        policies,
        [
            (&json!("mpod.sidecarset.apps.kruise.io"), &json!("Fail")),
            (&json!("mpod-ignore.sidecarset.apps.kruise.io"), &json!("Ignore")),
            (&json!("msidecarset.apps.kruise.io"), &json!("Fail")),
        ]
    );
    assert_eq!(webhooks[0]["matchConditions"], json!(null));
}

#[test]
fn where_every_reserved_namespace_is_asked_about_none_is_left_out() {
    let webhooks = webhooks(&Registration { exempt: [].into(), ..selective() });

    assert_eq!(webhooks[0]["namespaceSelector"], json!(null));
}

#[tokio::test]
async fn both_configurations_belong_to_the_cluster_role() {
    let role = json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": {"name": "sidecarset-operator", "uid": "0815"},
    });
    let (client, asked) = answering(vec![(200, role)]);

    let owner = registration::owner(&client, "sidecarset-operator").await.unwrap();
    let identity = Identity { owner: Some(owner), ..identity() };
    let configurations = registration::configurations(&settings(), &identity, &selective());

    let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/sidecarset-operator";
    assert_eq!(asked.await.unwrap()[0].0, format!("GET {path}"));
    let owners = json!([{
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "sidecarset-operator", "uid": "0815",
    }]);
    let belongs_to = |configuration: Value| configuration["metadata"]["ownerReferences"].clone();
    assert_eq!(belongs_to(serde_json::to_value(configurations.mutating).unwrap()), owners);
    assert_eq!(belongs_to(serde_json::to_value(configurations.validating).unwrap()), owners);
}

#[tokio::test]
async fn a_cluster_role_that_is_gone_is_named() {
    let (client, _asked) = answering(vec![failure(404, "NotFound")]);

    let error = registration::owner(&client, "sidecarset-operator").await.unwrap_err();

    assert_eq!(
        error.to_string(),
        "failed to read the cluster role sidecarset-operator, which the webhook configurations belong to"
    );
}

#[tokio::test]
async fn both_configurations_are_applied_as_ours() {
    let answer = |version: &str| json!({"metadata": {"name": "sidecarset", "resourceVersion": version}});
    let (client, asked) = answering(vec![(200, answer("4")), (200, answer("5"))]);

    let written = apply(&client, configurations(&settings()), None).await.unwrap();

    assert_eq!(written.versions, Versions { mutating: Some("5".to_owned()), validating: Some("4".to_owned()) });
    let asked = asked.await.unwrap();
    let base = "PATCH /apis/admissionregistration.k8s.io/v1";
    let how = "force=true&fieldManager=sidecarset-operator";
    assert_eq!(asked[0].0, format!("{base}/validatingwebhookconfigurations/sidecarset?&{how}"));
    assert_eq!(asked[1].0, format!("{base}/mutatingwebhookconfigurations/sidecarset?&{how}"));
}

#[tokio::test]
async fn what_was_written_already_is_not_written_again() {
    let answer = |version: &str| json!({"metadata": {"name": "sidecarset", "resourceVersion": version}});
    let (client, asked) = answering(vec![(200, answer("4")), (200, answer("5")), (200, answer("6"))]);
    let before = apply(&client, configurations(&settings()), None).await.unwrap();

    let same = apply(&client, configurations(&settings()), Some(&before)).await.unwrap();
    let wider =
        registration::configurations(&settings(), &identity(), &asking(Asked::Where(Vec::new()), Asked::Nothing));
    apply(&client, wider, Some(&same)).await.unwrap();

    let asked = asked.await.unwrap();
    let last = asked[2].0.split('?').next().unwrap();
    assert_eq!(same, before);
    assert_eq!(last, "PATCH /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecarset");
}
