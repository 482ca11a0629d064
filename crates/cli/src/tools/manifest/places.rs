//! Where in a text each value is, by its path.

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput};
use serde::Serialize;
use std::collections::HashMap;

/// The longest path that is noted: what has a longer one is where the innermost value around it is that has none. Every item of a list
/// would repeat the name of the member that it is in.
const LONGEST: usize = 512;

/// Where something is in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// Where each value of a document is. A member of an object is where its name is.
#[derive(Debug, Clone, Default)]
pub struct Places {
    by_path: HashMap<String, Place>,
}

/// What reads a text whose documents were read before.
struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    places: Places,
}

impl Places {
    /// Returns where the values of each document are that is not empty. Of a text that is no YAML, those before the fault.
    pub fn of_documents(text: &str) -> Vec<Self> {
        let mut options = Options::default();
        options.emit_comments = false;
        let mut reader = Reader { parser: Parser::new_from_str_with_options(text, options), places: Self::default() };
        let mut documents = Vec::new();
        while let Some((event, span)) = reader.next() {
            let is_node = event.is_node();
            let is_empty = event.scalar().is_some_and(|(text, style)| is_null(text, style));
            if !is_node || reader.value(&event, span, Some("")).is_none() {
                continue;
            }
            let places = std::mem::take(&mut reader.places);
            documents.extend((!is_empty).then_some(places));
        }
        documents
    }

    /// Returns where a value is, or else the innermost one around it that is there.
    pub fn find(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.by_path.get(path) {
                return *place;
            }
            if path.is_empty() {
                return Place { line: 1, column: 1 };
            }
            path = parent(path);
        }
    }
}

impl Reader<'_> {
    fn next(&mut self) -> Option<(Event<'static>, Span)> {
        loop {
            let (event, span) = self.parser.next_event()?.ok()?;
            if !matches!(event, Event::Anchor(..)) {
                return Some((owned(event), span));
            }
        }
    }

    /// Reads a value to its end. It has no path where that is too long.
    fn value(&mut self, begin: &Event<'_>, span: Span, path: Option<&str>) -> Option<()> {
        if let Some(path) = path {
            self.places.by_path.entry(path.to_owned()).or_insert(place(span));
        }
        match begin {
            Event::SequenceStart(..) => self.list(path),
            Event::MappingStart(..) => self.object(path),
            _ => Some(()),
        }
    }

    fn list(&mut self, path: Option<&str>) -> Option<()> {
        for at in 0.. {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                break;
            }
            let item = path.map(|path| format!("{path}[{at}]")).filter(|path| is_noted(path));
            self.value(&event, span, item.as_deref())?;
        }
        Some(())
    }

    fn object(&mut self, path: Option<&str>) -> Option<()> {
        loop {
            let (name, span) = self.next()?;
            if name == Event::MappingEnd {
                return Some(());
            }
            let name = name.scalar().map_or("", |(name, _)| name);
            let member = path.map(|path| member(path, name)).filter(|path| is_noted(path));
            if let Some(member) = &member {
                self.places.by_path.insert(member.clone(), place(span));
            }
            let (event, span) = self.next()?;
            self.value(&event, span, member.as_deref())?;
        }
    }
}

fn is_noted(path: &str) -> bool {
    path.len() <= LONGEST
}

/// Says whether a scalar is read as null.
fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

// Of the events only the names of members matter.
fn owned(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Scalar(text, style, anchor, _) => Event::Scalar(text.into_owned().into(), style, anchor, None),
        Event::SequenceStart(style, anchor, _) => Event::SequenceStart(style, anchor, None),
        Event::MappingStart(style, anchor, _) => Event::MappingStart(style, anchor, None),
        Event::SequenceEnd => Event::SequenceEnd,
        Event::MappingEnd => Event::MappingEnd,
        Event::Alias(anchor) => Event::Alias(anchor),
        _ => Event::DocumentEnd,
    }
}

fn place(span: Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

/// Returns the path of a member. A name with dots in it stands in brackets, as in the messages of the API server.
pub fn member(path: &str, name: &str) -> String {
    if name.contains(['.', '/', '[']) {
        format!("{path}[{name}]")
    } else if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn parent(path: &str) -> &str {
    let end = match path.strip_suffix(']') {
        Some(open) => open.rfind('['),
        None => path.rfind('.'),
    };
    end.map_or("", |end| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# nothing but a comment
---
apiVersion: v1
metadata:
  annotations: {a.b/c: x}
spec:
  containers:
  - name: one
    env: [{name: A}]
  - name: two
---
kind: Second
";

    fn find(document: usize, path: &str) -> (usize, usize) {
        let place = Places::of_documents(TEXT)[document].find(path);
        (place.line, place.column)
    }

    #[test]
    fn a_member_is_where_its_name_is_and_an_item_where_it_begins() {
        assert_eq!(find(0, "spec.containers"), (7, 3));
        assert_eq!(find(0, "spec.containers[1]"), (10, 5));
        assert_eq!(find(0, "spec.containers[1].name"), (10, 5));
        assert_eq!(find(0, "spec.containers[0].env[0].name"), (9, 12));
        assert_eq!(find(0, "metadata.annotations[a.b/c]"), (5, 17));
        assert_eq!(find(1, "kind"), (12, 1));
    }

    #[test]
    fn what_is_not_there_is_where_it_would_be() {
        assert_eq!(find(0, "spec.containers[1].image"), (10, 5));
        assert_eq!(find(0, "spec.selector.matchLabels"), (6, 1));
        assert_eq!(find(1, "spec"), (12, 1));
    }

    #[test]
    fn documents_that_are_read_as_null_have_no_places_and_others_have() {
        let documents = Places::of_documents("Null\n---\nkind: One\n---\n~\n---\n\"\"\n--- \nkind: Two\n");

        let lines: Vec<_> = documents.iter().map(|places| places.find("kind").line).collect();
        assert_eq!(lines, [3, 7, 9]);
    }

    #[test]
    fn a_long_name_is_not_repeated_for_each_value_within() {
        let text = format!("a:\n  ? {}\n  : [{}1]\nb: 2\n", "n".repeat(60_000), "1, ".repeat(60_000));

        let places = &Places::of_documents(&text)[0];

        assert_eq!(places.by_path.len(), 3);
        assert_eq!((places.find(&format!("a.{}[7]", "n".repeat(60_000))).line, places.find("b").line), (1, 4));
    }
}
