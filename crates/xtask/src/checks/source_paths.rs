//! The files of Rust that the pages for developers name are there.

use crate::Violation;
use crate::file_tree::FileTree;
use crate::markdown::Page;

/// The pages that describe the sources.
const PAGES: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// Reports names of files of Rust in these pages that no file has. They are written from any folder on, and with or
/// without `src`: `core/catalog.rs` is `crates/core/src/catalog.rs`.
#[must_use]
pub fn source_paths(tree: &FileTree) -> Vec<Violation> {
    let sources: Vec<String> = tree.ending_in(".rs").flat_map(|(path, _)| spellings(path)).collect();
    let mut violations = Vec::new();
    for page in PAGES {
        let code = tree.text(page).map(|text| Page::read(text).code).unwrap_or_default();
        let paths = code.iter().filter(|code| code.text.ends_with(".rs") && !code.text.contains(char::is_whitespace));
        let missing = paths.filter(|path| {
            let end = format!("/{}", path.text);
            !sources.iter().any(|source| source.ends_with(&end))
        });
        violations.extend(missing.map(|path| {
            Violation::new(page, path.line, format!("there is no file {}: name the one that is meant", path.text))
        }));
    }
    violations
}

fn spellings(path: &str) -> [String; 2] {
    let path = format!("/{path}");
    let short = path.replacen("/src/", "/", 1);
    [path, short]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<usize> {
        let tree =
            FileTree::from([("ARCHITECTURE.md", text), ("README.md", "`no.rs`"), ("crates/core/src/a/b.rs", "")]);
        source_paths(&tree).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_file_is_found_by_the_end_of_its_path_with_and_without_src() {
        assert!(found("`crates/core/src/a/b.rs`, `core/a/b.rs`, `core/src/a/b.rs`, `a/b.rs`, `b.rs`").is_empty());
    }

    #[test]
    fn a_file_that_is_not_there_is_reported() {
        assert_eq!(found("`a/b.rs`\n`c/b.rs`\n\n`ab.rs`, `/b.rs`"), [2, 4, 4]);
        assert!(found("`cat c.rs`, c.rs, `c.yaml`").is_empty());
    }
}
