//! How large a set may be. What it asks for is stored twice, read by every replica, and put into Pods: a set that is too large for
//! one of these is refused when it is written, and not found out later.

use super::Violations;
use serde_json::Value;
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSetSpec};
use std::io;

/// How deep lists and objects may stand in one another, the set itself included. Programs in many languages read JSON up to a
/// hundred or so levels, and what holds a set, such as its revision or a review, has a few levels more.
const DEEPEST: usize = 64;

/// How many values there may be: texts, numbers, lists and objects.
pub(super) const MOST_VALUES: usize = 20_000;

/// How many bytes a spec may have as the API server stores it, which escapes some letters. The API server stores objects of up to a
/// megabyte and a half, and there is more in a set, in its revision, and in a Pod with its sidecars.
const LARGEST: usize = 1024 * 1024;

/// The level of a container, or of a volume, in a set: below the set, its spec, and the list.
const MEMBER_LEVEL: usize = 4;

/// Adds what is larger than it may be.
pub(crate) fn check(spec: &SidecarSetSpec, violations: &mut Violations) {
    let mut count = Count { values: 0, is_told: false };
    for (list, containers) in [("initContainers", &spec.init_containers), ("containers", &spec.containers)] {
        for (at, SidecarContainer { container, .. }) in containers.iter().flatten().enumerate() {
            count.members(container, &|| format!("spec.{list}[{at}]"), violations);
        }
    }
    for (at, volume) in spec.volumes.iter().flatten().enumerate() {
        count.members(volume, &|| format!("spec.volumes[{at}]"), violations);
    }
    let mut size = Stored(0);
    // Whatever cannot be written as JSON was not read from JSON.
    let _ = serde_json::to_writer(&mut size, spec);
    if size.0 > LARGEST {
        let message = format!("must be stored in at most {LARGEST} bytes, and takes {}", size.0);
        violations.add("spec", message);
    }
}

/// How many values were seen.
struct Count {
    values: usize,
    is_told: bool,
}

impl Count {
    fn members(
        &mut self,
        members: &serde_json::Map<String, Value>,
        path: &dyn Fn() -> String,
        violations: &mut Violations,
    ) {
        for (name, member) in members {
            let path = || format!("{}.{name}", path());
            if let Some(within) = self.too_deep(member, MEMBER_LEVEL) {
                violations
                    .add(format!("{}{within}", path()), format!("must not be nested more than {DEEPEST} levels deep"));
            }
            if self.values > MOST_VALUES && !std::mem::replace(&mut self.is_told, true) {
                violations
                    .add(path(), format!("a set must not have more than {MOST_VALUES} values, and has them here"));
            }
        }
    }

    /// Counts a value that stands in one of this level, and returns the way to what is too deep in it, if anything is.
    fn too_deep(&mut self, value: &Value, level: usize) -> Option<String> {
        self.values = self.values.saturating_add(1);
        if level >= DEEPEST && (value.is_object() || value.is_array()) {
            return Some(String::new());
        }
        let level = level.saturating_add(1);
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            Value::Array(items) => items.iter().enumerate().fold(None, |found, (at, item)| {
                let within = self.too_deep(item, level).map(|within| format!("[{at}]{within}"));
                found.or(within)
            }),
            Value::Object(members) => members.iter().fold(None, |found, (name, member)| {
                let within = self.too_deep(member, level).map(|within| format!(".{name}{within}"));
                found.or(within)
            }),
        }
    }
}

/// Counts the bytes of JSON as Go writes it, and so the API server.
struct Stored(usize);

impl io::Write for Stored {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        // Each of these is written with six letters.
        let escaped = text.iter().filter(|byte| matches!(byte, b'<' | b'>' | b'&')).count();
        self.0 = self.0.saturating_add(text.len()).saturating_add(escaped.saturating_mul(5));
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn violations(spec: Value) -> Vec<String> {
        crate::validation::found(check, spec)
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |value, level| if level % 2 == 0 { json!({"a": value}) } else { json!([value]) })
    }

    #[test]
    fn what_is_nested_too_deep_is_told_with_its_path() {
        let container = |levels| json!({"containers": [{"name": "a"}, {"name": "b", "x": nested(levels)}]});
        let volume = |levels| json!({"volumes": [{"name": "a", "x": nested(levels)}]});

        assert_eq!(violations(container(60)), [""; 0]);
        assert_eq!(violations(volume(60)), [""; 0]);
        let path = format!("spec.containers[1].x{}", ".a[0]".repeat(30));
        assert_eq!(violations(container(61)), [format!("{path}: must not be nested more than 64 levels deep")]);
        assert_eq!(violations(volume(62)).len(), 1);
    }

    #[test]
    fn a_set_of_too_many_values_is_refused_at_the_first_one_too_many() {
        let spec = |values: usize| json!({"initContainers": [{"name": "a", "x": vec![0; 10_000]}], "containers": [{"x": vec![0; values], "y": 0}]});

        assert_eq!(violations(spec(9_996)), [""; 0]);
        assert_eq!(
            violations(spec(9_997)),
            ["spec.containers[0].y: a set must not have more than 20000 values, and has them here"]
        );
    }

    #[test]
    fn a_set_that_takes_too_much_room_as_it_is_stored_is_refused() {
        let spec = |text: String| json!({"containers": [{"name": "a", "x": text}]});
        let rest = r#"{"containers":[{"name":"a","x":""}]}"#.len();

        assert_eq!(violations(spec("a".repeat(1024 * 1024 - rest))), [""; 0]);
        assert_eq!(
            violations(spec("a".repeat(1024 * 1024 - rest + 1))),
            ["spec: must be stored in at most 1048576 bytes, and takes 1048577"]
        );
        assert_eq!(violations(spec("<".repeat(174_000))), [""; 0]);
        assert_eq!(violations(spec("<".repeat(175_000))).len(), 1);
    }
}
