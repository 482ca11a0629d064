//! Whether the API server asks us about the Pods that sets select, and about no others.

use super::NAME;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::Api;
use kube::api::{Patch, PatchParams};

/// What an API server says of an applied object with conditions that it does not know. One that knows them and does not
/// evaluate them leaves them out without a word.
const UNKNOWN: &str = ".matchConditions: field not declared in schema";

/// Applies a configuration as far as the API server knows what it says.
pub(super) async fn apply(
    api: &Api<MutatingWebhookConfiguration>,
    parameters: &PatchParams,
    wanted: &MutatingWebhookConfiguration,
) -> kube::Result<MutatingWebhookConfiguration> {
    match api.patch(NAME, parameters, &Patch::Apply(wanted)).await {
        Err(kube::Error::Api(status)) if status.message.contains(UNKNOWN) => {
            api.patch(NAME, parameters, &Patch::Apply(&without_conditions(wanted))).await
        }
        answer => answer,
    }
}

/// Says whether the API server keeps the conditions that it was told.
pub(super) fn is_narrow(written: &MutatingWebhookConfiguration, wanted: &MutatingWebhookConfiguration) -> bool {
    // Other replicas may have added webhooks of their own.
    conditional(written) >= conditional(wanted)
}

fn without_conditions(configuration: &MutatingWebhookConfiguration) -> MutatingWebhookConfiguration {
    let mut configuration = configuration.clone();
    configuration.webhooks.iter_mut().flatten().for_each(|webhook| webhook.match_conditions = None);
    configuration
}

/// Returns how many webhooks have conditions.
fn conditional(configuration: &MutatingWebhookConfiguration) -> usize {
    configuration.webhooks.iter().flatten().filter(|webhook| webhook.match_conditions.is_some()).count()
}
