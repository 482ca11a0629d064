//! The defaults of a container as Kubernetes knows it.

use super::{Object, fill_field_reference, fill_text, member, members};
use crate::image::ImageReference;
use crate::quantity::Quantity;
use serde_json::Value;

// As in Kruise: a startup probe gets no defaults.
pub(super) fn fill_container(container: &mut Object) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = pull_policy(image);
    fill_text(container, "imagePullPolicy", policy);
    fill_text(container, "terminationMessagePath", "/dev/termination-log");
    fill_text(container, "terminationMessagePolicy", "File");
    for port in members(container, "ports") {
        fill_text(port, "protocol", "TCP");
    }
    for variable in members(container, "env") {
        if let Some(source) = member(variable, "valueFrom") {
            fill_field_reference(source);
        }
    }
    for probe in ["livenessProbe", "readinessProbe"] {
        if let Some(probe) = member(container, probe) {
            fill_probe(probe);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(hook) = member(container, "lifecycle").and_then(|lifecycle| member(lifecycle, hook)) {
            fill_http_get(hook);
        }
    }
    for list in ["limits", "requests"] {
        if let Some(amounts) = member(container, "resources").and_then(|resources| member(resources, list)) {
            amounts.values_mut().for_each(round_up);
        }
    }
}

/// Returns how an image is pulled when nobody says it. As in Kubernetes, what is no reference of an image is not `latest`.
fn pull_policy(image: &str) -> &'static str {
    let is_latest = ImageReference::parse(image).is_some_and(|reference| reference.tag() == Some("latest"));
    if is_latest { "Always" } else { "IfNotPresent" }
}

fn fill_probe(probe: &mut Object) {
    fill_number(probe, "timeoutSeconds", 1);
    fill_number(probe, "periodSeconds", 10);
    fill_number(probe, "successThreshold", 1);
    fill_number(probe, "failureThreshold", 3);
    fill_http_get(probe);
}

fn fill_http_get(handler: &mut Object) {
    if let Some(request) = member(handler, "httpGet") {
        fill_text(request, "path", "/");
        fill_text(request, "scheme", "HTTP");
    }
}

/// Rounds an amount up to thousandths and spells it as Go does. What is no quantity stays as it is.
fn round_up(amount: &mut Value) {
    if let Ok(quantity) = Quantity::from_json(amount) {
        *amount = Value::String(quantity.rounded_up_to_milli().canonical());
    }
}

/// Fills a number that is absent or 0: Go's defaults do not tell the two apart.
fn fill_number(object: &mut Object, key: &str, default: i64) {
    if object.get(key).is_none_or(|value| value.is_null() || value.as_f64() == Some(0.0)) {
        object.insert(key.to_owned(), Value::from(default));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn defaulted_container(mut container: Value) -> Value {
        fill_container(container.as_object_mut().unwrap());
        container
    }

    #[test]
    fn the_pull_policy_follows_the_tag() {
        let digest = |name: &str| format!("{name}@sha256:{}", "a".repeat(64));
        for (image, expected) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.25", "IfNotPresent"),
            ("localhost:5000/nginx", "Always"),
            ("localhost:5000/nginx:1.25", "IfNotPresent"),
            (&digest("nginx"), "IfNotPresent"),
            (&digest("nginx:latest"), "Always"),
            ("", "IfNotPresent"),
            ("NGINX:latest", "IfNotPresent"),
            ("$(IMAGE)", "IfNotPresent"),
            (&"a".repeat(64), "IfNotPresent"),
        ] {
            let container = defaulted_container(json!({"image": image, "imagePullPolicy": ""}));

            assert_eq!(container["imagePullPolicy"], expected, "{image}");
        }
    }

    #[test]
    fn a_zero_in_a_liveness_or_readiness_probe_counts_as_absent() {
        let probe = json!({"successThreshold": 0, "httpGet": {"port": 80, "path": ""}});
        let container = defaulted_container(json!({"livenessProbe": probe, "readinessProbe": probe}));

        let expected = json!({
            "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
            "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        });
        assert_eq!(container["livenessProbe"], expected);
        assert_eq!(container["readinessProbe"], expected);
    }

    #[test]
    fn a_startup_probe_stays_as_it_is() {
        let probe = json!({"httpGet": {"port": 80}});

        assert_eq!(defaulted_container(json!({"startupProbe": probe}))["startupProbe"], probe);
    }

    #[test]
    fn ports_hooks_and_field_references_get_theirs() {
        let container = defaulted_container(json!({
            "ports": [{"containerPort": 80}],
            "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "lifecycle": {"preStop": {"httpGet": {"port": 80}}},
        }));

        assert_eq!(container["ports"][0]["protocol"], "TCP");
        assert_eq!(container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"], "v1");
        assert_eq!(container["lifecycle"]["preStop"]["httpGet"], json!({"port": 80, "path": "/", "scheme": "HTTP"}));
    }

    #[test]
    fn amounts_are_rounded_up_and_spelled_as_go_does() {
        let container = defaulted_container(json!({
            "resources": {"limits": {"cpu": 1, "memory": "1.5Gi", "junk": "many"}, "requests": {"cpu": "100.5m"}},
        }));

        assert_eq!(
            container["resources"],
            json!({"limits": {"cpu": "1", "memory": "1536Mi", "junk": "many"}, "requests": {"cpu": "101m"}})
        );
    }

    #[test]
    fn a_value_of_an_unexpected_type_stays_as_it_is() {
        for (key, value) in [
            ("ports", json!(5)),
            ("ports", json!([null, "80"])),
            ("env", json!({"name": "A"})),
            ("livenessProbe", json!("none")),
            ("lifecycle", json!([])),
            ("resources", json!({"limits": ["1"]})),
            ("imagePullPolicy", json!(7)),
        ] {
            assert_eq!(defaulted_container(json!({key: value.clone()}))[key], value, "{key}");
        }
    }
}
