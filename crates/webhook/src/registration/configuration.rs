//! The webhook configurations, from the settings.

use super::NAME;
use super::arriving::{self, Arriving};
use crate::proof::Proof;
use crate::server::path;
use crate::settings::{Endpoint, Settings};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MutatingWebhook, MutatingWebhookConfiguration, RuleWithOperations, ServiceReference,
    ValidatingWebhook, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference,
};
use sidecarset_api::{GROUP, markers, v1beta1};
use sidecarset_core::registration::{FailurePolicy, PodWebhook, Registration, Scope};
use sidecarset_core::selection::Selector;
use std::collections::{BTreeMap, BTreeSet};

const TIMEOUT_SECONDS: i32 = 5;
/// The answer takes milliseconds, or a second where a namespace has to be looked up. If we hang, others should not.
const POD_TIMEOUT_SECONDS: i32 = 3;
const PORT: i32 = 443;
const DOMAIN: &str = ".sidecarset.apps.kruise.io";
/// The name of the condition that is true for the Pods that a set selects.
const SELECTED: &str = "selected";
const LABELS_CHANGE: &str = "object.metadata.?labels.orValue({}) != oldObject.metadata.?labels.orValue({})";
/// What the names of webhooks begin with that replicas add which do not lead.
const ADDED: &str = "mpod-arriving-";

/// What the API server asks us about.
#[derive(Debug, Clone, PartialEq)]
pub struct Configurations {
    /// New Pods, and SidecarSets before they are checked.
    pub mutating: MutatingWebhookConfiguration,
    /// SidecarSets.
    pub validating: ValidatingWebhookConfiguration,
}

/// Who we are to the API server.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The authorities by which it knows our certificate, as a PEM text.
    pub authorities: String,
    /// What it shows us: the path of each webhook begins with that.
    pub proof: Proof,
    /// The object with which the configurations go away.
    pub owner: Option<OwnerReference>,
}

/// Returns the configurations.
#[must_use]
pub fn configurations(settings: &Settings, identity: &Identity, registration: &Registration) -> Configurations {
    let pods = registration.webhooks.iter().map(|webhook| pods(settings, identity, webhook));
    let namespaces = registration.needs_labels.then(|| relabeled_namespaces(settings, identity));
    Configurations {
        mutating: MutatingWebhookConfiguration {
            metadata: metadata(settings, identity),
            webhooks: Some(pods.chain([sets(settings, identity)]).collect()),
        },
        validating: ValidatingWebhookConfiguration {
            metadata: metadata(settings, identity),
            webhooks: Some([checked_sets(settings, identity)].into_iter().chain(namespaces).collect()),
        },
    }
}

impl Configurations {
    /// Has it tell other replicas which sets are being written.
    #[must_use]
    pub fn announcing(mut self, replica: &str, sets: &BTreeSet<Arriving>) -> Self {
        if let Some(announced) = arriving::annotation(replica, sets) {
            self.mutating.metadata.annotations.get_or_insert_default().extend(announced);
        }
        self
    }

    /// Says whether the API server asks about the same objects, at the same place.
    pub(super) fn asks_like(&self, other: &Self) -> [bool; 2] {
        let (own, other_owners) = (&self.mutating.metadata.owner_references, &other.mutating.metadata.owner_references);
        let is_mutating_alike = self.mutating.webhooks == other.mutating.webhooks && own == other_owners;
        [is_mutating_alike, self.validating == other.validating]
    }
}

/// Returns what a replica adds to the mutating configuration that does not lead: the Pods of the sets about which it was asked.
/// They are parts of a list that belong to it alone, so it and the leader never write what the other one does. The object has to
/// be the one with this `uid`: where that is gone there is nothing to be added to.
#[must_use]
pub fn addition(
    settings: &Settings,
    (uid, identity): (&str, &Identity),
    registration: &Registration,
    sets: &BTreeSet<Arriving>,
) -> MutatingWebhookConfiguration {
    let webhooks = registration.webhooks.iter().map(|webhook| {
        let name = format!("{ADDED}{}.{}{DOMAIN}", settings.replica, label(webhook));
        MutatingWebhook { name, ..pods(settings, identity, webhook) }
    });
    MutatingWebhookConfiguration {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            uid: Some(uid.to_owned()),
            annotations: arriving::annotation(&settings.replica, sets),
            ..ObjectMeta::default()
        },
        webhooks: Some(webhooks.collect()),
    }
}

