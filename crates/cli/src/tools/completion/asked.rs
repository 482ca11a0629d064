//! What is asked when a person presses Tab, with the words so far, of which the last one is to be completed: by kubectl, which runs
//! `kubectl_complete-sidecarset` for its plugin, and by our scripts for shells, which run `sidecarset __complete`. Both read
//! candidates and a directive in the form of cobra.

use super::live;
use super::walk::{Place, Wanted, walk};
use clap::CommandFactory;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// What the name begins with under which kubectl asks.
const PREFIX: &str = "kubectl_complete-";
/// The command by which shells ask.
const COMMAND: &str = "__complete";

/// The directives of cobra that are used.
const FILES: u8 = 0;
const NO_SPACE: u8 = 2;
const NO_FILES: u8 = 4;

/// Returns the words that are to be completed, where that is asked. `called` is the name under which the program was called.
pub fn words(called: &str, arguments: &[OsString]) -> Option<Vec<String>> {
    let words = match arguments {
        [_, words @ ..] if called.starts_with(PREFIX) => words,
        [_, command, words @ ..] if command == COMMAND => words,
        _ => return None,
    };
    Some(words.iter().map(|word| word.to_string_lossy().into_owned()).collect())
}

/// Answers. Where nothing can be found out there are no candidates: nobody wants to read an error while typing.
pub fn answer(words: &[String]) -> ExitCode {
    let mut root = crate::Arguments::command().bin_name("kubectl sidecarset");
    root.build();
    let place = walk(&root, words);
    let (candidates, directive) = candidates(&place);
    // Nobody is left to tell where it cannot be printed.
    let _ = write(&mut io::stdout().lock(), &place.prefix, &candidates, directive);
    ExitCode::SUCCESS
}

fn candidates(place: &Place<'_>) -> (BTreeMap<String, String>, u8) {
    let fits = |candidates: BTreeMap<String, String>| -> BTreeMap<String, String> {
        candidates.into_iter().filter(|(word, _)| word.starts_with(&place.word)).collect()
    };
    match &place.wanted {
        Wanted::OneOf(words) => (fits(words.clone()), NO_FILES),
        Wanted::Live(kind) => (fits(live::ask(*kind, place)), NO_FILES),
        Wanted::Assignment if place.word.contains('=') => (BTreeMap::new(), NO_FILES),
        Wanted::Assignment => (fits(live::ask(live::Kind::Containers, place)), NO_FILES | NO_SPACE),
        Wanted::File => (BTreeMap::new(), FILES),
        Wanted::Anything => (BTreeMap::new(), NO_FILES),
    }
}

fn write(out: &mut impl Write, prefix: &str, candidates: &BTreeMap<String, String>, directive: u8) -> io::Result<()> {
    for (word, help) in candidates {
        match help.lines().next().filter(|line| !line.is_empty()) {
            Some(line) => writeln!(out, "{prefix}{word}\t{line}")?,
            None => writeln!(out, "{prefix}{word}")?,
        }
    }
    writeln!(out, ":{directive}")
}
