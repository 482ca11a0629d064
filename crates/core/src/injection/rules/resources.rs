//! Where a Pod has resources of its own, its containers fit into them.

use super::super::edit::PodEdit;
use super::super::spec::List;
use super::{Guest, Whole, qos};
use crate::json::Json;
use crate::normalize::Placement;
use crate::quantity::Quantity;
use std::collections::BTreeSet;

const LIMITS: &str = "limits";
const REQUESTS: &str = "requests";

/// What a container asks for while a Pod starts and runs.
#[derive(Debug, Clone, Copy)]
struct Share<'a> {
    resources: Json<'a>,
    is_native: bool,
    /// How many containers are like that.
    count: i128,
}

pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    let own = whole.spec.resources;
    if !own.is_object() {
        return;
    }
    let given = [REQUESTS, LIMITS].into_iter().flat_map(|list| own.at(list).members());
    let resources: BTreeSet<&str> = given.map(|(resource, _)| resource).collect();
    for resource in resources {
        let requests = fit(whole, (REQUESTS, resource), edit);
        // Huge pages are not shared, so their limits add up as well.
        let adds_up = resource.starts_with("hugepages-");
        let limit = if adds_up { fit(whole, (LIMITS, resource), edit) } else { amount(own.at(LIMITS).at(resource)) };
        let Some(limit) = limit else { continue };
        if let Some(requests) = requests.filter(|requests| *requests > limit) {
            let message = |guest: Guest<'_>| {
                let shown = (written(requests, own, resource), written(limit, own, resource));
                let what = format!("the containers of the Pod request {}", shown.0);
                (
                    guest.path(&format!("resources.requests.{resource}")),
                    format!("{what}, and its spec.resources.limits.{resource} is {}", shown.1),
                )
            };
            blame(whole, (REQUESTS, resource), message, edit);
        }
        check_each(whole, resource, limit, edit);
    }
}

/// Returns what the Pod has of a resource in a list, once its containers fit into it.
///
/// An API server before 1.37 fills in what a Pod does not say before anybody may add containers: as much as the containers have
/// then. So where that is just what the Pod has, it grows with them, as it does in an API server that fills it in afterwards.
fn fit(whole: &Whole<'_>, (list, resource): (&'static str, &str), edit: &mut PodEdit<'_>) -> Option<i128> {
    let own = whole.spec.resources;
    let needed = whole.sum((list, resource), whole.with_guests());
    let Some(has) = amount(own.at(list).at(resource)) else {
        // What the API server will fill in: that, or, where no container says anything, the limit.
        return needed.or_else(|| amount(own.at(LIMITS).at(resource)));
    };
    let needed = needed.unwrap_or_default();
    if needed <= has {
        return Some(has);
    }
    if whole.sum((list, resource), whole.as_it_came()) == Some(has) {
        edit.raise_resources(list, resource, &written(needed, own, resource));
        return Some(needed);
    }
    let message = |guest: Guest<'_>| {
        let (needed, has) = (written(needed, own, resource), written(has, own, resource));
        let message = format!(
            "with it the containers of the Pod need {needed}, and its spec.resources.{list}.{resource} is {has}"
        );
        (guest.path(&format!("resources.{list}.{resource}")), message)
    };
    blame(whole, (list, resource), message, edit);
    Some(has)
}

