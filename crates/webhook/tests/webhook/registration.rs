//! The webhook configurations.

use crate::scenario::{answering, failure};
use serde_json::{Value, json};
use sidecarset_core::registration::{Call, PodWebhook, Registration, Scope};
use sidecarset_core::selection::Selector;
use sidecarset_core::validation::Violations;
use sidecarset_webhook::certificate::Lifetimes;
use sidecarset_webhook::proof::Terms;
use sidecarset_webhook::registration::{self, Configurations, Identity, Versions, apply};
use sidecarset_webhook::server::Limits;
use sidecarset_webhook::settings::{Endpoint, Extra, FailurePolicy, Settings};

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
        proof_terms: Terms::A_DAY,
        clients: None,
        token_file: None,
        connections: Limits::REVIEWS.connections,
        extra: Extra::default(),
    }
}

const PROOF: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn identity() -> Identity {
    Identity { authorities: "PEM".to_owned(), proof: PROOF.to_owned().try_into().unwrap(), owner: None }
}

/// What is registered where these webhooks for Pods are.
fn registering(webhooks: Vec<PodWebhook>) -> Registration {
    Registration { webhooks, exceptions: [].into(), needs_labels: false }
}

/// A webhook for all Pods but those of reserved namespaces.
fn pods(failure_policy: FailurePolicy, scope: Scope) -> PodWebhook {
    PodWebhook {
        group: Call { scope, failure_policy },
        part: 0,
        required: None,
        exempt: ["kube-system".into(), "sidecarset".into()].into(),
        condition: None,
    }
}

/// A webhook for Pods labelled `app`.
fn selective_pods() -> PodWebhook {
    let condition = Some("'app' in object.metadata.labels".to_owned());
    PodWebhook { condition, ..pods(FailurePolicy::Fail, Scope::Named) }
}

/// What is registered while a set selects Pods labelled `app`.
fn selective() -> Registration {
    registering(vec![selective_pods()])
}

fn configurations(settings: &Settings) -> Configurations {
    registration::configurations(settings, &identity(), &selective())
}

fn at(path: &str) -> Value {
    // The base64 text of "PEM".
    json!({
        "caBundle": "UEVN",
        "service": {"name": "webhook", "namespace": "sidecarset", "path": format!("/{PROOF}{path}"), "port": 443},
    })
}

