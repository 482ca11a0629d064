//! No file that is too long to read at once. How long a function may be is clippy's rule.

use crate::Violation;
use crate::crate_modules::CrateModules;

/// How many lines a file may have beside its tests.
const LONGEST: usize = 450;

/// Reports files with more lines.
#[must_use]
pub fn file_length(crates: &[CrateModules]) -> Vec<Violation> {
    let files = crates.iter().flat_map(|crate_modules| &crate_modules.files).filter(|file| !file.tests_only);
    let long = files.filter(|file| file.content.production_lines > LONGEST);
    long.map(|file| {
        let lines = file.content.production_lines;
        Violation::new(
            &file.path,
            LONGEST + 1,
            format!("{lines} lines beside the tests, more than {LONGEST}: split the file"),
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::library;

    fn is_reported(lines: usize, end: &str) -> bool {
        let text = format!("{}{end}", "// A line.\n".repeat(lines));
        !file_length(&library("p", [("p/src/lib.rs", &text)]).crates).is_empty()
    }

    #[test]
    fn a_file_of_more_lines_is_reported() {
        assert!(!is_reported(450, ""));
        assert!(is_reported(451, ""));
    }

    #[test]
    fn its_tests_do_not_count() {
        assert!(!is_reported(450, "#[cfg(test)]\nmod tests {\n}\n"));
        assert!(is_reported(450, "mod tests {\n}\n"));
    }

    #[test]
    fn a_file_of_tests_may_be_of_any_length() {
        let text = "// A line.\n".repeat(451);
        let repository = library("p", [("p/src/lib.rs", "#[cfg(test)] mod tests;"), ("p/src/tests.rs", &text)]);
        assert!(file_length(&repository.crates).is_empty());
    }
}
