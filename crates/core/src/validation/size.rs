//! Whether a SidecarSet is too large to be read: found in its text, before anything is made of it.

use super::Violations;
use super::limits::MOST_VALUES;
use crate::json::{Extent, Json};

/// etcd takes no object that is longer, as the API server writes it.
const LONGEST: usize = 1536 * 1024;

/// How many of the values may be objects: each takes as much memory as ten others, however little is in it.
const MOST_OBJECTS: usize = 8000;

/// Returns what is wrong with a set that is too large to be looked at any further; else nothing.
#[must_use]
pub fn too_large(set: Json<'_>) -> Violations {
    let mut violations = Violations::default();
    let bytes = set.raw().len();
    if bytes > LONGEST {
        let message = format!("is {bytes} bytes long: the API server can store {LONGEST}");
        violations.add(place((String::new(), set), bytes / 2, |json| json.raw().len()), message);
        return violations;
    }
    let values: fn(Extent) -> usize = |extent| extent.values;
    let objects: fn(Extent) -> usize = |extent| extent.objects;
    for (what, most, count) in [("values", MOST_VALUES, values), ("objects", MOST_OBJECTS, objects)] {
        let measure = |json: Json<'_>| count(json.extent());
        if parts(set).map(|(_, part)| measure(part)).sum::<usize>() > most {
            let largest = parts(set).max_by_key(|(_, part)| measure(*part));
            let path = largest.map(|largest| place(largest, most / 2, measure)).unwrap_or_default();
            violations.add(path, format!("a set must not have more than {most} {what}, and has most of them here"));
        }
    }
    violations
}

/// Returns the parts of a set that are read, each with its path: not who has changed which member when, which may be half of it.
fn parts(set: Json<'_>) -> impl Iterator<Item = (String, Json<'_>)> {
    let of_metadata = set.at("metadata").passing_members().filter(|(name, _)| *name != "managedFields");
    let of_metadata = of_metadata.map(|(name, member)| (format!("metadata.{name}"), member));
    let others = set.passing_members().filter(|(name, _)| *name != "metadata");
    others.map(|(name, member)| (name.into_owned(), member)).chain(of_metadata)
}

/// Returns the path of the part that has more than `most` of something, or that is the innermost one that has all of what is too much.
fn place((mut path, mut part): (String, Json<'_>), most: usize, measure: impl Fn(Json<'_>) -> usize) -> String {
    loop {
        let member = part.passing_members().find(|(_, member)| measure(*member) > most);
        let item = part.items().enumerate().find(|(_, item)| measure(*item) > most);
        match (member, item) {
            (Some((name, member)), _) => {
                path.push_str(if path.is_empty() { "" } else { "." });
                path.push_str(&name);
                part = member;
            }
            (None, Some((at, item))) => {
                path.push_str(&format!("[{at}]"));
                part = item;
            }
            (None, None) => return path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;
    use serde_json::{Value, json};

    fn told(set: &Value) -> Vec<String> {
        too_large(Document::of(set).root()).iter().map(ToString::to_string).collect()
    }

    fn set(x: &Value) -> Value {
        json!({
            "metadata": {"managedFields": vec![json!({}); 20_000]},
            "spec": {"containers": [{"name": "a"}, {"name": "b", "x": {"y": x}}]},
        })
    }

    #[test]
    fn a_set_with_too_many_values_is_told_where_they_are() {
        assert_eq!(told(&set(&json!(vec![0; 19_980]))), [""; 0]);
        assert_eq!(
            told(&set(&json!(vec![0; 20_000]))),
            ["spec.containers[1].x.y: a set must not have more than 20000 values, and has most of them here"]
        );
    }

    #[test]
    fn a_set_with_too_many_objects_is_told_where_they_are_too() {
        assert_eq!(told(&set(&json!(vec![json!({}); 7_990]))), [""; 0]);
        assert_eq!(
            told(&set(&json!(vec![json!({}); 8_000]))),
            ["spec.containers[1].x.y: a set must not have more than 8000 objects, and has most of them here"]
        );
    }

    #[test]
    fn annotations_count_as_the_spec_does() {
        let annotations: serde_json::Map<String, Value> = (0..20_000).map(|at| (at.to_string(), json!(""))).collect();

        assert_eq!(
            told(&json!({"metadata": {"annotations": annotations}, "spec": {}})),
            ["metadata.annotations: a set must not have more than 20000 values, and has most of them here"]
        );
    }

    #[test]
    fn a_set_that_cannot_be_stored_is_told_where_it_is_too_long() {
        let long = told(&set(&json!("a".repeat(1536 * 1024))));

        assert_eq!(long.len(), 1);
        assert!(long[0].starts_with("spec.containers[1].x.y: is 16"), "{long:?}");
        assert!(long[0].ends_with(" bytes long: the API server can store 1572864"), "{long:?}");
    }
}
