//! What kubectl asks its plugins for when a person presses Tab: it runs `kubectl_complete-sidecarset` with the words so far, of
//! which the last one is to be completed, and reads candidates and a directive in the form of cobra.

use super::live;
use super::walk::{Place, Wanted, walk};
use clap::CommandFactory;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// What the name begins with under which kubectl asks.
const PREFIX: &str = "kubectl_complete-";

/// The directives of cobra that are used.
const FILES: u8 = 0;
const NO_SPACE: u8 = 2;
const NO_FILES: u8 = 4;

/// Says whether kubectl asks, by the name under which the program was called.
pub fn is_asked(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Answers kubectl. Where nothing can be found out there are no candidates: nobody wants to read an error while typing.
pub fn answer(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    let mut root = crate::Arguments::command().bin_name("kubectl sidecarset");
    root.build();
    let place = walk(&root, &words);
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
