//! How much there is of a value, found without reading it.

use super::{Json, scan};

/// How much there is of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// The bytes of its text.
    pub bytes: usize,
    /// The values in it, with itself: texts, numbers and the like, lists and objects; or a few more.
    pub values: usize,
    /// The objects among them.
    pub objects: usize,
}

impl Json<'_> {
    /// Returns how much there is of it.
    #[must_use]
    pub fn extent(self) -> Extent {
        let text = self.raw().as_bytes();
        let mut extent = Extent { bytes: text.len(), values: 1, objects: 0 };
        let mut at = 0;
        while let Some(byte) = text.get(at as usize) {
            match byte {
                b'"' => {
                    at = scan::last_quote(text, at).0 + 1;
                    continue;
                }
                b'{' => {
                    extent.objects += 1;
                    extent.values += 1;
                }
                b'[' | b',' => extent.values += 1,
                _ => {}
            }
            at += 1;
        }
        extent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    fn extent(text: &str) -> Extent {
        Document::parse(text).unwrap().root().extent()
    }

    #[test]
    fn each_value_and_each_object_counts_and_what_stands_in_a_text_does_not() {
        assert_eq!(extent("7"), Extent { bytes: 1, values: 1, objects: 0 });
        assert_eq!(extent(r#"[1, "a,\"{b", {"c": null, "d,": [2]}]"#), Extent { bytes: 37, values: 7, objects: 1 });
    }

    #[test]
    fn what_is_empty_counts_as_if_there_were_something_in_it() {
        assert_eq!(extent("[{}, {}]"), Extent { bytes: 8, values: 5, objects: 2 });
    }
}
