//! The modules of one target: its root file, and every file that it declares.

use crate::file_tree::{FileTree, folder_of, resolve};
use crate::rust_file::{DeclaredModule, ModulePath, RustFile};
use crate::workspace::{Package, Target};
use anyhow::Context;
use std::collections::BTreeSet;

/// The modules of one target.
#[derive(Debug)]
pub struct CrateModules {
    /// The package that it is of.
    pub package: String,
    /// Its own name.
    pub target: String,
    /// Whether it is a test, an example or a benchmark.
    pub tests_only: bool,
    /// Its files, the root first.
    pub files: Vec<ModuleFile>,
    /// Every module, those without a file of their own and those of tests included.
    pub modules: BTreeSet<ModulePath>,
}

/// A file that is a module.
#[derive(Debug)]
pub struct ModuleFile {
    /// Where it is, from the root of the repository.
    pub path: String,
    /// Which module it is.
    pub module: ModulePath,
    /// Whether only tests compile it.
    pub tests_only: bool,
    /// What it says.
    pub content: RustFile,
    /// The folder in which the files of its modules are.
    folder: String,
}

impl CrateModules {
    /// Reads a target, from its root on.
    pub fn read(tree: &FileTree, package: &Package, target: &Target) -> anyhow::Result<Self> {
        let mut crate_modules = Self {
            package: package.name.clone(),
            target: target.name.clone(),
            tests_only: target.tests_only,
            files: Vec::new(),
            modules: BTreeSet::new(),
        };
        let folder = folder_of(&target.root).to_owned();
        crate_modules.read_file(tree, (target.root.clone(), folder), ModulePath::new(), target.tests_only)?;
        Ok(crate_modules)
    }

    fn read_file(
        &mut self,
        tree: &FileTree,
        (path, folder): (String, String),
        module: ModulePath,
        tests_only: bool,
    ) -> anyhow::Result<()> {
        let text = tree.text(&path).with_context(|| format!("there is no {path}"))?;
        let content = RustFile::read(&path, text, &module)?;
        let file = ModuleFile { path, module, tests_only, content, folder };
        let declared = &file.content.declared;
        self.modules.extend(declared.iter().map(|module| module.path.clone()));
        let below: Vec<_> = declared
            .iter()
            .filter(|declared| !declared.inline)
            .filter_map(|module| {
                Some((file_of(tree, &file, module)?, module.path.clone(), tests_only || module.tests_only))
            })
            .collect();
        self.files.push(file);
        for (place, module, tests_only) in below {
            self.read_file(tree, place, module, tests_only)?;
        }
        Ok(())
    }
}

/// Finds the file of a module, and the folder of the files of its own modules, as the compiler does. There is none
/// where the compiler looks for none: on another platform, or with another feature.
fn file_of(tree: &FileTree, file: &ModuleFile, declared: &DeclaredModule) -> Option<(String, String)> {
    let (name, bodies) = declared.path[file.module.len()..].split_last()?;
    if let Some(given) = &declared.file {
        let base = if bodies.is_empty() { folder_of(&file.path).to_owned() } else { joined(&file.folder, bodies) };
        let path = resolve(&base, given)?;
        let folder = folder_of(&path).to_owned();
        return Some((path, folder)).filter(|(path, _)| tree.text(path).is_some());
    }
    let folder = joined(&file.folder, declared.path[file.module.len()..].as_ref());
    let beside = format!("{}/{name}.rs", joined(&file.folder, bodies));
    let inside = format!("{folder}/mod.rs");
    [beside, inside].into_iter().find(|path| tree.text(path).is_some()).map(|path| (path, folder))
}

fn joined(folder: &str, modules: &[String]) -> String {
    [&[folder.to_owned()], modules].concat().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(tree: &FileTree, root: &str) -> Vec<String> {
        let package = Package {
            name: "p".into(),
            manifest: "p/Cargo.toml".into(),
            dependencies: Vec::new(),
            targets: Vec::new(),
        };
        let target = Target { name: "t".into(), root: root.into(), tests_only: false };
        let read = CrateModules::read(tree, &package, &target).unwrap();
        read.files.iter().map(|file| format!("{} {}", file.path, file.module.join("::"))).collect()
    }

    #[test]
    fn files_are_found_where_the_compiler_looks_for_them() {
        let tree = FileTree::from([
            ("p/src/lib.rs", "mod a; mod b; mod in_body { mod c; } mod elsewhere;"),
            ("p/src/a.rs", "mod d;"),
            ("p/src/a/d.rs", ""),
            ("p/src/b/mod.rs", "mod e;"),
            ("p/src/b/e.rs", ""),
            ("p/src/in_body/c.rs", ""),
        ]);
        let expected = [
            "p/src/lib.rs ",
            "p/src/a.rs a",
            "p/src/a/d.rs a::d",
            "p/src/b/mod.rs b",
            "p/src/b/e.rs b::e",
            "p/src/in_body/c.rs in_body::c",
        ];
        assert_eq!(files(&tree, "p/src/lib.rs"), expected);
    }

    #[test]
    fn the_modules_of_a_file_that_an_attribute_names_are_beside_it() {
        let tree = FileTree::from([
            ("p/tests/t.rs", "#[path = \"../../q/a.rs\"]\nmod a;\nmod c;"),
            ("p/tests/c.rs", "#[path = \"e.rs\"]\nmod d;"),
            ("p/tests/e.rs", ""),
            ("p/tests/c/e.rs", ""),
            ("q/a.rs", "mod b;"),
            ("q/b.rs", ""),
            ("q/a/b.rs", ""),
        ]);
        assert_eq!(
            files(&tree, "p/tests/t.rs"),
            ["p/tests/t.rs ", "q/a.rs a", "q/b.rs a::b", "p/tests/c.rs c", "p/tests/e.rs c::d"]
        );
    }
}
