//! The hooks of a container.

use super::super::Violations;
use super::super::member::Member;
use super::handlers;
use crate::schema::HANDLER;

pub(super) fn check(container: &Member<'_>, violations: &mut Violations) {
    let Some(lifecycle) = container.child("lifecycle") else { return };
    for hook in ["postStart", "preStop"] {
        if let Some(hook) = lifecycle.child(hook) {
            handlers::check(&hook, HANDLER, violations);
        }
    }
}
