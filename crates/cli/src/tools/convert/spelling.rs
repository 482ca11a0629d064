//! One thing in two spellings: a value that moves from one member to another.

use serde_json::{Map, Value, json};

/// Why something cannot be said in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsayable {
    /// The path of the member.
    pub path: String,
    /// Why.
    pub why: String,
}

/// Moves a value from one place in an object to another. Where both are there, they have to be the same.
///
/// # Errors
/// Both say something different.
pub fn respell(object: &mut Value, from: &[&str], to: &[&str]) -> Result<(), Unsayable> {
    let Some(value) = take(object, from) else { return Ok(()) };
    match find(object, to) {
        None => {
            put(object, to, value);
            Ok(())
        }
        Some(other) if *other == value => Ok(()),
        Some(other) => Err(Unsayable {
            path: from.join("."),
            why: format!("says {value}, but {} says {other}: remove one of them", to.join(".")),
        }),
    }
}

/// Returns the value at a place, if there is one other than null.
pub fn find<'a>(object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(object, |object, name| object.get(name)).filter(|value| !value.is_null())
}

/// Takes the value from a place, and removes the objects around it that are empty without it.
pub fn take(object: &mut Value, path: &[&str]) -> Option<Value> {
    let (name, rest) = path.split_first()?;
    let members = object.as_object_mut()?;
    if rest.is_empty() {
        return members.remove(*name).filter(|value| !value.is_null());
    }
    let inner = members.get_mut(*name)?;
    let value = take(inner, rest);
    if value.is_some() && inner.as_object().is_some_and(Map::is_empty) {
        members.remove(*name);
    }
    value
}

/// Puts a value at a place, and makes the objects around it.
pub fn put(object: &mut Value, path: &[&str], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        *object = value;
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    put(&mut object[*name], rest, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[&str] = &["spec", "strategy", "rollingUpdate", "maxUnavailable"];
    const NEW: &[&str] = &["spec", "updateStrategy", "maxUnavailable"];

    #[test]
    fn a_value_moves_and_leaves_nothing_behind() {
        let mut set = json!({"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 2}}}});

        assert_eq!(respell(&mut set, OLD, NEW), Ok(()));
        assert_eq!(set, json!({"spec": {"updateStrategy": {"maxUnavailable": 2}}}));
    }

    #[test]
    fn what_is_said_twice_is_said_once_afterwards() {
        let mut set = json!({"spec": {
            "strategy": {"rollingUpdate": {"maxUnavailable": 2, "other": 1}}, "updateStrategy": {"maxUnavailable": 2},
        }});

        assert_eq!(respell(&mut set, OLD, NEW), Ok(()));
        assert_eq!(
            set,
            json!({"spec": {"strategy": {"rollingUpdate": {"other": 1}}, "updateStrategy": {"maxUnavailable": 2}}})
        );
    }

    #[test]
    fn a_contradiction_is_told_with_both_places() {
        let mut set = json!({"spec": {
            "strategy": {"rollingUpdate": {"maxUnavailable": 2}}, "updateStrategy": {"maxUnavailable": "50%"},
        }});

        let told = respell(&mut set, OLD, NEW).unwrap_err();

        assert_eq!(told.path, "spec.strategy.rollingUpdate.maxUnavailable");
        assert_eq!(told.why, "says 2, but spec.updateStrategy.maxUnavailable says \"50%\": remove one of them");
    }
}
