//! Reads a review: of all that the API server says, what somebody here asks for.

use super::{API_VERSION, Error, GroupVersionKind, GroupVersionResource, KIND, Operation, Request, told};
use sidecarset_core::json::{Document, Json};

/// Reads a body as JSON: what it asks is found there by [`request`].
///
/// # Errors
/// The body is no JSON.
pub fn read(body: &[u8]) -> Result<Document<'_>, Error> {
    // Once for all is faster than for each string.
    Ok(Document::parse(str::from_utf8(body)?)?)
}

/// Returns what a review asks.
///
/// # Errors
/// It is something else than a review, or asks nothing.
pub fn request<'a, O: From<Json<'a>>>(review: &'a Document<'_>) -> Result<Request<'a, O>, Error> {
    let [api_version, kind, request] = members(review.root(), ["apiVersion", "kind", "request"])?;
    if !api_version.is(API_VERSION) || !kind.is(KIND) {
        let said = |member: Json<'_>| told(member.as_str().unwrap_or_default()).to_owned();
        return Err(Error::NotAReview { api_version: said(api_version), kind: said(kind) });
    }
    if request.is_null() { Err(Error::NoRequest) } else { asked(request) }
}

fn asked<'a, O: From<Json<'a>>>(request: Json<'a>) -> Result<Request<'a, O>, Error> {
    let names = [
        "uid",
        "kind",
        "requestKind",
        "resource",
        "subResource",
        "name",
        "namespace",
        "operation",
        "dryRun",
        "object",
        "oldObject",
    ];
    let [uid, kind, written, resource, sub_resource, name, namespace, operation, dry_run, object, old_object] =
        members(request, names)?;
    let [group, version, kind] = members(kind, ["group", "version", "kind"])?;
    let kind = GroupVersionKind {
        group: optional("kind.group", group)?.unwrap_or_default(),
        version: text("kind.version", version)?,
        kind: text("kind.kind", kind)?,
    };
    let [written] = members(written, ["version"])?;
    let [group, version, resource] = members(resource, ["group", "version", "resource"])?;
    let resource = GroupVersionResource {
        group: optional("resource.group", group)?.unwrap_or_default(),
        version: text("resource.version", version)?,
        resource: text("resource.resource", resource)?,
    };
    Ok(Request {
        uid: text("uid", uid)?,
        written_version: optional("requestKind.version", written)?.unwrap_or(kind.version),
        kind,
        resource,
        sub_resource: optional("subResource", sub_resource)?,
        name: optional("name", name)?,
        namespace: optional("namespace", namespace)?,
        operation: Operation::parse(operation)?,
        dry_run: yes_or_no("dryRun", dry_run)?,
        object: object.into(),
        old_object: old_object.into(),
    })
}

/// Returns the members of these names; null for one that is not there. Nobody could say which of two counts, so there must
/// not be two.
fn members<'a, const COUNT: usize>(object: Json<'a>, names: [&'static str; COUNT]) -> Result<[Json<'a>; COUNT], Error> {
    let mut found = [None; COUNT];
    for (name, member) in object.passing_members() {
        let Some(at) = names.iter().position(|wanted| *wanted == name) else { continue };
        if found[at].replace(member).is_some() {
            return Err(Error::Twice { member: names[at] });
        }
    }
    Ok(found.map(|member| member.unwrap_or_else(Json::null)))
}

fn text<'a>(member: &'static str, found: Json<'a>) -> Result<&'a str, Error> {
    found.as_str().ok_or(Error::Member { member, expected: "a text" })
}

fn optional<'a>(member: &'static str, found: Json<'a>) -> Result<Option<&'a str>, Error> {
    if found.is_null() { Ok(None) } else { text(member, found).map(Some) }
}

fn yes_or_no(member: &'static str, found: Json<'_>) -> Result<Option<bool>, Error> {
    if found.is_null() {
        return Ok(None);
    }
    found.as_bool().map(Some).ok_or(Error::Member { member, expected: "true or false" })
}

impl Operation {
    fn parse(found: Json<'_>) -> Result<Self, Error> {
        match found.as_str() {
            Some("CREATE") => Ok(Self::Create),
            Some("UPDATE") => Ok(Self::Update),
            Some("DELETE") => Ok(Self::Delete),
            Some("CONNECT") => Ok(Self::Connect),
            _ => Err(Error::Member { member: "operation", expected: "CREATE, UPDATE, DELETE or CONNECT" }),
        }
    }
}
