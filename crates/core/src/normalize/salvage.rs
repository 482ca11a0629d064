//! What can be read of a set that cannot be read as a whole: it came past the admission webhook, and its Pods have to be refused.

use crate::validation::Violations;
use serde::Serialize;
use serde_json::value::RawValue;
use sidecarset_api::item::{Item, Unreadable};
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetSpec};
use std::collections::BTreeMap;

/// Returns a set as an API server shows it. Of one that cannot be read as a whole these are the parts that can, and what is wrong
/// with each of the others.
#[must_use]
pub fn salvage(item: Item<SidecarSet>) -> (SidecarSet, Option<Violations>) {
    let unreadable = match item.object {
        Ok(set) => return (set, None),
        Err(unreadable) => unreadable,
    };
    let mut violations = Violations::default();
    let spec = spec(&unreadable, &mut violations);
    if violations.is_empty() {
        let fault = item.fault.map(|fault| fault.to_string()).unwrap_or_default();
        violations.add("spec", format!("cannot be read: {fault}"));
    }
    let status = unreadable.member("status");
    (SidecarSet { metadata: unreadable.metadata, spec, status }, Some(violations))
}

fn spec(unreadable: &Unreadable, violations: &mut Violations) -> SidecarSetSpec {
    #[derive(Serialize)]
    #[serde(transparent)]
    struct Members<'a>(BTreeMap<&'a str, &'a RawValue>);

    let read = |members: Members<'_>| {
        let text = serde_json::to_string(&members)?;
        serde_json::from_str::<SidecarSetSpec>(&text)
    };
    let members = unreadable.members("spec");
    let mut readable = BTreeMap::new();
    for (member, text) in &members {
        match read(Members([(&**member, *text)].into())) {
            Ok(_) => drop(readable.insert(&**member, *text)),
            Err(fault) => violations.add(format!("spec.{member}"), format!("cannot be read: {fault}")),
        }
    }
    read(Members(readable)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Entry};
    use serde_json::{Value, json};

    fn item(spec: &str) -> Item<SidecarSet> {
        let metadata = json!({"name": "log-sc", "uid": "u1", "generation": 3, "labels": {"a": "b"}});
        let status = json!({"matchedPods": 5, "updatedPods": 0, "readyPods": 0});
        serde_json::from_str(&format!(r#"{{"metadata":{metadata},"spec":{spec},"status":{status}}}"#)).unwrap()
    }

    fn deep(levels: usize) -> String {
        let nested = format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        let selector = r#""selector":{"matchLabels":{"app":"web"}}"#;
        format!(r#"{{{selector},"containers":[{{"name":"agent","image":"i","x":{nested}}}],"paused":"yes"}}"#)
    }

    #[test]
    fn of_a_set_that_is_nested_too_deep_it_is_known_which_pods_it_means() {
        let (set, violations) = salvage(item(&deep(150)));
        let violations = violations.unwrap();

        assert_eq!((set.metadata.generation, set.status.as_ref().map(|it| it.matched_pods)), (Some(3), Some(5)));
        let told: Vec<String> = violations.iter().map(ToString::to_string).collect();
        assert!(told[0].starts_with("spec.containers: cannot be read: recursion limit exceeded"), "{told:?}");
        assert!(told[1].starts_with("spec.paused: cannot be read: invalid type: string"), "{told:?}");
        let mut catalog = Catalog::default();
        let Entry::Invalid(invalid) = catalog.put_unreadable_set(&set, violations) else { panic!("it is valid") };
        assert_eq!((&*invalid.name, invalid.generation, invalid.violations.count()), ("log-sc", 3, 2));
        let pod: BTreeMap<String, String> = [("app".to_owned(), "web".to_owned())].into();
        assert_eq!(catalog.select(&pod, None).invalid.len(), 1);
    }

    #[test]
    fn a_set_without_a_spec_that_is_an_object_has_that_violation() {
        for spec in ["7", "\"text\""] {
            let (set, violations) = salvage(item(spec));
            let violations = violations.unwrap();

            assert_eq!(set.spec, SidecarSetSpec::default());
            assert!(violations.to_string().starts_with("spec: cannot be read: "), "{violations}");
        }
    }

    #[test]
    fn a_set_that_can_be_read_is_that_set() {
        let spec = json!({"containers": [{"name": "a"}]}).to_string();

        let (set, violations) = salvage(item(&spec));

        assert!(violations.is_none(), "{violations:?}");
        assert_eq!(set.spec.containers.unwrap()[0].container["name"], Value::from("a"));
    }
}
