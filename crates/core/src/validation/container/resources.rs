//! The resources of a container.

use super::super::Violations;
use super::super::member::{Member, duplicate};
use super::super::syntax::{dns_label, qualified_name};
use crate::quantity::Quantity;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

const COMPUTE: [&str; 2] = ["cpu", "memory"];
const EPHEMERAL_STORAGE: &str = "ephemeral-storage";
const HUGE_PAGES: &str = "hugepages-";
/// The prefix that a quota puts before a resource's name.
const QUOTA_PREFIX: &str = "requests.";

type Amounts<'a> = BTreeMap<&'a str, Quantity>;

pub(super) fn check(container: &Member<'_>, violations: &mut Violations) {
    let Some(resources) = container.child("resources") else { return };
    let limits = check_amounts(&resources, "limits", violations);
    let requests = check_amounts(&resources, "requests", violations);
    for (name, request) in &requests {
        if let Err(message) = check_request(name, request, limits.get(name)) {
            violations.add(format!("{}[{name}]", resources.at("requests")), message);
        }
    }
    let is_there = |is: fn(&str) -> bool| limits.keys().chain(requests.keys()).any(|name| is(name));
    if is_there(is_huge_page) && !is_there(|name| COMPUTE.contains(&name)) {
        violations.add(resources.path(), "hugepages require cpu or memory");
    }
    check_claims(&resources, violations);
}

fn check_amounts<'a>(resources: &Member<'a>, list: &str, violations: &mut Violations) -> Amounts<'a> {
    let mut amounts = Amounts::new();
    let Some(list) = resources.child(list) else { return amounts };
    for name in list.keys() {
        let path = format!("{}[{name}]", list.path());
        violations.take(path.as_str(), check_name(name));
        let Some(value) = list.value(name) else { continue };
        let Some(amount) = violations.take(path.as_str(), Quantity::from_json(value)) else { continue };
        violations.take(path, check_amount(name, &amount));
        amounts.insert(name, amount);
    }
    amounts
}

fn check_name(name: &str) -> Result<(), String> {
    qualified_name(name)?;
    if !name.contains('/') {
        let is_known = COMPUTE.contains(&name) || name == EPHEMERAL_STORAGE || is_huge_page(name);
        return if is_known { Ok(()) } else { Err(format!("{name:?} must be a standard resource for containers")) };
    }
    if !is_native(name) && (name.starts_with(QUOTA_PREFIX) || qualified_name(&format!("{QUOTA_PREFIX}{name}")).is_err())
    {
        return Err(format!("{name:?} doesn't follow extended resource name standard"));
    }
    Ok(())
}

fn check_amount(name: &str, amount: &Quantity) -> Result<(), String> {
    if amount.is_negative() {
        return Err("must be greater than or equal to 0".to_owned());
    }
    if !is_native(name) && !amount.is_whole() {
        return Err("must be an integer".to_owned());
    }
    let Some(page) = name.strip_prefix(HUGE_PAGES) else { return Ok(()) };
    let is_multiple = Quantity::parse(page).is_ok_and(|page| amount.is_multiple_of(&page));
    if is_multiple { Ok(()) } else { Err(format!("must be a multiple of {page}, the size of a page")) }
}

fn check_request(name: &str, request: &Quantity, limit: Option<&Quantity>) -> Result<(), String> {
    let may_differ = is_native(name) && !is_huge_page(name);
    match limit.map(|limit| (limit, request.compare(limit))) {
        None if may_differ => Ok(()),
        None => Err(format!("requires a limit of the same amount: {name} cannot be overcommitted")),
        Some((_, Ordering::Equal)) => Ok(()),
        Some((_, Ordering::Less)) if may_differ => Ok(()),
        Some((limit, _)) if may_differ => {
            Err(format!("must be less than or equal to the limit of {}", limit.canonical()))
        }
        Some((limit, _)) => Err(format!("must be equal to the limit of {}", limit.canonical())),
    }
}

/// Which claims there are is the Pod's to say.
fn check_claims(resources: &Member<'_>, violations: &mut Violations) {
    let mut claims: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
    for claim in resources.list("claims") {
        let Some(name) = claim.required("name", violations) else { continue };
        claim.check("request", dns_label, violations);
        // Without a request all of the claim is meant.
        let request = claim.text("request");
        let taken = claims.entry(name).or_default();
        if taken.contains(&None) || taken.contains(&request) || request.is_none() && !taken.is_empty() {
            violations.add(claim.path(), duplicate(name));
        }
        taken.insert(request);
    }
}

fn is_huge_page(name: &str) -> bool {
    name.starts_with(HUGE_PAGES)
}

/// Says whether Kubernetes itself gives a resource its meaning.
fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}
