//! Every file says what it is.

use crate::Violation;
use crate::crate_modules::CrateModules;

/// Reports files that do not begin with `//!`. Those of tests need not.
#[must_use]
pub fn module_docs(crates: &[CrateModules]) -> Vec<Violation> {
    let files = crates.iter().flat_map(|crate_modules| &crate_modules.files).filter(|file| !file.tests_only);
    let bare = files.filter(|file| !file.content.documented);
    bare.map(|file| Violation::new(&file.path, 1, "say in a `//!` comment at the top what this module is for"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::library;

    #[test]
    fn a_file_without_a_comment_is_reported_unless_it_is_of_tests() {
        let repository = library(
            "p",
            [
                ("p/src/lib.rs", "//! A crate.\nmod a; #[cfg(test)] mod tests;"),
                ("p/src/a.rs", "/// Something else.\nfn b() {}"),
                ("p/src/tests.rs", ""),
            ],
        );
        let found = module_docs(&repository.crates);
        assert_eq!(found.iter().map(|violation| violation.path.as_str()).collect::<Vec<_>>(), ["p/src/a.rs"]);
    }
}
