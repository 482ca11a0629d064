//! Inputs that are tried with every run: real ones, nasty ones, and those that once went wrong.

use serde_json::Value;
use std::fs;
use std::path::Path;

/// The folders of one crate.
#[derive(Debug, Clone, Copy)]
pub struct Corpus(pub &'static str);

impl Corpus {
    /// Returns the files of a folder by name, with what is in them.
    pub fn bytes(self, target: &str) -> Vec<(String, Vec<u8>)> {
        let folder = Path::new(self.0).join(target);
        let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
    }

    /// Returns the JSON values of a folder by file name.
    pub fn values(self, target: &str) -> Vec<(String, Value)> {
        let read = |name: String, bytes: Vec<u8>| match serde_json::from_slice(&bytes) {
            Ok(value) => (name, value),
            Err(error) => panic!("{name}: {error}"),
        };
        self.bytes(target).into_iter().map(|(name, bytes)| read(name, bytes)).collect()
    }
}
