//! A JSON Patch as text: nobody but the API server reads it.

use crate::json::{write_letters, write_text};
use memchr::memchr2;

/// From how many bytes on a patch grows by what it needs.
const LONG: usize = 64 * 1024;

/// A JSON Patch as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    // Empty, or a whole list with at least one operation.
    text: String,
}

/// A patch that is being written.
#[derive(Debug, Default)]
pub struct Operations {
    // Without the end of the list.
    text: String,
}

/// What is done with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It is added: to a list in front of what is there, to an object in place of what is there.
    Add,
    /// It takes the place of what is there.
    Replace,
}

impl Patch {
    /// Says whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the list of the operations as JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if self.is_empty() { "[]" } else { &self.text }
    }

    /// Returns the operations.
    ///
    /// # Panics
    /// Never: what is written here can be read.
    #[must_use]
    pub fn operations(&self) -> json_patch::Patch {
        serde_json::from_str(self.as_str()).expect("a list of operations was written")
    }
}

impl From<&json_patch::Patch> for Patch {
    fn from(patch: &json_patch::Patch) -> Self {
        let text = serde_json::to_string(patch).expect("operations have texts as keys");
        Self { text: if patch.0.is_empty() { String::new() } else { text } }
    }
}

impl Operations {
    /// Adds an operation with a list as its value.
    pub(super) fn write_list(&mut self, path: &[&str], items: &[impl AsRef<str>]) {
        let length = items.iter().map(|item| item.as_ref().len() + 1).sum::<usize>();
        self.begin_with_value(Operation::Add, path, length);
        for (at, item) in items.iter().enumerate() {
            self.text.push(if at == 0 { '[' } else { ',' });
            self.text.push_str(item.as_ref());
        }
        self.text.push_str("]}");
    }

    /// Adds an operation with a value that is JSON already.
    pub fn write(&mut self, operation: Operation, path: &[&str], json: &str) {
        self.begin_with_value(operation, path, json.len());
        self.text.push_str(json);
        self.text.push('}');
    }

    /// Adds an operation that removes a value.
    pub fn remove(&mut self, path: &[&str]) {
        self.begin(r#"{"op":"remove","path":""#, path, 0);
        self.text.push_str("\"}");
    }

    /// Adds an operation with a text as its value.
    pub(super) fn write_text(&mut self, path: &[&str], text: &str) {
        self.begin_with_value(Operation::Add, path, text.len());
        write_text(&mut self.text, text);
        self.text.push('}');
    }

    /// Returns the patch.
    #[must_use]
    pub fn finish(mut self) -> Patch {
        if !self.text.is_empty() {
            self.text.push(']');
        }
        Patch { text: self.text }
    }

    fn begin_with_value(&mut self, operation: Operation, path: &[&str], length: usize) {
        let opening = match operation {
            Operation::Add => r#"{"op":"add","path":""#,
            Operation::Replace => r#"{"op":"replace","path":""#,
        };
        self.begin(opening, path, length);
        self.text.push_str(r#"","value":"#);
    }

    fn begin(&mut self, opening: &str, path: &[&str], length: usize) {
        if self.text.len() < LONG {
            self.text.reserve(length + 80);
        } else if self.text.capacity() - self.text.len() < length + 80 {
            // Twice as much would be more than all the rest of a review takes.
            self.text.reserve_exact(length + self.text.len() / 8);
        }
        self.text.push(if self.text.is_empty() { '[' } else { ',' });
        self.text.push_str(opening);
        for token in path {
            self.text.push('/');
            write_token(&mut self.text, token);
        }
    }
}

/// Writes a step of a path as RFC 6901 asks: keys of annotations have slashes.
fn write_token(out: &mut String, token: &str) {
    let mut rest = token;
    while let Some(at) = memchr2(b'/', b'~', rest.as_bytes()) {
        let (before, from) = rest.split_at(at);
        write_letters(out, before);
        out.push_str(if from.starts_with('/') { "~1" } else { "~0" });
        rest = from.get(1..).unwrap_or_default();
    }
    write_letters(out, rest);
}
