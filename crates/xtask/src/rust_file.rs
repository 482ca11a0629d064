//! What one file of Rust says of modules: those that it declares, and those that it names.

mod named_path;
mod reader;

pub use named_path::NamedPath;

use anyhow::Context;
use std::collections::BTreeMap;

/// The names of modules from the root of a crate down to one of them.
pub type ModulePath = Vec<String>;

/// What a file says of modules.
#[derive(Debug, Default)]
pub struct RustFile {
    /// Whether it begins with a comment that says what it is.
    pub documented: bool,
    /// How many lines it has without those that only tests compile.
    pub production_lines: usize,
    /// The modules that it declares, those with a body here included.
    pub declared: Vec<DeclaredModule>,
    /// The paths into its own crate.
    pub named: Vec<NamedPath>,
    /// What `use` brings to the top of the file, by the name it has here.
    pub bindings: BTreeMap<String, ModulePath>,
}

/// A module that a file declares.
#[derive(Debug, PartialEq, Eq)]
pub struct DeclaredModule {
    /// Its path from the root of the crate.
    pub path: ModulePath,
    /// The line in which it is declared.
    pub line: usize,
    /// What `#[path]` says.
    pub file: Option<String>,
    /// Whether its body is in this file.
    pub inline: bool,
    /// Whether only tests compile it.
    pub tests_only: bool,
}

impl RustFile {
    /// Reads the text of a file that is this module.
    pub fn read(path: &str, text: &str, module: &[String]) -> anyhow::Result<Self> {
        let syntax = syn::parse_file(text).with_context(|| format!("failed to parse {path}"))?;
        Ok(reader::read(&syntax, text.lines().count(), module))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> RustFile {
        RustFile::read("a.rs", text, &["a".into()]).unwrap()
    }

    fn named(text: &str) -> Vec<String> {
        read(text).named.iter().map(|named| format!("{} {}", named.line, named.target.join("::"))).collect()
    }

    #[test]
    fn paths_are_found_in_imports_expressions_and_macros() {
        let text = "use crate::{b, c::{self, D as E}, f::*};
use super::g;
fn a() -> crate::h::I {
    assert_eq!(crate::j::K, [super::l::m()]);
}
pub use std::fmt;";
        let expected = ["1 b", "1 c", "1 c::D", "1 f", "2 g", "3 h::I", "4 j::K", "4 l::m"];
        assert_eq!(named(text), expected);
    }

    #[test]
    fn super_is_counted_from_the_module_with_a_body_in_which_it_stands() {
        assert_eq!(
            named("mod inner { use super::x; use super::super::y; use self::z; }"),
            ["1 a::x", "1 y", "1 a::inner::z"]
        );
    }

    #[test]
    fn what_only_tests_compile_is_told_from_the_rest() {
        let file = read(
            "use crate::b;
#[cfg(test)]
use crate::c;
#[cfg(all(test, unix))]
mod tests {
    #[cfg(test)]
    use crate::d;
}
impl A {
    #[cfg(test)]
    fn e() { crate::e::f() }
}
#[cfg(not(test))]
use crate::g;
#[cfg(unix)]
use crate::h;
#[other(test)]
use crate::i;",
        );
        let production = file.named.iter().filter(|named| !named.tests_only);
        assert_eq!(production.map(|named| named.target.join("::")).collect::<Vec<_>>(), ["b", "g", "h", "i"]);
        assert_eq!(file.production_lines, 18 - 2 - 5 - 2);
        assert!(file.declared[0].tests_only);
    }

    #[test]
    fn declarations_keep_their_path_and_attribute() {
        let file = read("mod b;\n#[path = \"x/y.rs\"]\nmod c;\nmod d { mod e; }");
        let declared: Vec<_> = file
            .declared
            .iter()
            .map(|module| (module.path.join("::"), module.file.as_deref(), module.inline))
            .collect();
        let expected =
            [("a::b", None, false), ("a::c", Some("x/y.rs"), false), ("a::d", None, true), ("a::d::e", None, false)];
        assert_eq!(declared, expected.map(|(path, file, inline)| (path.to_owned(), file, inline)));
    }

    #[test]
    fn a_comment_inside_documents_the_file_and_one_outside_does_not() {
        assert!(read("//! What it is.\nfn a() {}").documented);
        assert!(read("#![doc = include_str!(\"a.md\")]").documented);
        assert!(!read("/// What a is.\nfn a() {}").documented);
    }

    #[test]
    fn bindings_are_those_at_the_top() {
        let file = read("pub use b::{C, D as E};\nuse super::f::G;\nfn h() { use i::J; }");
        let bindings: Vec<_> = file.bindings.iter().map(|(name, path)| format!("{name} {}", path.join("::"))).collect();
        assert_eq!(bindings, ["C a::b::C", "E a::b::D", "G f::G"]);
    }
}
