//! JSON: what is read, and what is refused, is what another parser reads and refuses.

use super::mutation::{json, text};
use super::{CORPUS, corpus_texts};
use crate::trials::trials;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};
use sidecarset_core::json::{Document, Json, write_text};

/// What makes JSON into something else, or into other JSON.
const PIECES: [&str; 28] = [
    "\"", "\\", "\\u", "\\ud83e", "\\udd80", "\\n", "0041", "{", "}", "[", "]", ",", ":", "-", "0", "12", ".", "e",
    "1e400", "E+2", "null", "tru", " ", "\n", "\u{0}", "\u{1f}", "ä", "\u{feff}",
];

/// Holds if both parsers refuse a text, or both find the same in it.
fn json_holds(text: &str) {
    match (Document::parse(text), serde_json::from_str::<Value>(text)) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(built(ours.root()), theirs, "{text}");
            looks_hold(ours.root());
        }
        // Ours says where that is, too.
        (Err(ours), Err(theirs)) => {
            assert!(ours.to_string().ends_with(&theirs.to_string()), "{text}: {ours}, {theirs}");
        }
        (ours, theirs) => panic!("{text}: {ours:?}, {theirs:?}"),
    }
}

/// Builds a value from what can be asked of one.
fn built(json: Json<'_>) -> Value {
    if json.is_object() {
        return Value::Object(json.members().map(|(name, member)| (name.to_owned(), built(member))).collect());
    }
    if json.is_list() {
        return json.items().map(built).collect();
    }
    let text = json.as_str().map(Value::from);
    let simple = text.or_else(|| json.as_bool().map(Value::from)).or_else(|| json.as_number().map(Value::from));
    assert_eq!(simple.is_none(), json.is_null());
    simple.unwrap_or_default()
}

/// Holds if each part stands in the text as itself, and is found by its name: the first of one name.
fn looks_hold(json: Json<'_>) {
    assert_eq!(json.to_value(), built(json));
    let mut first = Map::new();
    for (name, member) in json.members() {
        first.entry(name).or_insert_with(|| built(member));
        looks_hold(member);
    }
    assert!(first.iter().all(|(name, member)| built(json.at(name)) == *member));
    json.items().for_each(looks_hold);
}

fn changed(text: &str, changes: &[(Index, usize, &str)]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (place, removed, piece) in changes {
        let at = place.index(letters.len() + 1);
        let end = (at + removed).min(letters.len());
        letters.splice(at..end, piece.chars());
    }
    letters.into_iter().collect()
}

fn changes() -> impl Strategy<Value = Vec<(Index, usize, &'static str)>> {
    prop::collection::vec((any::<Index>(), 0_usize..3, select(&PIECES[..])), 0..4)
}

/// Returns what JSON says of a text with one thing in it that is not itself, behind each number of letters: a text is read many bytes
/// at a time.
fn at_each_place(thing: &str) -> impl Iterator<Item = String> {
    (0..40).flat_map(move |before| {
        [0, 1, 15, 16, 17, 40].map(|after| format!("{}{thing}{}", "a".repeat(before), "b".repeat(after)))
    })
}

#[test]
fn what_is_special_in_a_text_is_seen_wherever_it_stands() {
    let things = [
        "\\\"",
        "\\\\",
        "\\/",
        "\\n",
        "\\u0041",
        "\\ud83e\\udd80",
        "\\ud83e",
        "\\udd80",
        "\\x",
        "\\u00g0",
        "\"",
        "\\",
        "ä",
        "🦀",
        "\u{0}",
        "\u{1f}",
        "\u{7f}",
        "\u{80}",
        "\n",
        "{",
        "]",
    ];
    for text in things.into_iter().flat_map(at_each_place) {
        json_holds(&format!("\"{text}\""));
        json_holds(&format!("{{\"{text}\":[\"{text}\",1]}}"));
    }
}

#[test]
fn what_stands_between_values_is_passed_wherever_it_stands() {
    for space in [" ", "\t", "\r\n", "\u{b}", "\u{a0}", "\u{0}", "/", ","] {
        for text in at_each_place("").map(|it| it.replace(['a', 'b'], space)) {
            for value in ["1", "true", "\"a\"", "[]", "{}", "-"] {
                json_holds(&format!("{text}{value}{text}"));
                json_holds(&format!("[{text}{value}{text},{text}{{\"a\"{text}:{text}{value}{text}}}{text}]"));
            }
        }
    }
}

#[test]
fn the_corpus_of_json_holds() {
    corpus_texts("json").iter().for_each(|(_, text)| json_holds(text));
}

#[test]
fn the_pods_of_the_corpus_are_read_as_they_are() {
    CORPUS.values("pods").iter().for_each(|(_, pod)| json_holds(&pod.to_string()));
}

proptest! {
    #![proptest_config(trials(256))]

    #[test]
    fn any_text_is_read_as_by_another_parser(text in text()) {
        json_holds(&text);
    }

    #[test]
    fn any_json_is_read_as_by_another_parser(value in json(), changes in changes()) {
        json_holds(&changed(&value.to_string(), &changes));
        json_holds(&changed(&serde_json::to_string_pretty(&value).unwrap(), &changes));
    }

    #[test]
    fn any_pieces_are_read_as_by_another_parser(pieces in prop::collection::vec(select(&PIECES[..]), 0..12)) {
        json_holds(&pieces.concat());
    }

    #[test]
    fn any_text_is_written_as_by_another_writer(text in text()) {
        let mut written = String::new();

        write_text(&mut written, &text);

        prop_assert_eq!(written, serde_json::to_string(&text).unwrap());
    }
}
