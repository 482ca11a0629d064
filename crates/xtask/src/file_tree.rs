//! The files of the repository, in memory: checks read nothing else, so that a test can make a tree up.

use anyhow::Context;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What git ignores.
const IGNORED: [&str; 3] = [".git", "target", "devcluster/bin"];
/// The ends of names of files whose text some check reads.
const READ: [&str; 3] = [".md", ".rs", ".toml"];

/// The files by their paths from the root, with `/` between folders. What no check reads has no text.
#[derive(Debug, Clone, Default)]
pub struct FileTree {
    files: BTreeMap<String, String>,
}

impl FileTree {
    /// Reads the files below a folder.
    pub fn load(root: &Path) -> anyhow::Result<Self> {
        let mut tree = Self::default();
        tree.load_folder(root, "")?;
        Ok(tree)
    }

    fn load_folder(&mut self, root: &Path, folder: &str) -> anyhow::Result<()> {
        let place = root.join(folder);
        for entry in fs::read_dir(&place).with_context(|| format!("failed to list {}", place.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(path) = resolve(folder, &name.to_string_lossy()) else { continue };
            if IGNORED.contains(&path.as_str()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                self.load_folder(root, &path)?;
                continue;
            }
            let read = READ.iter().any(|end| path.ends_with(end));
            let text = if read {
                fs::read_to_string(entry.path()).with_context(|| format!("failed to read {path}"))?
            } else {
                String::new()
            };
            self.files.insert(path, text);
        }
        Ok(())
    }

    /// Returns the text of a file.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is such a file, or a folder with files.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        self.files.contains_key(path)
            || self.files.range(folder.clone()..).next().is_some_and(|(file, _)| file.starts_with(&folder))
    }

    /// Lists the files whose names end so, with their texts.
    pub fn ending_in<'a>(&'a self, end: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.ends_with(end))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for FileTree {
    fn from(files: [(&str, &str); N]) -> Self {
        Self { files: files.map(|(path, text)| (path.into(), text.into())).into() }
    }
}

/// Returns the folder of a file.
#[must_use]
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns the path that a relative one leads to from a folder, unless it leaves the repository.
#[must_use]
pub fn resolve(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_if_a_file_is_in_it() {
        let tree = FileTree::from([("docs/a.md", ""), ("docs2/b.md", "")]);
        assert!(tree.has("docs") && tree.has("docs/a.md"));
        assert!(!tree.has("doc") && !tree.has("docs/a"));
    }

    #[test]
    fn a_relative_path_is_followed_within_the_repository() {
        assert_eq!(resolve("a/b", "../c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(resolve("a", ".."), Some(String::new()));
        assert_eq!(resolve("a", "../../b"), None);
    }
}
