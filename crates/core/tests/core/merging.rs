//! Merge patches, compared with what the library makes of them that Kruise merges with.

use sidecarset_core::merge::MergePatch;

/// Each line is a text, a patch and, where there is one, the result, as `MergePatch` of github.com/evanphx/json-patch
/// v5.6.0+incompatible found it. The texts are random. A list with objects in it that takes the place of an object is not
/// among them: there the order of keys and the nulls depend on what was there before.
const VECTORS: &str = include_str!("../vectors/merges.tsv");

fn unescaped(column: &str) -> String {
    let mut letters = column.chars();
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => match letters.next().unwrap() {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            },
            other => other,
        });
    }
    text
}

#[test]
fn a_merge_is_the_one_of_kruise_byte_for_byte() {
    for line in VECTORS.lines() {
        let columns: Vec<String> = line.split('\t').map(unescaped).collect();
        let [text, patch, expected] = columns.try_into().unwrap();

        let merged = MergePatch::parse(&patch).ok().and_then(|patch| patch.apply(&text).ok());

        assert_eq!(merged.as_deref().unwrap_or("-"), expected, "{text} with {patch}");
    }
    assert!(VECTORS.lines().count() >= 1500);
}
