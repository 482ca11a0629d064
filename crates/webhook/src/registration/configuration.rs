//! The webhook configurations, from the settings.

use super::NAME;
use super::arriving::{self, Arriving};
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
use sidecarset_core::registration::{Asked, FailurePolicy, Registration};
use std::collections::BTreeSet;
use std::sync::Arc;

const TIMEOUT_SECONDS: i32 = 5;
/// The answer takes milliseconds, or a second where a namespace has to be looked up. If we hang, others should not.
const POD_TIMEOUT_SECONDS: i32 = 3;
const PORT: i32 = 443;
const DOMAIN: &str = ".sidecarset.apps.kruise.io";
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
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Identity {
    /// The authorities by which it knows our certificate, as a PEM text.
    pub authorities: String,
    /// The object with which the configurations go away.
    pub owner: Option<OwnerReference>,
}

/// Returns the configurations.
#[must_use]
pub fn configurations(settings: &Settings, identity: &Identity, registration: &Registration) -> Configurations {
    let authorities = identity.authorities.as_str();
    let fail = pods(settings, authorities, registration, FailurePolicy::Fail);
    let ignore = pods(settings, authorities, registration, FailurePolicy::Ignore);
    let sets = sets(settings, authorities);
    Configurations {
        mutating: MutatingWebhookConfiguration {
            metadata: metadata(identity),
            webhooks: Some([fail, ignore, Some(sets)].into_iter().flatten().collect()),
        },
        validating: ValidatingWebhookConfiguration {
            metadata: metadata(identity),
            webhooks: Some(vec![checked_sets(settings, authorities)]),
        },
    }
}

impl Configurations {
    /// Has it tell other replicas which sets are being written.
    #[must_use]
    pub fn announcing(mut self, replica: &str, sets: &BTreeSet<Arriving>) -> Self {
        self.mutating.metadata.annotations = arriving::annotation(replica, sets);
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
    (uid, authorities): (&str, &str),
    registration: &Registration,
    sets: &BTreeSet<Arriving>,
) -> MutatingWebhookConfiguration {
    let policies = [FailurePolicy::Fail, FailurePolicy::Ignore];
    let webhooks = policies.into_iter().filter_map(|policy| {
        let webhook = pods(settings, authorities, registration, policy)?;
        Some(MutatingWebhook { name: added_name(policy, &settings.replica), ..webhook })
    });
    MutatingWebhookConfiguration {
        metadata: ObjectMeta {
            uid: Some(uid.to_owned()),
            annotations: arriving::annotation(&settings.replica, sets),
            ..metadata(&Identity::default())
        },
        webhooks: Some(webhooks.collect()),
    }
}

fn added_name(policy: FailurePolicy, replica: &str) -> String {
    let of_policy = match policy {
        FailurePolicy::Fail => "",
        FailurePolicy::Ignore => "-ignore",
    };
    format!("{ADDED}{replica}{of_policy}{DOMAIN}")
}

/// Returns the replica that added a webhook, if one did.
pub(crate) fn added_by(webhook: &MutatingWebhook) -> Option<&str> {
    let name = webhook.name.strip_prefix(ADDED)?.strip_suffix(DOMAIN)?;
    Some(name.strip_suffix("-ignore").unwrap_or(name))
}

/// Returns the authorities that the API server trusts, as a PEM text.
pub(crate) fn authorities(client: &WebhookClientConfig) -> String {
    client.ca_bundle.as_ref().map(|bundle| String::from_utf8_lossy(&bundle.0).into_owned()).unwrap_or_default()
}

/// Returns those of one webhook.
pub(crate) fn authorities_of(webhook: &MutatingWebhook) -> String {
    authorities(&webhook.client_config)
}

/// Returns the webhook for the Pods of one policy, if there are any.
fn pods(
    settings: &Settings,
    authorities: &str,
    registration: &Registration,
    policy: FailurePolicy,
) -> Option<MutatingWebhook> {
    let (name, asked) = match policy {
        FailurePolicy::Fail => ("mpod", &registration.fail),
        FailurePolicy::Ignore => ("mpod-ignore", &registration.ignore),
    };
    let Asked::Where(conditions) = asked else { return None };
    let conditions = conditions
        .iter()
        .map(|condition| MatchCondition { name: condition.name.to_owned(), expression: condition.expression.clone() });
    Some(MutatingWebhook {
        name: format!("{name}{DOMAIN}"),
        client_config: client(settings, authorities, path::POD),
        rules: Some(vec![rule(["", "v1", "pods"], &["CREATE"], "Namespaced")]),
        failure_policy: Some(policy.to_string()),
        namespace_selector: outside_of(&registration.exempt),
        match_conditions: (conditions.len() > 0).then(|| conditions.collect()),
        // Another webhook may add a label by which one more set selects the Pod. Injecting twice is injecting once.
        reinvocation_policy: Some("IfNeeded".to_owned()),
        timeout_seconds: Some(POD_TIMEOUT_SECONDS),
        ..mutating(settings)
    })
}

fn sets(settings: &Settings, authorities: &str) -> MutatingWebhook {
    MutatingWebhook {
        name: "msidecarset.apps.kruise.io".to_owned(),
        client_config: client(settings, authorities, path::MUTATE_SET),
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

fn checked_sets(settings: &Settings, authorities: &str) -> ValidatingWebhook {
    ValidatingWebhook {
        name: "vsidecarset.apps.kruise.io".to_owned(),
        client_config: client(settings, authorities, path::VALIDATE_SET),
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

fn metadata(identity: &Identity) -> ObjectMeta {
    let owners = identity.owner.clone().map(|owner| vec![owner]);
    ObjectMeta { name: Some(NAME.to_owned()), owner_references: owners, ..ObjectMeta::default() }
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

fn outside_of(namespaces: &BTreeSet<Arc<str>>) -> Option<LabelSelector> {
    let requirement = || LabelSelectorRequirement {
        key: markers::NAMESPACE_NAME.to_owned(),
        operator: "NotIn".to_owned(),
        values: Some(namespaces.iter().map(ToString::to_string).collect()),
    };
    let selector = || LabelSelector { match_expressions: Some(vec![requirement()]), ..LabelSelector::default() };
    (!namespaces.is_empty()).then(selector)
}

fn client(settings: &Settings, authorities: &str, path: &str) -> WebhookClientConfig {
    let (service, url) = match &settings.endpoint {
        Endpoint::Service { name } => (Some(service(name, &settings.namespace, path)), None),
        Endpoint::Url(base) => (None, Some(base.join(path))),
    };
    WebhookClientConfig { ca_bundle: Some(ByteString(authorities.as_bytes().to_vec())), service, url }
}

fn service(name: &str, namespace: &str, path: &str) -> ServiceReference {
    ServiceReference {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        path: Some(path.to_owned()),
        port: Some(PORT),
    }
}
