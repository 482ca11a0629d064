//! Whatever comes from outside: nothing panics, nothing is lost, and everything has an answer.

#[path = "fuzz/corpus.rs"]
mod corpus;
#[path = "fuzz/definitions.rs"]
mod definitions;
#[path = "fuzz/json.rs"]
mod json;
#[path = "fuzz/looks.rs"]
mod looks;
#[path = "fuzz/mutation.rs"]
mod mutation;
#[path = "fuzz/pods.rs"]
mod pods;
#[path = "fuzz/sizes.rs"]
mod sizes;
#[path = "fuzz/texts.rs"]
mod texts;

use corpus::Corpus;

const CORPUS: Corpus = Corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"));

/// Returns the texts of a folder by file name, without the line break that an editor puts behind them.
fn corpus_texts(target: &str) -> Vec<(String, String)> {
    let text = |bytes| String::from_utf8(bytes).unwrap().trim_end_matches('\n').to_owned();
    CORPUS.bytes(target).into_iter().map(|(name, bytes)| (name, text(bytes))).collect()
}
