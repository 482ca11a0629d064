//! What a container may do, and as whom.

use super::super::Violations;
use super::super::member::{Member, REQUIRED};
use super::super::syntax::{descending_path, dns_subdomain};

const PROFILE_TYPES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];
const LOCALHOST: &str = "localhostProfile";
/// The longest path of an AppArmor profile.
const LONGEST_PATH: usize = 4095;
/// The longest credential specification of Windows.
const LONGEST_CREDENTIALS: usize = 64 * 1024;

pub(super) fn check(container: &Member<'_>, violations: &mut Violations) {
    let Some(context) = container.child("securityContext") else { return };
    for id in ["runAsUser", "runAsGroup"] {
        context.check_range(id, &(0..=i64::from(i32::MAX)), violations);
    }
    // Unmasked needs a Pod with hostUsers: false, and there may be such.
    context.check_written_one_of("procMount", &["Default", "Unmasked"], violations);
    check_escalation(&context, violations);
    if let Some(profile) = context.child("seccompProfile") {
        check_profile(&profile, violations);
        profile.check(LOCALHOST, descending_path, violations);
    }
    if let Some(profile) = context.child("appArmorProfile") {
        check_profile(&profile, violations);
        check_app_armor_path(&profile, violations);
    }
    if let Some(options) = context.child("windowsOptions") {
        check_windows(&options, violations);
    }
}

fn check_escalation(context: &Member<'_>, violations: &mut Violations) {
    if context.flag("allowPrivilegeEscalation") != Some(false) {
        return;
    }
    let path = context.at("allowPrivilegeEscalation");
    if context.flag("privileged") == Some(true) {
        violations.add(path.as_str(), "must not be false where privileged is true");
    }
    let added = context.child("capabilities");
    if added.is_some_and(|capabilities| capabilities.texts("add").any(|name| name == "CAP_SYS_ADMIN")) {
        violations.add(path, "must not be false where CAP_SYS_ADMIN is added");
    }
}

fn check_profile(profile: &Member<'_>, violations: &mut Violations) {
    profile.required("type", violations);
    profile.check_one_of("type", &PROFILE_TYPES, violations);
    match profile.text("type") {
        Some("Localhost") if !profile.has(LOCALHOST) => {
            violations.add(profile.at(LOCALHOST), "is required where type is Localhost");
        }
        Some("RuntimeDefault" | "Unconfined") if profile.has(LOCALHOST) => {
            violations.add(profile.at(LOCALHOST), "may only be set where type is Localhost");
        }
        _ => {}
    }
}

fn check_app_armor_path(profile: &Member<'_>, violations: &mut Violations) {
    let Some(path) = profile.written(LOCALHOST).filter(|_| profile.text("type") == Some("Localhost")) else { return };
    if path.is_empty() {
        violations.add(profile.at(LOCALHOST), REQUIRED);
    } else if path.trim() != path {
        violations.add(profile.at(LOCALHOST), "must not be padded with whitespace");
    } else if path.len() > LONGEST_PATH {
        violations.add(profile.at(LOCALHOST), format!("must be no more than {LONGEST_PATH} characters"));
    }
}

/// What Windows allows in a user's name is left to the API server.
fn check_windows(options: &Member<'_>, violations: &mut Violations) {
    if let Some(name) = options.written("gmsaCredentialSpecName") {
        violations.take(options.at("gmsaCredentialSpecName"), dns_subdomain(name));
    }
    for key in ["gmsaCredentialSpec", "runAsUserName"] {
        if options.written(key) == Some("") {
            violations.add(options.at(key), "must not be empty");
        }
    }
    if options.written("gmsaCredentialSpec").is_some_and(|spec| spec.len() > LONGEST_CREDENTIALS) {
        violations
            .add(options.at("gmsaCredentialSpec"), format!("must be no more than {LONGEST_CREDENTIALS} characters"));
    }
}
