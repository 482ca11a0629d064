//! What a probe or a hook does.

use super::super::Violations;
use super::super::choice::chosen;
use super::super::member::{Member, REQUIRED};
use super::super::syntax::{header_name, port, port_number};
use crate::schema::Field;

/// Adds what is wrong with the one handler.
pub(super) fn check(holder: &Member<'_>, fields: &[Field], violations: &mut Violations) {
    let Some(handlers) = chosen(holder, fields, violations) else { return };
    match handlers.as_slice() {
        [] => violations.add(holder.path(), "is required: must specify a handler"),
        [_] => {}
        [_, more @ ..] => {
            for handler in more {
                violations.add(holder.at(handler), "may not specify more than 1 handler");
            }
        }
    }
    for handler in handlers {
        if let Some(action) = holder.child(handler) {
            check_action(handler, &action, violations);
        }
    }
}

fn check_action(handler: &str, action: &Member<'_>, violations: &mut Violations) {
    match handler {
        "exec" if action.is_empty_list("command") => violations.add(action.at("command"), REQUIRED),
        "httpGet" => check_http(action, violations),
        "tcpSocket" => drop(violations.take(action.at("port"), port(action.value("port")))),
        "grpc" => match action.number("port") {
            Some(number) => drop(violations.take(action.at("port"), port_number(number))),
            None if action.has("port") => {}
            None => violations.add(action.at("port"), REQUIRED),
        },
        // How long it may last is the Pod's to say.
        "sleep" => action.check_not_negative("seconds", violations),
        _ => {}
    }
}

fn check_http(action: &Member<'_>, violations: &mut Violations) {
    violations.take(action.at("port"), port(action.value("port")));
    action.check_one_of("scheme", &["HTTP", "HTTPS"], violations);
    for header in action.list("httpHeaders") {
        header.check_required("name", header_name, violations);
    }
}
