//! SidecarSets that are written: what is filled in, and what is refused.

mod defaulting;
mod overlay;

use crate::context::Context;
use crate::review::{Cause, Denial, Operation, Request, Verdict, told};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_api::{GROUP, KIND, v1alpha1, v1beta1};
use sidecarset_core::catalog::Entry;
use sidecarset_core::injection::Patch;
use sidecarset_core::json::{Document, Extent, Json, ReadError};
use sidecarset_core::normalize::spelling::{Version, owned_spellings};
use sidecarset_core::registration::WebhookScope;
use sidecarset_core::validation::{Violations, examine, keeps_its_base, too_large};
use tracing::{debug, info};

/// What is reviewed here.
const EXPECTED: &str = "a SidecarSet as apps.kruise.io/v1beta1/sidecarsets";

/// A request to write a SidecarSet, which is read where it stands.
type SetRequest<'a> = Request<'a, Json<'a>>;

/// Why a set cannot be read.
#[derive(Debug)]
enum Unreadable {
    TooLarge(Violations),
    Type(ReadError),
}

/// Returns how many bytes of memory it takes at most to work on a set, as it is and as it was. A test holds it to that.
#[must_use]
pub fn cost(request: &SetRequest<'_>) -> usize {
    let read = [request.object, request.old_object].into_iter().filter(|set| too_large(*set).is_empty());
    read.map(|set| of_extent(set.extent())).sum()
}

/// What is made of a set is made of maps and lists, some of which are there several times for a moment. Where something is wrong with
/// a text, it is told with escapes before it is cut: a byte becomes six.
fn of_extent(extent: Extent) -> usize {
    extent.objects * 1600 + extent.values * 250 + extent.bytes * 11
}

/// Fills in the defaults, the spellings of the other version, and the hashes. What a person wrote is kept, but for what
/// contradicts the spelling that counts.
#[must_use]
pub fn mutate(request: &SetRequest<'_>) -> Verdict {
    let set = match subject(request) {
        Ok(Some(set)) => set,
        Ok(None) => return Verdict::untouched(),
        Err(denial) => return Verdict::Denied(denial),
    };
    // What cannot be read is refused by the validating webhook, which can say so better.
    let Ok(read) = read(set) else {
        return Verdict::untouched();
    };
    let Some(version) = Version::parse(request.written_version) else {
        return Verdict::Denied(Denial::unexpected(request, EXPECTED));
    };
    let old = self::read(request.old_object).ok();
    let mut filled = defaulting::filled(read, old, version);
    if filled.record.is_none() && is_spec_unchanged(request) {
        // Only the metadata changes: filling in the spec would turn it into a change of the spec, which is refused.
        debug!(set = name(request), "left an invalid set as it is");
        return Verdict::untouched();
    }
    let warnings = std::mem::take(&mut filled.warnings);
    let overlays = filled.into_overlays();
    Verdict::Allowed { patch: overlay::patch(set, overlays.iter().map(Document::root)), warnings }
}

/// Refuses a set that could not be acted on, with everything that is wrong with it. What leaves the spec as it is is
/// always allowed, so that a set that has become invalid can still be deleted.
#[must_use]
pub fn validate(request: &SetRequest<'_>, context: &Context) -> Verdict {
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
pub fn candidate<'a>(request: &SetRequest<'a>, verdict: &Verdict) -> Option<(&'a str, WebhookScope)> {
    let is_written = matches!(verdict, Verdict::Allowed { .. }) && request.dry_run != Some(true);
    let set = subject(request).ok().flatten().filter(|_| is_written && !is_spec_unchanged(request))?;
    let scope = Entry::new(&read(set).ok()?).scope()?;
    let before = read(request.old_object).ok().and_then(|old| Entry::new(&old).scope());
    (before.as_ref() != Some(&scope)).then(|| (name(request), scope))
}

/// Returns the set, if it is written as a whole and stays.
fn subject<'a>(request: &SetRequest<'a>) -> Result<Option<Json<'a>>, Denial> {
    let unexpected = || Denial::unexpected(request, EXPECTED);
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
    Ok(request.object.at("metadata").at("deletionTimestamp").is_null().then_some(request.object))
}

/// Says whether the spec is as it was. The API server writes both in the same way.
fn is_spec_unchanged(request: &SetRequest<'_>) -> bool {
    request.operation == Operation::Update && request.object.at("spec").raw() == request.old_object.at("spec").raw()
}

/// Reads a set. Of who has changed which member when, which may be half of it, only what has two spellings is.
fn read(set: Json<'_>) -> Result<SidecarSet, Unreadable> {
    let violations = too_large(set);
    if !violations.is_empty() {
        return Err(Unreadable::TooLarge(violations));
    }
    read_whole(set).map_err(Unreadable::Type)
}

fn read_whole(set: Json<'_>) -> Result<SidecarSet, ReadError> {
    let metadata = set.at("metadata");
    let metadata = if metadata.is_object() {
        let managed_fields = owned_spellings(metadata.at("managedFields"));
        let members = metadata.members().filter(|(name, _)| *name != "managedFields");
        ObjectMeta { managed_fields: Some(managed_fields), ..Deserialize::deserialize(MapDeserializer::new(members))? }
    } else {
        Deserialize::deserialize(metadata)?
    };
    let spec = set.get("spec").ok_or_else(|| serde::de::Error::missing_field("spec"))?;
    Ok(SidecarSet {
        metadata,
        spec: Deserialize::deserialize(spec)?,
        status: Deserialize::deserialize(set.at("status"))?,
    })
}

fn name<'a>(request: &SetRequest<'a>) -> &'a str {
    let own = request.object.at("metadata").at("name").as_str();
    told(own.or(request.name).unwrap_or_default())
}

/// Returns what the author of a set should know.
fn check(set: Json<'_>, request: &SetRequest<'_>, context: &Context) -> Result<Vec<String>, Denial> {
    let name = name(request);
    let read = read(set);
    let old = self::read(request.old_object).ok();
    if is_spec_unchanged(request) && keeps_its_part(read.as_ref().ok(), old.as_ref()) {
        return Ok(Vec::new());
    }
    let read = read.map_err(|error| match error {
        Unreadable::TooLarge(violations) => Denial::invalid(GROUP, KIND, name, &violations),
        Unreadable::Type(error) => Denial::Invalid {
            cause: Cause::InvalidSpec,
            message: format!("{KIND}.{GROUP} {name:?} is invalid: {error}"),
            details: None,
        },
    })?;
    let mut violations = Violations::default();
    let catalog = context.catalog.read();
    catalog.check_permissions(&read, &mut violations);
    let examined = examine(&read, old.as_ref(), &catalog, violations);
    drop(catalog);
    let mut warnings = examined.map_err(|violations| Denial::invalid(GROUP, KIND, name, &violations))?;
    if let Entry::Valid(set) = Entry::new(&read) {
        warnings.extend(context.pods.survey(&set));
    }
    Ok(warnings)
}

/// Says whether a set is as much of a canary as it was. What cannot be read has no part to play.
fn keeps_its_part(set: Option<&SidecarSet>, old: Option<&SidecarSet>) -> bool {
    match (set, old) {
        (Some(set), Some(old)) => keeps_its_base(set, old),
        (None, _) | (_, None) => true,
    }
}
