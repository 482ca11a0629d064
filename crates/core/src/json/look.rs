//! What can be looked at as JSON.

use super::{Document, Json};
use serde_json::Value;

/// What can be looked at as [`Json`].
pub trait AsJson {
    /// Has it looked at.
    fn look<R>(&self, at: impl FnOnce(Json<'_>) -> R) -> R;
}

impl AsJson for Json<'_> {
    fn look<R>(&self, at: impl FnOnce(Json<'_>) -> R) -> R {
        at(*self)
    }
}

impl AsJson for Document<'_> {
    fn look<R>(&self, at: impl FnOnce(Json<'_>) -> R) -> R {
        at(self.root())
    }
}

/// For whoever has a value already: it is written and read again.
impl AsJson for Value {
    fn look<R>(&self, at: impl FnOnce(Json<'_>) -> R) -> R {
        at(Document::of(self).root())
    }
}

impl<'a> From<Json<'a>> for Value {
    fn from(json: Json<'a>) -> Self {
        json.to_value()
    }
}