/// Rejects the Pod for each sidecar that has a share in a resource.
fn blame(
    whole: &Whole<'_>,
    (list, resource): (&'static str, &str),
    message: impl Fn(Guest<'_>) -> (String, String),
    edit: &mut PodEdit<'_>,
) {
    for guest in whole.guests() {
        if share((list, resource), whole.resources_of(guest)).is_some_and(|share| share > 0) {
            let (path, message) = message(guest);
            edit.reject_for(guest.set, path, message);
        }
    }
}

/// As the API server does, the limits of regular containers are looked at, and those of native sidecars are not.
fn check_each(whole: &Whole<'_>, resource: &str, limit: i128, edit: &mut PodEdit<'_>) {
    let own = whole.spec.resources;
    for guest in whole.guests().filter(|guest| guest.list == List::Regular) {
        if let Some(its) = amount(whole.resources_of(guest).at(LIMITS).at(resource)).filter(|its| *its > limit) {
            let (its, limit) = (written(its, own, resource), written(limit, own, resource));
            let message =
                format_args!("{its} is more than spec.resources.limits.{resource} of the Pod, which is {limit}");
            edit.reject(guest, &format!("resources.limits.{resource}"), message);
        }
    }
}

impl<'a> Whole<'a> {
    /// Returns the containers that the Pod has with its sidecars: init containers in their order, then the others.
    fn with_guests(&self) -> (Vec<Share<'a>>, Vec<Share<'a>>) {
        let mut guests: Vec<Guest<'a>> = self.guests().filter(|guest| guest.list == List::Init).collect();
        // As they are put into the Pod.
        guests.sort_by(|one, other| one.sidecar.name.cmp(&other.sidecar.name));
        let takes_place =
            |guest: &Guest<'a>| self.layout.containers.find(List::Init, &guest.sidecar.name).next().is_some();
        let at = |placement: Placement| {
            let at_place =
                guests.iter().filter(move |guest| guest.sidecar.placement == placement && !takes_place(guest));
            at_place.map(|guest| self.share_of(*guest)).collect::<Vec<_>>()
        };
        let mut init = at(Placement::BeforeApp);
        for own in self.spec.init_containers.items() {
            let taken = guests.iter().find(|guest| own.at("name").is(&guest.sidecar.name));
            init.push(taken.map_or_else(|| Share::of(own), |guest| self.share_of(*guest)));
        }
        init.extend(at(Placement::AfterApp));
        let regular = self.guests().filter(|guest| guest.list == List::Regular).map(|guest| self.share_of(guest));
        (init, self.layout.staying(List::Regular).map(Share::of).chain(regular).collect())
    }

    /// Returns the containers of the Pod as it came.
    fn as_it_came(&self) -> (Vec<Share<'a>>, Vec<Share<'a>>) {
        let of = |list| self.spec.list(list).items().map(Share::of).collect();
        (of(List::Init), of(List::Regular))
    }

    fn share_of(&self, guest: Guest<'a>) -> Share<'a> {
        let count = i128::try_from(guest.count()).unwrap_or(1);
        Share { resources: self.resources_of(guest), is_native: guest.sidecar.is_native, count }
    }

    /// Returns what containers need of a resource at most at once, in thousandths; nothing where none says anything.
    // As Kubernetes counts: native sidecars run on while the init containers that come after them run one by one.
    fn sum(&self, of: (&str, &str), (init, regular): (Vec<Share<'a>>, Vec<Share<'a>>)) -> Option<i128> {
        let amount =
            |share: &Share<'a>| self::share(of, share.resources).map(|amount| amount.saturating_mul(share.count));
        let (mut native, mut most): (Option<i128>, Option<i128>) = (None, None);
        for share in &init {
            let its = amount(share);
            let at_once = plus(native, its);
            if share.is_native {
                native = at_once;
            }
            most = most.max(at_once);
        }
        let lasting = regular.iter().map(amount).fold(native, plus);
        lasting.max(most)
    }
}

impl<'a> Share<'a> {
    fn of(container: Json<'a>) -> Self {
        let is_native = container.at("restartPolicy").is("Always");
        Self { resources: container.at("resources"), is_native, count: 1 }
    }
}

impl PodEdit<'_> {
    fn raise_resources(&mut self, list: &'static str, resource: &str, amount: &str) {
        self.replace_text(&["spec", "resources", list, resource], amount);
        self.warnings
            .push(format!("spec.resources.{list}.{resource}: raised to {amount}, for the sidecars are in the Pod too"));
    }
}

/// Returns how much a container has of a resource in a list, in thousandths.
// As the API server does: what is limited and not requested is requested as far as the limit.
fn share((list, resource): (&str, &str), resources: Json<'_>) -> Option<i128> {
    let given = amount(resources.at(list).at(resource));
    given.or_else(|| amount(resources.at(LIMITS).at(resource)))
}

fn plus(one: Option<i128>, other: Option<i128>) -> Option<i128> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

fn amount(amount: Json<'_>) -> Option<i128> {
    if amount.is_null() { None } else { qos::millis(amount) }
}

/// Writes an amount as the Pod writes its own.
fn written(millis: i128, own: Json<'_>, resource: &str) -> String {
    let given = [REQUESTS, LIMITS].into_iter().map(|list| own.at(list).at(resource)).find(|it| !it.is_null());
    let given = given.and_then(|amount| Quantity::from_json(&amount.to_value()).ok());
    let format = given.map_or(crate::quantity::Format::DecimalSi, |amount| amount.format());
    Quantity::from_millis(millis, format).canonical()
}
