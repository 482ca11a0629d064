//! What a container may do depends on its Pod's user namespace, and on annotations that say the same as its fields.

use super::super::edit::PodEdit;
use super::{Guest, Rule, Whole};
use crate::json::Json;
use crate::validation::{APP_ARMOR_PREFIX, SECCOMP_PREFIX};

/// What the keys of the annotations with profiles of containers begin with, and the field that says the same.
pub(super) const PROFILES: [(&str, &str); 2] =
    [(SECCOMP_PREFIX, "seccompProfile"), (APP_ARMOR_PREFIX, "appArmorProfile")];

pub(super) fn concerns(container: Json<'_>) -> bool {
    let context = container.at("securityContext");
    unmasks(context)
        || container.at("volumeDevices").items().next().is_some()
        || PROFILES.iter().any(|(_, field)| context.at(field).is_object())
}

pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    let has_own_users = whole.spec.host_users.as_bool() == Some(false);
    for guest in whole.concerned(Rule::Security) {
        let container = guest.container();
        if unmasks(container.at("securityContext")) && !has_own_users {
            let message = "Unmasked needs a Pod with spec.hostUsers: false";
            edit.reject(guest, "securityContext.procMount", message);
        }
        if container.at("volumeDevices").items().next().is_some() && has_own_users {
            edit.reject(guest, "volumeDevices", "are not allowed in a Pod with spec.hostUsers: false");
        }
        PROFILES.iter().for_each(|profile| check_profile(whole, guest, profile, edit));
    }
}

fn unmasks(context: Json<'_>) -> bool {
    context.at("procMount").is("Unmasked")
}

fn check_profile(whole: &Whole<'_>, guest: Guest<'_>, (prefix, field): &(&str, &str), edit: &mut PodEdit<'_>) {
    let profile = guest.container().at("securityContext").at(field);
    if !profile.is_object() || windows_ignores(whole, field) {
        return;
    }
    for name in guest.sidecar.names_in_pod() {
        let key = format!("{prefix}{name}");
        if edit.annotation(&key).is_some_and(|annotation| !says_the_same(annotation, profile)) {
            let field = format!("securityContext.{field}");
            edit.reject(guest, &field, format_args!("is not what annotation {key} of the Pod says"));
        }
    }
}

/// Windows has no AppArmor, so nobody compares.
pub(super) fn windows_ignores(whole: &Whole<'_>, field: &str) -> bool {
    field == "appArmorProfile" && whole.spec.os.at("name").is("windows")
}

/// Says whether an annotation with a profile says what a field does.
pub(super) fn says_the_same(annotation: &str, profile: Json<'_>) -> bool {
    match profile.at("type").as_str() {
        Some("Unconfined") => annotation == "unconfined",
        Some("RuntimeDefault") => matches!(annotation, "runtime/default" | "docker/default"),
        Some("Localhost") => annotation.strip_prefix("localhost/") == profile.at("localhostProfile").as_str(),
        _ => true,
    }
}