/// Returns the replica that added a webhook, if one did.
pub(crate) fn added_by(webhook: &MutatingWebhook) -> Option<&str> {
    let name = webhook.name.strip_prefix(ADDED)?.strip_suffix(DOMAIN)?;
    name.split('.').next()
}

/// Returns what tells a webhook for Pods from others.
fn label(webhook: &PodWebhook) -> String {
    let policy = match webhook.group.failure_policy {
        FailurePolicy::Fail => "",
        FailurePolicy::Ignore => "-ignore",
    };
    let scope = match webhook.group.scope {
        Scope::Named => String::new(),
        Scope::Any => "-any".to_owned(),
        Scope::Unjudged => "-unjudged".to_owned(),
        Scope::Matching(digest) => format!("-{digest}"),
    };
    let part = if webhook.part == 0 { String::new() } else { format!("-{}", webhook.part + 1) };
    format!("mpod{policy}{scope}{part}")
}

/// Returns the authorities that the API server trusts, as a PEM text.
pub(crate) fn authorities(client: &WebhookClientConfig) -> String {
    client.ca_bundle.as_ref().map(|bundle| String::from_utf8_lossy(&bundle.0).into_owned()).unwrap_or_default()
}

/// Returns the proof that it shows us.
pub(crate) fn proof(client: &WebhookClientConfig) -> Option<Proof> {
    let path = client.service.as_ref().and_then(|service| service.path.as_deref());
    path.or(client.url.as_deref()).and_then(Proof::of_registered)
}

/// Returns those of one webhook.
pub(crate) fn authorities_of(webhook: &MutatingWebhook) -> String {
    authorities(&webhook.client_config)
}

/// Returns a webhook for Pods.
fn pods(settings: &Settings, identity: &Identity, webhook: &PodWebhook) -> MutatingWebhook {
    let condition = |expression: &String| MatchCondition { name: SELECTED.to_owned(), expression: expression.clone() };
    let extra = &settings.extra.object_selector;
    MutatingWebhook {
        name: format!("{}{DOMAIN}", label(webhook)),
        client_config: client(settings, identity, &format!("{}/{}", path::POD, webhook.call())),
        rules: Some(vec![rule(["", "v1", "pods"], &["CREATE"], "Namespaced")]),
        failure_policy: Some(webhook.group.failure_policy.to_string()),
        namespace_selector: namespaces(&settings.extra.namespace_selector, webhook),
        object_selector: (!extra.is_empty()).then(|| extra.into()),
        match_conditions: webhook.condition.as_ref().map(|expression| vec![condition(expression)]),
        // Another webhook may add a label by which one more set selects the Pod. Injecting twice is injecting once.
        reinvocation_policy: Some("IfNeeded".to_owned()),
        timeout_seconds: Some(POD_TIMEOUT_SECONDS),
        ..mutating(settings)
    }
}

fn sets(settings: &Settings, identity: &Identity) -> MutatingWebhook {
    MutatingWebhook {
        name: "msidecarset.apps.kruise.io".to_owned(),
        client_config: client(settings, identity, path::MUTATE_SET),
        rules: Some(vec![set_rule()]),
        ..mutating(settings)
    }
}

fn mutating(settings: &Settings) -> MutatingWebhook {
    MutatingWebhook {
        admission_review_versions: vec!["v1".to_owned()],
        failure_policy: Some(settings.failure_policy.to_string()),
        // An object of another version is converted to the one we ask for.
        match_policy: Some("Equivalent".to_owned()),
        side_effects: "None".to_owned(),
        timeout_seconds: Some(TIMEOUT_SECONDS),
        ..MutatingWebhook::default()
    }
}

