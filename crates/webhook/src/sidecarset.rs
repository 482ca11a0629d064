//! SidecarSets that are written: what is filled in, and what is refused.

mod custom_version;
mod defaulting;
mod mirror;
mod overlay;

use crate::context::Context;
use crate::review::{Cause, Denial, Operation, Request, Verdict};
use serde_json::Value;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_api::{GROUP, KIND, v1alpha1, v1beta1};
use sidecarset_core::catalog::Entry;
use sidecarset_core::injection::Patch;
use sidecarset_core::registration::Interest;
use sidecarset_core::validation::{Violations, examine, keeps_its_base};
use tracing::{debug, info};

/// Fills in the defaults, the spellings of the other version, and the hashes. Nothing that a person wrote is removed.
#[must_use]
pub fn mutate(request: &Request<'_>) -> Verdict {
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
    if filled.record.is_none() && is_spec_unchanged(request) {
        // Only the metadata changes: filling in the spec would turn it into a change of the spec, which is refused.
        debug!(set = name(request), "left an invalid set as it is");
        return Verdict::untouched();
    }
    Verdict::Allowed { patch: overlay::patch(set, &filled.into_overlay()), warnings: Vec::new() }
}

/// Refuses a set that could not be acted on, with everything that is wrong with it. What leaves the spec as it is is
/// always allowed, so that a set that has become invalid can still be deleted.
#[must_use]
pub fn validate(request: &Request<'_>, context: &Context) -> Verdict {
    let checked = match subject(request) {
        Ok(Some(set)) => check(set, request, context),
        Ok(None) => Ok(Vec::new()),
        Err(denial) => Err(denial),
    };
    match checked {
        Ok(warnings) => Verdict::Allowed { patch: Patch::default(), warnings },
        Err(denial) => {
            info!(set = name(request), %denial, "refused a set");
            Verdict::Denied(denial)
        }
    }
}

/// Returns a set that is about to be written, with the Pods that it selects other than before.
#[must_use]
pub fn candidate<'a>(request: &'a Request<'_>, verdict: &Verdict) -> Option<(&'a str, Interest)> {
    let is_written = matches!(verdict, Verdict::Allowed { .. }) && request.dry_run != Some(true);
    let set = subject(request).ok().flatten().filter(|_| is_written && !is_spec_unchanged(request))?;
    let interest = Entry::new(&read(set).ok()?).interest()?;
    let before = read(&request.old_object).ok().and_then(|old| Entry::new(&old).interest());
    (before.as_ref() != Some(&interest)).then(|| (name(request), interest))
}

/// Returns the set, if it is written as a whole and stays.
fn subject<'a>(request: &'a Request<'_>) -> Result<Option<&'a Value>, Denial> {
    let unexpected = || Denial::unexpected(request, "a SidecarSet as apps.kruise.io/v1beta1/sidecarsets");
    if request.resource.group != GROUP || request.resource.resource != "sidecarsets" {
        return Err(unexpected());
    }
    let is_whole = request.sub_resource.unwrap_or_default().is_empty();
    if !is_whole || !matches!(request.operation, Operation::Create | Operation::Update) {
        return Ok(None);
    }
    let has_known_version = [v1alpha1::VERSION, v1beta1::VERSION].contains(&request.kind.version);
    if request.kind.group != GROUP || request.kind.kind != KIND || !has_known_version {
        return Err(unexpected());
    }
    if !request.object.is_object() {
        return Err(Denial::BadRequest("the request to write a SidecarSet has no object".to_owned()));
    }
    Ok(request.object["metadata"]["deletionTimestamp"].is_null().then_some(&request.object))
}

fn is_spec_unchanged(request: &Request<'_>) -> bool {
    request.operation == Operation::Update && request.object.get("spec") == request.old_object.get("spec")
}

fn read(set: &Value) -> Result<SidecarSet, serde_json::Error> {
    serde::Deserialize::deserialize(set)
}

fn name<'a>(request: &'a Request<'_>) -> &'a str {
    let own = request.object["metadata"]["name"].as_str();
    own.or(request.name).unwrap_or_default()
}

/// Returns what the author of a set should know.
fn check(set: &Value, request: &Request<'_>, context: &Context) -> Result<Vec<String>, Denial> {
    let name = name(request);
    let read = read(set);
    let old = self::read(&request.old_object).ok();
    if is_spec_unchanged(request) && keeps_its_part(read.as_ref().ok(), old.as_ref()) {
        return Ok(Vec::new());
    }
    let read = read.map_err(|error| Denial::Invalid {
        cause: Cause::InvalidSpec,
        message: format!("{KIND}.{GROUP} {name:?} is invalid: {error}"),
        details: None,
    })?;
    // As in Kruise: asked here only. A set that is there stays in force when the white list changes.
    let mut violations = Violations::default();
    context.permissions.check(&read, &mut violations);
    let examined = examine(&read, old.as_ref(), &context.catalog.read(), violations);
    examined.map_err(|violations| Denial::invalid(GROUP, KIND, name, &violations))
}

/// Says whether a set is as much of a canary as it was. What cannot be read has no part to play.
fn keeps_its_part(set: Option<&SidecarSet>, old: Option<&SidecarSet>) -> bool {
    match (set, old) {
        (Some(set), Some(old)) => keeps_its_base(set, old),
        (None, _) | (_, None) => true,
    }
}
