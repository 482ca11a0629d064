//! Namespaces whose labels are written: before sets select their Pods, the API server has to know.

use crate::context::Context;
use crate::review::{Denial, Operation, Request, Verdict};
use sidecarset_core::json::Json;

/// Allows whatever labels there are, once the API server knows what follows from them.
pub async fn review(request: &Request<'_, Json<'_>>, context: &Context) -> Verdict {
    if !request.resource.group.is_empty() || request.resource.resource != "namespaces" {
        return Verdict::Denied(Denial::unexpected(request, "a Namespace (v1) as v1/namespaces"));
    }
    let is_written = request.operation == Operation::Update && request.dry_run != Some(true);
    if let Some(name) = request.object.at("metadata").at("name").as_str().filter(|_| is_written) {
        let labels = [request.old_object, request.object].map(|namespace| namespace.at("metadata").at("labels"));
        context.registrar.cover_namespace(name, labels, &context.catalog, context.failure_policy).await;
    }
    Verdict::untouched()
}
