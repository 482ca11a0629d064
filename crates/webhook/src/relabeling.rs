//! Namespaces whose labels are written: before sets select their Pods, the API server has to know.

use crate::context::Context;
use crate::review::{Denial, Operation, Request, Verdict};
use sidecarset_core::catalog::NamespaceLabels;
use sidecarset_core::json::Json;
use sidecarset_core::registration::Relabeling;

/// Allows whatever labels there are, once the API server knows what follows from them.
pub async fn review(request: &Request<'_, Json<'_>>, context: &Context) -> Verdict {
    if !request.resource.group.is_empty() || request.resource.resource != "namespaces" {
        return Verdict::Denied(Denial::unexpected(request, "a Namespace (v1) as v1/namespaces"));
    }
    let is_written = request.operation == Operation::Update && request.dry_run != Some(true);
    if let Some(name) = request.object.at("metadata").at("name").as_str().filter(|_| is_written) {
        let relabeling =
            Relabeling { namespace: name.into(), before: labels(request.old_object), after: labels(request.object) };
        context.registrar.cover_namespace(&relabeling, &context.catalog, context.failure_policy).await;
    }
    Verdict::untouched()
}

fn labels(namespace: Json<'_>) -> NamespaceLabels {
    let labels = namespace.at("metadata").at("labels").members();
    labels.filter_map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned()))).collect()
}