#[test]
fn the_mutating_configuration_asks_about_new_pods_and_sets() {
    let mutating = serde_json::to_value(configurations(&settings()).mutating).unwrap();

    let pods = json!({
        "name": "mpod.sidecarset.apps.kruise.io",
        "clientConfig": at("/mutate-pod/fail/named"),
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
fn both_configurations_have_the_labels_and_annotations_that_are_asked_for() {
    let text = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    let extra = Extra {
        labels: text("team", "platform"),
        annotations: text("admissions.enforcer/disabled", "true"),
        ..Extra::default()
    };

    let written = configurations(&Settings { extra, ..settings() }).announcing("one", &[].into());

    for metadata in [written.mutating.metadata, written.validating.metadata] {
        assert_eq!(
            serde_json::to_value(metadata).unwrap(),
            json!({
                "name": "sidecarset",
                "labels": {"team": "platform"},
                "annotations": {"admissions.enforcer/disabled": "true"},
            })
        );
    }
}

#[test]
fn what_namespaces_and_pods_have_to_fulfil_is_asked_of_them_by_every_webhook_for_pods() {
    let selector = |selector: Value| {
        Selector::parse(&serde_json::from_value(selector).unwrap(), "", &mut Violations::default()).unwrap()
    };
    let extra = Extra {
        namespace_selector: selector(json!({"matchExpressions": [{"key": "platform", "operator": "DoesNotExist"}]})),
        object_selector: selector(json!({"matchLabels": {"sidecars": "yes"}})),
        ..Extra::default()
    };
    let required = Some(Selector::namespace_named("shop"));
    let narrow = PodWebhook { required, exempt: [].into(), ..selective_pods() };
    let registration = registering(vec![pods(FailurePolicy::Ignore, Scope::Any), narrow]);

    let settings = Settings { extra, ..settings() };
    let mutating = registration::configurations(&settings, &identity(), &registration).mutating;
    let added = registration::addition(&settings, ("uid", &identity()), &registration, &[].into());

    let extra = json!({"key": "platform", "operator": "DoesNotExist"});
    let name = |operator: &str, values: &[&str]| json!({"key": "kubernetes.io/metadata.name", "operator": operator, "values": values});
    for webhooks in [mutating.webhooks.unwrap(), added.webhooks.unwrap()] {
        let selectors: Vec<Value> =
            webhooks.iter().map(|it| json!([it.namespace_selector, it.object_selector])).collect();
        let objects = json!({"matchExpressions": [{"key": "sidecars", "operator": "In", "values": ["yes"]}]});
        assert_eq!(
            selectors[..2],
            [
                json!([{"matchExpressions": [extra, name("NotIn", &["kube-system", "sidecarset"])]}, objects]),
                json!([{"matchExpressions": [name("In", &["shop"]), extra]}, objects]),
            ]
        );
        // Those who write SidecarSets are answered whatever labels these have.
        assert!(selectors[2..].iter().all(|sets| *sets == json!([null, null])), "{selectors:?}");
    }
}

#[test]
fn outside_of_the_cluster_we_are_asked_by_url() {
    let endpoint = Endpoint::Url("https://127.0.0.1:9443/base/".parse().unwrap());

    let mutating = configurations(&Settings { endpoint, ..settings() }).mutating;

    let client = serde_json::to_value(&mutating.webhooks.unwrap()[0].client_config).unwrap();
    assert_eq!(
        client,
        json!({"caBundle": "UEVN", "url": format!("https://127.0.0.1:9443/base/{PROOF}/mutate-pod/fail/named")})
    );
}

fn webhooks(registration: &Registration) -> Vec<Value> {
    let mutating = registration::configurations(&settings(), &identity(), registration).mutating;
    mutating.webhooks.unwrap().iter().map(|webhook| serde_json::to_value(webhook).unwrap()).collect()
}

#[test]
fn while_we_are_away_sets_may_pass() {
    let settings = Settings { failure_policy: FailurePolicy::Ignore, ..settings() };

    let configurations = registration::configurations(&settings, &identity(), &registering(Vec::new()));

    let mutating = configurations.mutating.webhooks.unwrap();
    let validating = configurations.validating.webhooks.unwrap();
    assert_eq!(mutating[0].failure_policy, Some("Ignore".to_owned()));
    assert_eq!(validating[0].failure_policy, Some("Ignore".to_owned()));
}

#[test]
fn pods_that_no_set_selects_are_not_asked_about() {
    let webhooks = webhooks(&registering(Vec::new()));

    assert_eq!(webhooks.iter().map(|webhook| &webhook["name"]).collect::<Vec<_>>(), ["msidecarset.apps.kruise.io"]);
}

#[test]
fn a_webhook_is_called_by_what_it_is_for_and_where_that_is_said() {
    let of_team = Scope::Matching("0123456789abcdef".parse().unwrap());
    let part = PodWebhook { part: 1, ..selective_pods() };
    let unjudged = PodWebhook { group: pods(FailurePolicy::Fail, Scope::Unjudged).group, ..selective_pods() };
    let ignoring = PodWebhook { group: pods(FailurePolicy::Ignore, of_team).group, ..selective_pods() };
    let every_pod = pods(FailurePolicy::Ignore, Scope::Named);

    let webhooks = webhooks(&registering(vec![selective_pods(), part, unjudged, ignoring, every_pod]));

    let told: Vec<[&str; 3]> = webhooks
        .iter()
        .map(|webhook| {
            let path = &webhook["clientConfig"]["service"]["path"];
            let [name, path, policy] =
                [&webhook["name"], path, &webhook["failurePolicy"]].map(|text| text.as_str().unwrap());
            [name, path.strip_prefix(&format!("/{PROOF}")).unwrap(), policy]
        })
        .collect();
    assert_eq!(
        told[..5],
        [
            ["mpod.sidecarset.apps.kruise.io", "/mutate-pod/fail/named", "Fail"],
            ["mpod-2.sidecarset.apps.kruise.io", "/mutate-pod/fail/named", "Fail"],
            ["mpod-unjudged.sidecarset.apps.kruise.io", "/mutate-pod/fail/unjudged", "Fail"],
            ["mpod-ignore-0123456789abcdef.sidecarset.apps.kruise.io", "/mutate-pod/ignore/0123456789abcdef", "Ignore"],
            ["mpod-ignore.sidecarset.apps.kruise.io", "/mutate-pod/ignore/any", "Ignore"],
        ]
    );
    assert_eq!(webhooks[4]["matchConditions"], json!(null));
}

#[test]
fn the_api_server_looks_at_labels_of_namespaces_by_itself() {
    let red = json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["red"]}]});
    let required = Selector::parse(&serde_json::from_value(red).unwrap(), "", &mut Violations::default());

    let webhooks = webhooks(&registering(vec![PodWebhook { required, ..selective_pods() }]));

    assert_eq!(
        webhooks[0]["namespaceSelector"],
        json!({"matchExpressions": [
            {"key": "team", "operator": "In", "values": ["red"]},
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "sidecarset"]},
        ]})
    );
}

#[test]
fn where_no_namespace_is_reserved_none_is_left_out() {
    let webhooks = webhooks(&registering(vec![PodWebhook { exempt: [].into(), ..selective_pods() }]));

    assert_eq!(webhooks[0]["namespaceSelector"], json!(null));
}

#[test]
fn while_sets_depend_on_labels_of_namespaces_these_are_asked_about() {
    let registration = Registration { needs_labels: true, ..selective() };

    let validating = registration::configurations(&settings(), &identity(), &registration).validating;

    let webhooks = serde_json::to_value(validating).unwrap()["webhooks"].take();
    assert_eq!(webhooks.as_array().unwrap().len(), 2);
    assert_eq!(
        webhooks[1],
        json!({
            "name": "vnamespace.sidecarset.apps.kruise.io",
            "clientConfig": at("/validate-namespace"),
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "resources": ["namespaces", "namespaces/*"],
                "operations": ["UPDATE"], "scope": "Cluster",
            }],
            "matchConditions": [{
                "name": "labels-change",
                "expression": "object.metadata.?labels.orValue({}) != oldObject.metadata.?labels.orValue({})",
            }],
            "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore", "matchPolicy": "Equivalent",
            "sideEffects": "NoneOnDryRun", "timeoutSeconds": 5,
        })
    );
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
    let wider = registering(vec![pods(FailurePolicy::Fail, Scope::Named)]);
    let wider = registration::configurations(&settings(), &identity(), &wider);
    apply(&client, wider, Some(&same)).await.unwrap();

    let asked = asked.await.unwrap();
    let last = asked[2].0.split('?').next().unwrap();
    assert_eq!(same, before);
    assert_eq!(last, "PATCH /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecarset");
}
