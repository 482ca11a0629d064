//! Which module of a crate names which other one.

use crate::crate_modules::CrateModules;
use crate::rust_file::ModulePath;

/// A path in one module that leads to another one.
#[derive(Debug, Clone)]
pub struct Import<'a> {
    /// The file.
    pub file: &'a str,
    /// The line in it.
    pub line: usize,
    /// The module in which the path stands.
    pub from: &'a [String],
    /// What the path leads to.
    pub to: ModulePath,
}

/// Lists the imports of a target that are not for tests.
pub fn imports(crate_modules: &CrateModules) -> Vec<Import<'_>> {
    let mut all = Vec::new();
    for file in crate_modules.files.iter().filter(|file| !file.tests_only) {
        for named in file.content.named.iter().filter(|named| !named.tests_only) {
            let to = through_root(crate_modules, &named.target);
            all.push(Import { file: &file.path, line: named.line, from: &named.within, to });
        }
    }
    all
}

/// Replaces what the root only hands on by where it comes from: `crate::Context` may be `crate::context::Context`.
fn through_root(crate_modules: &CrateModules, target: &[String]) -> ModulePath {
    let bindings = crate_modules.files.first().map(|root| &root.content.bindings);
    match (target.split_first(), bindings) {
        (Some((first, rest)), Some(bindings)) if !crate_modules.modules.contains(&target[..1]) => {
            bindings.get(first).map_or_else(|| target.to_vec(), |path| [&path[..], rest].concat())
        }
        _ => target.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::library;

    #[test]
    fn what_the_root_hands_on_is_an_import_of_its_module() {
        let repository = library(
            "p",
            [
                ("p/src/lib.rs", "mod a; mod b; pub use b::{B, C as D}; pub use crate::b::E;"),
                ("p/src/a.rs", "use crate::{B, D}; fn f() { crate::E::g() }"),
                ("p/src/b.rs", ""),
            ],
        );
        let named = imports(&repository.crates[0]);
        let of_a: Vec<_> =
            named.iter().filter(|import| import.from == ["a"]).map(|import| import.to.join("::")).collect();
        assert_eq!(of_a, ["b::B", "b::C", "b::E::g"]);
    }

    #[test]
    fn what_only_tests_compile_imports_nothing() {
        let repository = library(
            "p",
            [
                ("p/src/lib.rs", "mod a; mod b; #[cfg(test)] mod c;"),
                ("p/src/a.rs", "#[cfg(test)] mod tests { use crate::b; }"),
                ("p/src/b.rs", ""),
                ("p/src/c.rs", "use crate::b;"),
            ],
        );
        assert!(imports(&repository.crates[0]).is_empty());
    }
}
