//! Checks of the repository that neither the compiler nor clippy makes: `cargo xtask tidy` runs all of them.
//!
//! Each check is a function of the [`Repository`] in memory, and returns [`Violation`]s.

pub mod checks;
pub mod circles;
mod crate_modules;
pub mod file_tree;
mod imports;
mod markdown;
mod module_graph;
mod rust_file;
mod violation;
pub mod workspace;

pub use crate_modules::CrateModules;
pub use violation::Violation;

use file_tree::FileTree;
use workspace::Package;

/// The repository, read once.
#[derive(Debug)]
pub struct Repository {
    /// Its files.
    pub tree: FileTree,
    /// The crates of the workspace.
    pub packages: Vec<Package>,
    /// What is compiled of them, and of which files.
    pub crates: Vec<CrateModules>,
}

impl Repository {
    /// Reads the repository in which cargo runs.
    pub fn load() -> anyhow::Result<Self> {
        let (root, packages) = workspace::load()?;
        Self::new(FileTree::load(&root)?, packages)
    }

    /// Reads the crates in a tree.
    pub fn new(tree: FileTree, packages: Vec<Package>) -> anyhow::Result<Self> {
        let targets = packages.iter().flat_map(|package| package.targets.iter().map(move |target| (package, target)));
        let crates =
            targets.map(|(package, target)| CrateModules::read(&tree, package, target)).collect::<Result<_, _>>()?;
        Ok(Self { tree, packages, crates })
    }
}

/// Returns everything that breaks a rule, by file and line.
#[must_use]
pub fn tidy(repository: &Repository) -> Vec<Violation> {
    let Repository { tree, packages, crates } = repository;
    let found = [
        checks::crate_floors(tree, packages),
        checks::core_floors(tree, crates),
        checks::orphan_files(tree, crates),
        checks::file_length(crates),
        checks::module_docs(crates),
        checks::links(tree),
        checks::source_paths(tree),
        checks::docs_index(tree),
    ];
    let mut all = found.concat();
    // A file may be in several targets.
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a repository up of one crate with a library.
    pub(crate) fn library<const N: usize>(name: &str, files: [(&str, &str); N]) -> Repository {
        let target = workspace::Target { name: name.into(), root: files[0].0.into(), tests_only: false };
        let package = Package {
            name: name.into(),
            manifest: "Cargo.toml".into(),
            dependencies: Vec::new(),
            targets: vec![target],
        };
        Repository::new(FileTree::from(files), vec![package]).unwrap()
    }

    #[test]
    fn violations_of_every_check_are_reported_in_the_order_of_their_files() {
        let repository =
            library("p", [("p/src/lib.rs", "mod a;"), ("p/src/a.rs", ""), ("p/src/b.rs", ""), ("a.md", "[](b)")]);
        let paths: Vec<_> = tidy(&repository).into_iter().map(|violation| violation.path).collect();
        assert_eq!(
            paths,
            ["Cargo.toml", "a.md", "crates/xtask/src/checks/core_order.rs", "p/src/a.rs", "p/src/b.rs", "p/src/lib.rs"]
        );
    }
}