fn checked_sets(settings: &Settings, identity: &Identity) -> ValidatingWebhook {
    ValidatingWebhook {
        name: "vsidecarset.apps.kruise.io".to_owned(),
        client_config: client(settings, identity, path::VALIDATE_SET),
        rules: Some(vec![set_rule()]),
        admission_review_versions: vec!["v1".to_owned()],
        failure_policy: Some(settings.failure_policy.to_string()),
        match_policy: Some("Equivalent".to_owned()),
        // A set that is about to be written is registered before it is.
        side_effects: "NoneOnDryRun".to_owned(),
        timeout_seconds: Some(TIMEOUT_SECONDS),
        ..ValidatingWebhook::default()
    }
}

/// Returns the webhook for namespaces whose labels change: before sets select it by these, the API server has to know.
fn relabeled_namespaces(settings: &Settings, identity: &Identity) -> ValidatingWebhook {
    let changes = MatchCondition { name: "labels-change".to_owned(), expression: LABELS_CHANGE.to_owned() };
    // The labels may be written with whatever part of the object.
    let rule = RuleWithOperations {
        resources: Some(vec!["namespaces".to_owned(), "namespaces/*".to_owned()]),
        ..rule(["", "v1", "namespaces"], &["UPDATE"], "Cluster")
    };
    ValidatingWebhook {
        name: format!("vnamespace{DOMAIN}"),
        client_config: client(settings, identity, path::NAMESPACE),
        rules: Some(vec![rule]),
        match_conditions: Some(vec![changes]),
        // The labels are not ours to refuse.
        failure_policy: Some(FailurePolicy::Ignore.to_string()),
        ..checked_sets(settings, identity)
    }
}

fn metadata(settings: &Settings, identity: &Identity) -> ObjectMeta {
    let extra = |texts: &BTreeMap<_, _>| (!texts.is_empty()).then(|| texts.clone());
    ObjectMeta {
        name: Some(NAME.to_owned()),
        owner_references: identity.owner.clone().map(|owner| vec![owner]),
        labels: extra(&settings.extra.labels),
        annotations: extra(&settings.extra.annotations),
        ..ObjectMeta::default()
    }
}

fn set_rule() -> RuleWithOperations {
    rule([GROUP, v1beta1::VERSION, "sidecarsets"], &["CREATE", "UPDATE"], "Cluster")
}

fn rule([group, version, resource]: [&str; 3], operations: &[&str], scope: &str) -> RuleWithOperations {
    RuleWithOperations {
        api_groups: Some(vec![group.to_owned()]),
        api_versions: Some(vec![version.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        operations: Some(operations.iter().map(|&operation| operation.to_owned()).collect()),
        scope: Some(scope.to_owned()),
    }
}

fn namespaces(extra: &Selector, webhook: &PodWebhook) -> Option<LabelSelector> {
    let mut selector = webhook.required.as_ref().map(LabelSelector::from).unwrap_or_default();
    let expressions = selector.match_expressions.get_or_insert_default();
    expressions.extend(LabelSelector::from(extra).match_expressions.into_iter().flatten());
    if !webhook.exempt.is_empty() {
        expressions.push(LabelSelectorRequirement {
            key: markers::NAMESPACE_NAME.to_owned(),
            operator: "NotIn".to_owned(),
            values: Some(webhook.exempt.iter().map(ToString::to_string).collect()),
        });
    }
    let is_narrow = !expressions.is_empty();
    is_narrow.then_some(selector)
}

fn client(settings: &Settings, identity: &Identity, path: &str) -> WebhookClientConfig {
    let path = identity.proof.before(path);
    let (service, url) = match &settings.endpoint {
        Endpoint::Service { name } => (Some(service(name, &settings.namespace, path)), None),
        Endpoint::Url(base) => (None, Some(base.join(&path))),
    };
    WebhookClientConfig { ca_bundle: Some(ByteString(identity.authorities.as_bytes().to_vec())), service, url }
}

fn service(name: &str, namespace: &str, path: String) -> ServiceReference {
    ServiceReference { name: name.to_owned(), namespace: namespace.to_owned(), path: Some(path), port: Some(PORT) }
}
