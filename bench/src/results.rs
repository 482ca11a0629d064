//! Everything that was measured in one run.

use crate::injection;
use crate::machine::Machine;
use crate::report::Section;
use crate::{budgets, cluster, controller, paths};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// Everything that was measured in one run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// Whether only what takes a short time.
    pub is_quick: bool,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// Reviews.
    pub injection: Option<injection::Results>,
    /// Instructions and allocations.
    pub paths: Option<paths::Results>,
    /// The controller by itself.
    pub controller: Option<controller::Results>,
    /// What needs a cluster.
    pub cluster: Option<cluster::Results>,
}

impl Results {
    /// Reads a run.
    ///
    /// # Errors
    /// The file cannot be read, or is none of a run.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("failed to understand {}", file.display()))
    }

    /// Writes a run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        if let Some(directory) = file.parent() {
            fs::create_dir_all(directory).with_context(|| format!("failed to make {}", directory.display()))?;
        }
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(file, text).with_context(|| format!("failed to write {}", file.display()))
    }

    /// Returns what is told of the run: first whether the budgets are met.
    #[must_use]
    pub fn sections(&self) -> Vec<Section> {
        let mut sections = vec![budgets::section(self)];
        sections.extend(self.injection.iter().flat_map(injection::sections));
        sections.extend(self.paths.iter().flat_map(paths::sections));
        sections.extend(self.controller.iter().flat_map(controller::sections));
        sections.extend(self.cluster.iter().flat_map(cluster::sections));
        sections
    }
}
