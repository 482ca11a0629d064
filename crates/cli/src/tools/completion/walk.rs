//! Where in the command line a person is, and what may follow there.

use super::live::Kind;
use clap::{Arg, Command};
use std::collections::BTreeMap;

/// Where a person is.
#[derive(Debug)]
pub struct Place<'a> {
    /// What is typed of the word.
    pub word: String,
    /// What stands before it, in the same word.
    pub prefix: String,
    /// What may be there.
    pub wanted: Wanted,
    /// The values of the flags before, by long name.
    pub flags: BTreeMap<&'a str, String>,
    /// The words before that belong to no flag.
    pub positionals: Vec<String>,
}

/// What may be at a place.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One of these words, each with what it means.
    OneOf(BTreeMap<String, String>),
    /// What the cluster has.
    Live(Kind),
    /// A container and its image.
    Assignment,
    /// A file.
    File,
    /// Something that nobody can foresee.
    Anything,
}

/// Finds out where a person is who has typed these words, of which the last one is not complete.
pub fn walk<'a>(root: &'a Command, words: &[String]) -> Place<'a> {
    let (word, done) = words.split_last().map_or_else(|| (String::new(), words), |(word, done)| (word.clone(), done));
    let (mut command, mut waits) = (root, None);
    let (mut flags, mut positionals) = (BTreeMap::new(), Vec::new());
    for word in done {
        if let Some(flag) = waits.take() {
            flags.insert(name(flag), word.clone());
        } else if let Some((flag, value)) = flag(command, word) {
            match value {
                Some(value) => drop(flags.insert(name(flag), value.to_owned())),
                None => waits = Some(flag).filter(|flag| takes_next(flag)),
            }
        } else if let Some(inner) = command.find_subcommand(word).filter(|_| positionals.is_empty()) {
            command = inner;
        } else if word != "--" {
            positionals.push(word.clone());
        }
    }
    let place = |word: String, prefix: String, wanted| Place { word, prefix, wanted, flags, positionals: Vec::new() };
    let place = match (waits, flag(command, &word)) {
        (Some(flag), _) => place(word, String::new(), values(flag)),
        (None, Some((flag, Some(value)))) => {
            let prefix = word[..word.len() - value.len()].to_owned();
            place(value.to_owned(), prefix, values(flag))
        }
        (None, _) if word.starts_with('-') => place(word, String::new(), Wanted::OneOf(long_flags(command))),
        (None, _) => place(word, String::new(), next(command, positionals.len())),
    };
    Place { positionals, ..place }
}

/// Reads a word as a flag, with the value that stands in the same word.
fn flag<'a, 'b>(command: &'a Command, word: &'b str) -> Option<(&'a Arg, Option<&'b str>)> {
    let mut all = command.get_arguments();
    if let Some(long) = word.strip_prefix("--") {
        let (long, value) = long.split_once('=').map_or((long, None), |(long, value)| (long, Some(value)));
        return Some((all.find(|arg| arg.get_long() == Some(long))?, value));
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let short = letters.next()?;
    let rest = letters.as_str();
    let found = all.find(|arg| arg.get_short() == Some(short))?;
    Some((found, Some(rest).filter(|rest| !rest.is_empty() && found.get_action().takes_values())))
}

fn name(flag: &Arg) -> &str {
    flag.get_long().unwrap_or_default()
}

fn takes_next(flag: &Arg) -> bool {
    flag.get_action().takes_values() && !flag.is_require_equals_set()
}

fn next(command: &Command, at: usize) -> Wanted {
    if at == 0 && command.has_subcommands() {
        let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
        return Wanted::OneOf(commands.map(|it| (it.get_name().to_owned(), text(it.get_about()))).collect());
    }
    let positionals: Vec<&Arg> = command.get_positionals().collect();
    let is_repeated = |arg: &&&Arg| arg.get_num_args().is_some_and(|count| count.max_values() > 1);
    let arg = positionals.get(at).or_else(|| positionals.last().filter(is_repeated));
    arg.map_or(Wanted::Anything, |arg| values(arg))
}

fn values(arg: &Arg) -> Wanted {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        let shown = possible.iter().filter(|value| !value.is_hide_set());
        return Wanted::OneOf(shown.map(|it| (it.get_name().to_owned(), text(it.get_help()))).collect());
    }
    let names = arg.get_value_names().unwrap_or_default();
    match (arg.get_long(), names.first().map(clap::builder::Str::as_str)) {
        (Some("namespace"), _) => Wanted::Live(Kind::Namespaces),
        (None | Some("set"), Some("NAME")) => Wanted::Live(Kind::Sets),
        (None, Some("pod NAME")) => Wanted::Live(Kind::Pods),
        (None, Some("CONTAINER=IMAGE")) => Wanted::Assignment,
        (_, Some("FILE")) => Wanted::File,
        _ => Wanted::Anything,
    }
}

