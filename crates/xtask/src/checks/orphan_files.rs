//! No file of Rust that nothing compiles.

use crate::Violation;
use crate::crate_modules::CrateModules;
use crate::file_tree::FileTree;
use std::collections::BTreeSet;

/// Reports files of Rust that are no target, and that no `mod` declares.
#[must_use]
pub fn orphan_files(tree: &FileTree, crates: &[CrateModules]) -> Vec<Violation> {
    let compiled: BTreeSet<&str> =
        crates.iter().flat_map(|crate_modules| &crate_modules.files).map(|file| file.path.as_str()).collect();
    let orphans = tree.ending_in(".rs").filter(|(path, _)| !compiled.contains(path));
    orphans.map(|(path, _)| Violation::new(path, 1, "no `mod` declares this file: declare it, or delete it")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::library;

    #[test]
    fn a_file_that_nothing_declares_is_reported() {
        let repository = library(
            "p",
            [
                ("p/src/lib.rs", "mod a; #[cfg(test)] mod b;"),
                ("p/src/a.rs", ""),
                ("p/src/b.rs", ""),
                ("p/src/a/c.rs", ""),
                ("p/tests/d.rs", ""),
            ],
        );
        let found = orphan_files(&repository.tree, &repository.crates);
        let paths: Vec<_> = found.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(paths, ["p/src/a/c.rs", "p/tests/d.rs"]);
    }
}
