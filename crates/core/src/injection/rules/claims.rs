//! A container uses resource claims that its Pod has.

use super::super::edit::PodEdit;
use super::{Rule, Whole};
use crate::json::Json;

pub(super) fn concern(container: Json<'_>) -> bool {
    claims(container.at("resources")).next().is_some()
}

pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    for guest in whole.concerned(Rule::Claims) {
        for (at, claim) in claims(whole.resources_of(guest)).enumerate() {
            let has_it = whole.spec.resource_claims.items().any(|own| own.at("name").is(claim));
            if !has_it {
                let field = format!("resources.claims[{at}].name");
                edit.reject(guest, &field, format_args!("the Pod has no {claim:?} among its spec.resourceClaims"));
            }
        }
    }
}

fn claims(resources: Json<'_>) -> impl Iterator<Item = &str> {
    resources.at("claims").items().filter_map(|claim| claim.at("name").as_str())
}