fn long_flags(command: &Command) -> BTreeMap<String, String> {
    let shown = command.get_opts().chain(command.get_arguments().filter(|arg| !arg.get_action().takes_values()));
    let shown = shown.filter(|arg| !arg.is_hide_set());
    shown.filter_map(|arg| Some((format!("--{}", arg.get_long()?), text(arg.get_help())))).collect()
}

fn text(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn at<T>(words: &[&str], look: impl FnOnce(&Place<'_>) -> T) -> T {
        let mut root = crate::Arguments::command();
        root.build();
        look(&walk(&root, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()))
    }

    fn words(typed: &[&str]) -> Vec<String> {
        at(typed, |place| match &place.wanted {
            Wanted::OneOf(words) => words.keys().filter(|word| word.starts_with(&place.word)).cloned().collect(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn commands_flags_and_their_values_are_known() {
        assert!(words(&[""]).contains(&"set-image".to_owned()));
        assert_eq!(words(&["set-i"]), ["set-image"]);
        assert_eq!(words(&["pause", "a", "--dry"]), ["--dry-run"]);
        assert_eq!(words(&["pause", "a", "--dry-run", "s"]), ["server"]);
        assert_eq!(words(&["pause", "-o", ""]), ["json", "name", "wide", "yaml"]);
        assert_eq!(words(&["completion", "b"]), ["bash"]);
    }

    #[test]
    fn the_value_of_a_flag_may_be_in_the_same_word() {
        assert_eq!(words(&["pause", "--dry-run=c"]), ["client"]);
        at(&["pause", "--dry-run=c"], |place| assert_eq!(place.prefix, "--dry-run="));
        at(&["pause", "--context=a", "--kubeconfig", "/b", ""], |place| {
            assert_eq!(place.flags, BTreeMap::from([("context", "a".to_owned()), ("kubeconfig", "/b".to_owned())]));
        });
    }

    #[test]
    fn names_come_from_the_cluster() {
        for typed in [&["pause", ""][..], &["pause", "a", ""], &["set-image", "lo"], &["pause", "--injection", ""]] {
            at(typed, |place| assert_eq!(place.wanted, Wanted::Live(Kind::Sets), "{typed:?}"));
        }
        at(&["pause", "-n", ""], |place| assert_eq!(place.wanted, Wanted::Live(Kind::Namespaces)));
        at(&["set-image", "log-sc", "ag"], |place| {
            assert_eq!((&place.wanted, &*place.positionals), (&Wanted::Assignment, &["log-sc".to_owned()][..]));
        });
        at(&["explain", "we"], |place| assert_eq!(place.wanted, Wanted::Live(Kind::Pods)));
        at(&["explain", "pod", "we"], |place| assert_eq!(place.wanted, Wanted::Live(Kind::Pods)));
        at(&["explain", "pod", "web-0", "--set", ""], |place| assert_eq!(place.wanted, Wanted::Live(Kind::Sets)));
        at(&["pause", "--kubeconfig", ""], |place| assert_eq!(place.wanted, Wanted::File));
        at(&["undo", "log-sc", ""], |place| assert_eq!(place.wanted, Wanted::Anything));
    }
}
