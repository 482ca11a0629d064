//! SidecarSets that are written: what is filled in, and what is refused.

mod custom_version;
mod defaulting;
mod mirror;
mod overlay;

use crate::review::{Denial, Operation, Request, Verdict};
use json_patch::Patch;
use serde_json::Value;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_api::{GROUP, KIND, v1alpha1, v1beta1};
use sidecarset_core::normalize::normalize;
use sidecarset_core::validation::Violations;
use tracing::{debug, info};

/// Fills in the defaults, the spellings of the other version, and the hashes. Nothing that a person wrote is removed.
#[must_use]
pub fn mutate(request: &Request) -> Verdict {
    let set = match subject(request) {
        Ok(Some(set)) => set,
        Ok(None) => return Verdict::untouched(),
        Err(denial) => return Verdict::Denied(denial),
    };
    // What cannot be read is refused by the validating webhook, which can say so better.
    let Ok(read) = read(set) else {
        return Verdict::untouched();
    };
    let old = self::read(&request.old_object).ok();
    let filled = defaulting::filled(read, old.as_ref());
    if filled.hashes.is_none() && is_spec_unchanged(request) {
        // Only the metadata changes: filling in the spec would turn it into a change of the spec, which is refused.
        debug!(set = name(request), "left an invalid set as it is");
        return Verdict::untouched();
    }
    Verdict::Allowed { patch: Patch(overlay::operations(set, &filled.into_overlay())), warnings: Vec::new() }
}

/// Refuses a set that could not be acted on, with everything that is wrong with it. What leaves the spec as it is is
/// always allowed, so that a set that has become invalid can still be deleted.
#[must_use]
pub fn validate(request: &Request) -> Verdict {
    let denial = match subject(request) {
        Ok(Some(set)) if !is_spec_unchanged(request) => check(set, name(request)),
        Ok(_) => Ok(()),
        Err(denial) => Err(denial),
    };
    match denial {
        Ok(()) => Verdict::untouched(),
        Err(denial) => {
            info!(set = name(request), %denial, "refused a set");
            Verdict::Denied(denial)
        }
    }
}

/// Returns the set, if it is written as a whole and stays.
fn subject(request: &Request) -> Result<Option<&Value>, Denial> {
    let unexpected = || Denial::unexpected(request, "a SidecarSet as apps.kruise.io/v1beta1/sidecarsets");
    if request.resource.group != GROUP || request.resource.resource != "sidecarsets" {
        return Err(unexpected());
    }
    let is_whole = request.sub_resource.as_deref().unwrap_or_default().is_empty();
    if !is_whole || !matches!(request.operation, Operation::Create | Operation::Update) {
        return Ok(None);
    }
    let has_known_version = [v1alpha1::VERSION, v1beta1::VERSION].contains(&request.kind.version.as_str());
    if request.kind.group != GROUP || request.kind.kind != KIND || !has_known_version {
        return Err(unexpected());
    }
    if !request.object.is_object() {
        return Err(Denial::BadRequest("the request to write a SidecarSet has no object".to_owned()));
    }
    Ok(request.object["metadata"]["deletionTimestamp"].is_null().then_some(&request.object))
}

fn is_spec_unchanged(request: &Request) -> bool {
    request.operation == Operation::Update && request.object.get("spec") == request.old_object.get("spec")
}

fn read(set: &Value) -> Result<SidecarSet, serde_json::Error> {
    serde::Deserialize::deserialize(set)
}

fn name(request: &Request) -> &str {
    let own = request.object["metadata"]["name"].as_str();
    own.or(request.name.as_deref()).unwrap_or_default()
}

fn check(set: &Value, name: &str) -> Result<(), Denial> {
    let read = read(set).map_err(|error| Denial::Invalid {
        message: format!("{KIND}.{GROUP} {name:?} is invalid: {error}"),
        details: None,
    })?;
    let mut violations = Violations::default();
    custom_version::check(&read, &mut violations);
    for violation in normalize(&read).err().iter().flatten() {
        violations.add(violation.path.as_str(), &violation.message);
    }
    if violations.is_empty() { Ok(()) } else { Err(Denial::invalid(GROUP, KIND, name, &violations)) }
}
