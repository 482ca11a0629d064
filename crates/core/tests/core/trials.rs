//! How often a property is tried.

use proptest::prelude::ProptestConfig;

/// Returns the configuration of a property that is tried a few times with every run of the tests, and as often as
/// `FUZZ_CASES` says where somebody asks for more.
// What fails is printed whole and becomes a file of the corpus: a list of seeds beside the sources would go stale.
pub fn trials(few: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 4096,
        ..ProptestConfig::with_cases(asked().unwrap_or(few))
    }
}

fn asked() -> Option<u32> {
    let cases = std::env::var("FUZZ_CASES").ok()?;
    Some(cases.parse().expect("FUZZ_CASES is a number"))
}
