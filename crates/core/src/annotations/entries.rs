//! Annotations that have an entry for each set. Entries are read one by one: that of another set, which anybody may have
//! written, keeps nobody from reading the others.

use crate::sorted::SortedMap;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads an annotation entry by entry, and leaves out each entry of which `read` makes nothing, or that means nothing at all: it
/// may be nested deeper than anybody reads, or have a number that nobody can calculate with.
///
/// # Errors
/// The text is not a JSON object.
#[cold]
pub(super) fn read<T>(
    text: &str,
    read: impl Fn(&Arc<str>, Value) -> Option<T>,
) -> Result<SortedMap<T>, serde_json::Error> {
    let entries: BTreeMap<Arc<str>, &RawValue> = serde_json::from_str(text)?;
    let read = |set: &Arc<str>, entry: &RawValue| read(set, serde_json::from_str(entry.get()).ok()?);
    Ok(entries.into_iter().filter_map(|(set, entry)| Some((Arc::clone(&set), read(&set, entry)?))).collect())
}

/// Reads an object as Go does: the names of its `fields` in any case, and null as nothing.
pub(super) fn as_in_go<T: DeserializeOwned>(members: Map<String, Value>, fields: &[&str]) -> Option<T> {
    let named = members.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
        let field = fields.iter().find(|field| field.eq_ignore_ascii_case(&name));
        (field.map_or(name, |field| (*field).to_owned()), value)
    });
    serde_json::from_value(Value::Object(named.collect())).ok()
}
