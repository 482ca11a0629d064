//! The names of a set's containers, as they are recorded: many Pods have them and few are asked for one, so they are kept as they
//! stand.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// A list of names, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SidecarList(Arc<str>);

impl SidecarList {
    /// Returns that of these names.
    #[must_use]
    pub fn of(names: &[Arc<str>]) -> Self {
        Self(serde_json::to_string(names).unwrap_or_default().into())
    }

    /// Returns the names. As they stand where no letter is escaped, which is always so in names of containers.
    pub fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let has_escapes = self.0.contains('\\');
        let escaped: Vec<Name<'_>> =
            if has_escapes { serde_json::from_str(&self.0).unwrap_or_default() } else { Vec::new() };
        let plain = self.0.split('"').skip(1).step_by(2).take(if has_escapes { 0 } else { usize::MAX });
        plain.map(Cow::Borrowed).chain(escaped.into_iter().map(|name| name.0))
    }

    /// Returns the same, with the one copy of its text.
    pub(crate) fn interned(&self, once: impl FnOnce(&str) -> Arc<str>) -> Self {
        Self(once(&self.0))
    }
}

impl Serialize for SidecarList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let list: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        list.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SidecarList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        // Whatever else stands there is no list of names.
        serde_json::from_str::<Vec<Name<'_>>>(text.get()).map_err(D::Error::custom)?;
        Ok(Self(text.get().into()))
    }
}

/// A name, in the text that it was read from unless it is escaped there.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_as_it_was_read() {
        for text in ["[]", r#"["agent","envoy"]"#, r#"["ag\u0065nt"]"#] {
            let list: SidecarList = serde_json::from_str(text).unwrap();

            assert_eq!(serde_json::to_string(&list).unwrap(), text);
            assert_eq!(list.names().collect::<Vec<_>>(), serde_json::from_str::<Vec<String>>(text).unwrap());
        }
        assert_eq!(SidecarList::of(&["agent".into()]), serde_json::from_str(r#"["agent"]"#).unwrap());
    }

    #[test]
    fn anything_else_is_no_list_of_names() {
        for text in ["{}", "7", r#"["a",7]"#, r#"[["a"]]"#, r#""a""#, "null"] {
            assert!(serde_json::from_str::<SidecarList>(text).is_err(), "{text}");
        }
    }
}
