//! Objects of which one member says what they are: the handler of a probe, the source of a variable or of a volume.

use super::Violations;
use super::member::Member;
use crate::schema::Field;

/// Returns which of these members are there.
///
/// Where there are only such as nobody knows, misspelt or newer ones, they are added, and nothing is returned: the API
/// server would drop them, and be left with an object that is nothing. Beside a known one they do no harm.
pub(super) fn chosen<'a>(holder: &Member<'a>, fields: &[Field], violations: &mut Violations) -> Option<Vec<&'a str>> {
    let field = |key: &str| fields.iter().find(|field| field.name == key);
    let known: Vec<&str> = holder.keys().filter(|key| field(key).is_some_and(|field| field.is_choice)).collect();
    let mut unknown = holder.keys().filter(|key| field(key).is_none()).peekable();
    if !known.is_empty() || unknown.peek().is_none() {
        return Some(known);
    }
    let choices: Vec<&str> = fields.iter().filter(|field| field.is_choice).map(|field| field.name).collect();
    for key in unknown {
        violations.add(holder.at(key), unknown_choice(key, &choices));
    }
    None
}

fn unknown_choice(key: &str, choices: &[&str]) -> String {
    match choices.iter().find(|choice| choice.eq_ignore_ascii_case(key)) {
        Some(choice) => format!("is unknown: did you mean {choice}?"),
        None => format!("is unknown, and there is none of {}", choices.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Violations, containers};
    use super::*;
    use crate::schema::{CONTAINER, Kind, VOLUME};
    use serde_json::{Map, Value, json};
    use sidecarset_api::v1beta1::SidecarSetSpec;

    fn violations(spec: &Value) -> Vec<String> {
        let spec: SidecarSetSpec = serde_json::from_value(spec.clone()).unwrap();
        let mut violations = Violations::default();
        containers(&spec, &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    /// Has every object of which one member says what it is built, each with this member, and its path.
    fn choices(fields: &'static [Field], path: &str, member: &Value, found: &mut Vec<(String, Value)>) {
        if fields.iter().any(|field| field.is_choice) {
            found.push((path.to_owned(), member.clone()));
        }
        for field in fields {
            let (inner, step) = match &field.kind {
                Kind::Object(inner) => (inner, ""),
                Kind::List(Kind::Object(inner)) => (inner, "[0]"),
                _ => continue,
            };
            let mut nested = Vec::new();
            choices(inner, &format!("{path}.{}{step}", field.name), member, &mut nested);
            let holder = |inner: Value| if step.is_empty() { inner } else { json!([inner]) };
            found.extend(nested.into_iter().map(|(path, inner)| (path, json!({field.name: holder(inner)}))));
        }
    }

    #[test]
    fn an_object_that_nobody_can_tell_what_it_is_is_refused_wherever_it_stands() {
        let mut found = Vec::new();
        choices(CONTAINER, "spec.containers[0]", &json!({"misspelt": {}}), &mut found);
        choices(VOLUME, "spec.volumes[0]", &json!({"misspelt": {}}), &mut found);
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "spec.containers[0].envFrom[0]",
                "spec.containers[0].env[0].valueFrom",
                "spec.containers[0].livenessProbe",
                "spec.containers[0].readinessProbe",
                "spec.containers[0].startupProbe",
                "spec.containers[0].lifecycle.postStart",
                "spec.containers[0].lifecycle.preStop",
                "spec.volumes[0]",
                "spec.volumes[0].downwardAPI.items[0]",
                "spec.volumes[0].projected.sources[0]",
                "spec.volumes[0].projected.sources[0].downwardAPI.items[0]",
            ]
        );

        for (path, object) in &found {
            let is_volume = path.starts_with("spec.volumes");
            let mut spec = json!({"containers": [{"name": "a", "image": "i"}], "volumes": [{"name": "v"}]});
            let holder = if is_volume { &mut spec["volumes"][0] } else { &mut spec["containers"][0] };
            holder.as_object_mut().unwrap().extend::<Map<String, Value>>(object.as_object().unwrap().clone());

            let told = violations(&spec);

            let expected = format!("{path}.misspelt: is unknown, and there is none of ");
            assert!(told.iter().any(|violation| violation.starts_with(&expected)), "{path}: {told:?}");
        }
    }

    #[test]
    fn a_known_member_beside_an_unknown_one_is_the_one() {
        let probe = json!({"httpGet": {"port": 80}, "tcpsocket": {"port": 80}});
        let spec = json!({
            "containers": [{
                "name": "a", "image": "i", "livenessProbe": probe,
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}, "fieldref": {}}}],
            }],
            "volumes": [{"name": "v", "emptyDir": {}, "emptydir": {}}],
        });

        assert_eq!(violations(&spec), [""; 0]);
    }

    #[test]
    fn a_member_in_another_case_is_named_as_it_should_be() {
        let spec = json!({"containers": [{"name": "a", "image": "i", "livenessProbe": {"httpget": {"port": 80}}}]});

        assert_eq!(violations(&spec), ["spec.containers[0].livenessProbe.httpget: is unknown: did you mean httpGet?"]);
    }
}
