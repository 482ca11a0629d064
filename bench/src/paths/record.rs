//! What the paths cost, as it is kept in a file.

use super::CATALOGUE;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// What a path costs, once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Instructions of the processor.
    pub instructions: u64,
    /// How often memory is asked for, or for more of it.
    pub allocations: u64,
    /// How many bytes that is.
    pub bytes: u64,
}

/// What the paths cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What they were compiled with.
    pub compiler: String,
    /// By name and size.
    pub paths: BTreeMap<String, BTreeMap<usize, Cost>>,
    /// The bytes that are kept of each Pod, by what it carries.
    pub pod_records: BTreeMap<String, u64>,
}

impl Record {
    /// Reads a file, where there is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(file: &Path) -> anyhow::Result<Option<Self>> {
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("failed to read {}", file.display())),
        };
        serde_json::from_slice(&text).map(Some).with_context(|| format!("failed to understand {}", file.display()))
    }

    /// Writes a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self).context("failed to write numbers as JSON")?;
        std::fs::write(file, text + "\n").with_context(|| format!("failed to write {}", file.display()))
    }

    /// Returns what a path costs.
    #[must_use]
    pub fn cost(&self, path: &str, size: usize) -> Option<Cost> {
        self.paths.get(path)?.get(&size).copied()
    }

    /// Returns what a path costs, to be written.
    pub fn cost_mut(&mut self, path: &str, size: usize) -> &mut Cost {
        self.paths.entry(path.to_owned()).or_default().entry(size).or_default()
    }

    /// Returns the sizes of a path with its instructions.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nothing is counted to sixteen digits")]
    pub fn instructions(&self, path: &str) -> Vec<(f64, f64)> {
        let sizes = CATALOGUE.iter().find(|known| known.name == path).map_or(&[][..], |path| path.sizes);
        let costs = sizes.iter().filter_map(|size| Some((*size as f64, self.cost(path, *size)?.instructions as f64)));
        costs.collect()
    }
}
