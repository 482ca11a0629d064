//! JSON as it stands in a text, taken apart no further than a patch reaches.

use crate::json::{unescaped, write_as_go, write_text_as_go};
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// The members of an object. Of two of one name the last counts.
pub(super) type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Returns the members of an object, or nothing where this is none.
pub(super) fn members(json: &str) -> Option<Members<'_>> {
    // The text was found to be JSON.
    json.starts_with('{')
        .then(|| serde_json::Deserializer::from_str(json).deserialize_map(MemberVisitor).ok())
        .flatten()
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Members<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        // Not as strings: half a character, which JSON allows, is none.
        while let Some((key, member)) = map.next_entry::<&RawValue, &RawValue>()? {
            let key = key.get().strip_prefix('"').and_then(|key| key.strip_suffix('"'));
            members.insert(unescaped(key.unwrap_or_default()), member);
        }
        Ok(members)
    }
}

pub(super) fn is_null(json: &str) -> bool {
    json == "null"
}

/// Writes an object, member by member.
pub(super) fn write_object<'a, T>(
    out: &mut String,
    members: impl IntoIterator<Item = (&'a str, T)>,
    write: impl Fn(&mut String, &str, T),
) {
    out.push('{');
    for (at, (key, member)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_text_as_go(out, key);
        out.push(':');
        write(out, key, member);
    }
    out.push('}');
}

/// Returns JSON in which no object has a member that is null, or nothing where it is nested too deep.
// As in Kruise, and beyond the RFC: an object that stands in a list has nothing to take away from.
pub(super) fn pruned(json: &str, depth: usize) -> Option<String> {
    let mut out = String::with_capacity(json.len());
    write_pruned(json, depth, &mut out)?;
    Some(out)
}

fn write_pruned(json: &str, depth: usize, out: &mut String) -> Option<()> {
    if let Some(members) = members(json) {
        let depth = depth.checked_sub(1)?;
        let members = members.into_iter().filter(|(_, member)| !is_null(member.get()));
        let members: Option<BTreeMap<String, String>> =
            members.map(|(key, member)| Some((key, pruned(member.get(), depth)?))).collect();
        let members = members?;
        write_object(out, members.iter().map(|(key, member)| (key.as_str(), member)), |out, _, member| {
            out.push_str(member);
        });
    } else if json.starts_with('[') {
        let depth = depth.checked_sub(1)?;
        let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
        out.push('[');
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_pruned(item.get(), depth, out)?;
        }
        out.push(']');
    } else {
        write_as_go(out, json);
    }
    Some(())
}
