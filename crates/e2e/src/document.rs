//! Pages of documentation: their blocks, and what a test is to do with each.
//!
//! A comment before a block says what:
//!
//! | `<!-- test: … -->` | what is done |
//! |---|---|
//! | `cluster` | its commands are run on a cluster, in the order of the page |
//! | `offline` | its commands are run without a cluster |
//! | `run by FILE` | a script runs the commands of the page, and names the page |
//! | `not run: REASON` | nothing |
//! | `in PATH` | the YAML is a part of a `SidecarSet`, at that path |
//! | `from FILE` | the YAML stands in that file |
//! | `file NAME` | the YAML is written into a file that commands read |
//!
//! `page:` instead of `test:` says it of every block of commands of the page. Further lines of a comment are commands that are run
//! before, after `$`, or names that stand for others in its commands, such as `NAME=log-shipper`.

mod output;
mod shell;

pub use output::difference;
pub use shell::Shell;

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// A page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its path in the repository.
    pub path: String,
    /// What is between its fences, in its order.
    pub blocks: Vec<Block>,
}

/// What stands between two fences.
#[derive(Debug, Clone)]
pub struct Block {
    /// The number of its first line.
    pub line: usize,
    /// The language.
    pub language: String,
    /// The text.
    pub text: String,
    /// What is done with it.
    pub directive: Directive,
}

/// What a test is to do with a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directive {
    /// Nothing where the page does not say.
    pub treatment: Option<Treatment>,
    /// Commands that are run before.
    pub before: Vec<String>,
    /// What names in the block stand for.
    pub meaning: Vec<(String, String)>,
}

/// What is done with a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Treatment {
    /// Its commands are run on a cluster.
    Cluster,
    /// Its commands are run without a cluster.
    Offline,
    /// A script runs it.
    Script(String),
    /// Nothing, for a reason.
    NotRun(String),
    /// It is a part of a SidecarSet, at that path.
    In(String),
    /// It stands in that file.
    From(String),
    /// It is written into a file of that name.
    File(String),
}

/// A command, and what the page says that it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The command, as it is typed.
    pub command: String,
    /// The lines that it prints; nothing where the page shows none.
    pub output: Vec<String>,
}

impl Page {
    /// Reads a page of the repository.
    ///
    /// # Errors
    ///
    /// It cannot be read, or says of a block what no test can do.
    pub fn read(path: &str) -> Result<Self> {
        let text =
            std::fs::read_to_string(repository().join(path)).with_context(|| format!("failed to read {path}"))?;
        Self::parse(path, &text)
    }

    fn parse(path: &str, text: &str) -> Result<Self> {
        let (mut blocks, mut directive, mut of_page) = (Vec::new(), Directive::default(), None);
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let place = || format!("{path}:{}", number + 1);
            if let Some(comment) = comment(line, &mut lines) {
                match comment.split_once(':') {
                    Some(("test", rest)) => directive = Directive::parse(rest).with_context(place)?,
                    Some(("page", rest)) => of_page = Directive::parse(rest).with_context(place)?.treatment,
                    _ => {}
                }
            } else if let Some(language) = line.trim_start().strip_prefix("```") {
                let indent = line.len() - line.trim_start().len();
                let mut directive = std::mem::take(&mut directive);
                if directive.treatment.is_none() && language == "console" {
                    directive.treatment.clone_from(&of_page);
                }
                let text = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
                let text = text.map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect();
                blocks.push(Block { line: number + 2, language: language.to_owned(), text, directive });
            }
        }
        Ok(Self { path: path.to_owned(), blocks })
    }
}

/// Returns what a comment says that begins on this line.
fn comment<'a>(line: &str, lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Option<String> {
    let mut text = line.strip_prefix("<!-- ")?.to_owned();
    while !text.ends_with("-->") {
        text.push('\n');
        text.push_str(lines.next()?.1);
    }
    Some(text.trim_end_matches("-->").trim_end().to_owned())
}

