//! The pages of the documentation, as far as no cluster is needed: no block is left out, every YAML is valid, every link
//! leads somewhere, and commands print what the page shows. Those for a cluster are run by the tests on one.

#[path = "documentation/chinese.rs"]
mod chinese;
#[path = "documentation/reference.rs"]
mod reference;
#[path = "documentation/schema.rs"]
mod schema;
#[path = "documentation/yaml.rs"]
mod yaml;

use sidecarset_e2e::document::{Block, Page, Shell, Treatment, in_english, pages, repository};
use std::path::{Path, PathBuf};

/// What is shown and is no command: nothing can be wrong with it that a test could find.
const SHOWN: [&str; 3] = ["text", "json", "promql"];

/// Calls a function with each block of each page, and fails with all that it finds fault with.
fn look_at_every_block(mut find_fault: impl FnMut(&Page, &Block) -> Option<String>) {
    let mut faults = Vec::new();
    for path in pages().unwrap() {
        let page = Page::read(&path).unwrap();
        for block in &page.blocks {
            if let Some(fault) = find_fault(&page, block) {
                faults.push(format!("{path}:{}: {fault}", block.line));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_block_of_a_page_is_left_out() {
    look_at_every_block(|_, block| match &block.directive.treatment {
        Some(Treatment::NotRun(reason)) if reason.len() < 10 => Some("gives no reason for not being run".to_owned()),
        None if block.has_commands() => Some("has commands that nothing runs: say in a comment what does".to_owned()),
        None if block.language == "yaml" || SHOWN.contains(&block.language.as_str()) => None,
        None => Some(format!("is in a language that no test knows: {:?}", block.language)),
        Some(_) => None,
    });
}

#[test]
fn a_script_that_is_to_run_a_page_names_it() {
    look_at_every_block(|page, block| {
        let Some(Treatment::Script(script)) = &block.directive.treatment else { return None };
        let text = std::fs::read_to_string(repository().join(script)).unwrap_or_default();
        (!text.contains(&in_english(&page.path))).then(|| format!("{script} does not name the page"))
    });
}

#[test]
fn every_yaml_of_a_page_is_valid() {
    look_at_every_block(|_, block| (block.language == "yaml").then(|| yaml::fault(block)).flatten());
}

#[test]
fn json_of_a_page_can_be_read() {
    look_at_every_block(|_, block| {
        let mut lines = block.text.lines().filter(|_| block.language == "json");
        lines.find_map(|line| serde_json::from_str::<serde_json::Value>(line).err()).map(|error| error.to_string())
    });
}

#[test]
fn commands_that_need_no_cluster_print_what_the_page_shows() {
    let mut shells: Vec<(String, Shell)> = Vec::new();
    look_at_every_block(|page, block| {
        if shells.last().is_none_or(|(path, _)| *path != page.path) {
            shells.push((page.path.clone(), shell(&page.path)));
        }
        let (_, shell) = shells.last()?;
        match &block.directive.treatment {
            Some(Treatment::File(name)) => {
                std::fs::write(shell.folder().join(name), &block.text).unwrap();
                None
            }
            Some(Treatment::Offline) => run(shell, block),
            _ => None,
        }
    });
}

fn shell(path: &str) -> Shell {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_sidecarset"));
    let name = format!("offline-{}", path.trim_end_matches(".md").replace('/', "-"));
    Shell::open(&name, &[("sidecarset", program.clone()), ("kubectl-sidecarset", program)]).unwrap()
}

fn run(shell: &Shell, block: &Block) -> Option<String> {
    block.all_steps().iter().find_map(|step| shell.follow(step).err()).map(|error| format!("{error:#}"))
}

/// Adds every file below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_example_is_valid_and_used_by_a_test_on_a_cluster() {
    let (mut examples, mut tests) = (Vec::new(), Vec::new());
    files(&repository().join("examples"), &mut examples);
    files(&repository().join("crates/e2e/tests/e2e"), &mut tests);
    let mut tests: String = tests.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    tests.push_str(&std::fs::read_to_string(repository().join("docs/tutorial.md")).unwrap());

    for path in examples.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
        let name = path.strip_prefix(repository().join("examples")).unwrap().display().to_string();
        let fault = yaml::fault_of_objects(&std::fs::read_to_string(path).unwrap());

        assert_eq!(fault, None, "examples/{name}");
        let is_used = tests.contains(&format!("\"{name}\"")) || tests.contains(&format!("-f examples/{name}\n"));
        assert!(is_used, "no test on a cluster applies examples/{name}");
    }
}

/// Returns where the links of a page lead within the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://") && !target.contains(' '))
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for path in pages().unwrap() {
        let page = repository().join(&path);
        let text = std::fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let is_there = match heading {
                "" => file.exists(),
                heading => std::fs::read_to_string(file).is_ok_and(|text| headings(&text).any(|it| it == heading)),
            };
            if !is_there {
                broken.push(format!("{path}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Returns the anchors that a forge makes of headings.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let kept = line.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.collect::<String>().replace(' ', "-")
    })
}