impl Directive {
    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.trim().lines();
        let mut directive = Self::default();
        let first = lines.next().unwrap_or_default();
        directive.treatment = Some(match first.split_once(' ') {
            None if first == "cluster" => Treatment::Cluster,
            None if first == "offline" => Treatment::Offline,
            Some(("run", script)) => Treatment::Script(script.trim_start_matches("by ").to_owned()),
            Some(("not", reason)) if reason.starts_with("run: ") => Treatment::NotRun(reason[5..].to_owned()),
            Some(("in", path)) => Treatment::In(path.to_owned()),
            Some(("from", file)) => Treatment::From(file.to_owned()),
            Some(("file", name)) => Treatment::File(name.to_owned()),
            _ => bail!("no test can do {first:?}"),
        });
        for line in lines.filter(|line| !line.trim().is_empty()) {
            match (line.strip_prefix("$ "), line.split_once('=')) {
                (Some(command), _) => directive.before.push(command.to_owned()),
                (None, Some((name, meaning))) => directive.meaning.push((name.to_owned(), meaning.to_owned())),
                (None, None) => bail!("{line:?} is neither a command nor a name"),
            }
        }
        Ok(directive)
    }
}

impl Block {
    /// Says whether it consists of commands.
    #[must_use]
    pub fn has_commands(&self) -> bool {
        ["console", "sh", "bash"].contains(&self.language.as_str())
    }

    /// Returns the commands in their order. They follow a prompt, and go on after a backslash and until a document ends.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let (mut goes_on, mut document) = (false, None);
        for line in self.text.lines() {
            let (command, is_new) = line.strip_prefix("$ ").map_or((line, false), |command| (command, true));
            match steps.last_mut() {
                Some(step) if goes_on || document.is_some() => {
                    step.command.push('\n');
                    step.command.push_str(line);
                    goes_on = line.ends_with('\\');
                    document = document.filter(|end| line != end);
                }
                Some(step) if !is_new => step.output.push(line.to_owned()),
                _ => {
                    goes_on = command.ends_with('\\');
                    document = command.split_once("<<'").and_then(|(_, end)| Some(end.split_once('\'')?.0.to_owned()));
                    steps.push(Step { command: command.to_owned(), output: Vec::new() });
                }
            }
        }
        for step in &mut steps {
            for (name, meaning) in &self.directive.meaning {
                step.command = step.command.replace(name, meaning);
            }
        }
        steps
    }

    /// Returns its commands, and before them those that the page does not show.
    #[must_use]
    pub fn all_steps(&self) -> Vec<Step> {
        let hidden = self.directive.before.iter();
        let hidden = hidden.map(|command| Step { command: command.clone(), output: Vec::new() });
        hidden.chain(self.steps()).collect()
    }
}

/// Returns the paths of the pages that are tested.
///
/// # Errors
///
/// The folder of the documentation cannot be read.
pub fn pages() -> Result<Vec<String>> {
    let mut pages = vec!["README.md".to_owned(), "README.zh.md".to_owned()];
    for entry in repository().join("docs").read_dir()? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages.sort();
    Ok(pages)
}

/// Returns the path of the English page that says the same as a page; it is the page itself if that is in English.
#[must_use]
pub fn in_english(path: &str) -> String {
    path.strip_suffix(".zh.md").map_or_else(|| path.to_owned(), |name| format!("{name}.md"))
}

/// Returns the folder of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_the_directive_before_it_and_else_that_of_the_page() {
        let text = "<!-- page: not run: for fun -->\n```console\n$ a\n```\n<!-- test: cluster\nNAME=x\n$ b\n-->\n```console\n$ c NAME\n```\n```yaml\n```\n";

        let blocks = Page::parse("page", text).unwrap().blocks;

        assert_eq!(blocks[0].directive.treatment, Some(Treatment::NotRun("for fun".to_owned())));
        assert_eq!(blocks[1].directive.treatment, Some(Treatment::Cluster));
        assert_eq!((blocks[1].directive.before[0].as_str(), blocks[1].line), ("b", 10));
        assert_eq!(blocks[1].steps(), [Step { command: "c x".to_owned(), output: Vec::new() }]);
        assert_eq!(blocks[2].directive.treatment, None);
    }

    #[test]
    fn a_command_goes_on_after_a_backslash_and_until_its_document_ends() {
        let text = "```console\n$ a \\\n    b\nout\n$ c <<'END'\n$ d\nEND\nout\n```\n";

        let steps = Page::parse("page", text).unwrap().blocks[0].steps();

        let output = vec!["out".to_owned()];
        let first = Step { command: "a \\\n    b".to_owned(), output: output.clone() };
        assert_eq!(steps, [first, Step { command: "c <<'END'\n$ d\nEND".to_owned(), output }]);
    }

    #[test]
    fn what_no_test_can_do_is_told_with_its_place() {
        let error = Page::parse("page", "\n<!-- test: clutser -->\n").unwrap_err();

        assert_eq!(format!("{error:#}"), "page:2: no test can do \"clutser\"");
    }
}
