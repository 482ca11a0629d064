//! What was measured of reviews.

use super::Latency;
use crate::process::Memory;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Webhook {
    /// One that takes nothing but the uid out of the review and allows it, on the same stack.
    Null,
    /// Ours.
    Ours {
        /// How many SidecarSets there are.
        sets: usize,
    },
}

/// Whether something was measured before or after the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pass {
    /// Before, or only once.
    First,
    /// After.
    Last,
}

/// One combination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Who was asked.
    pub webhook: Webhook,
    /// When.
    pub pass: Pass,
    /// How long the JSON of the Pod was.
    pub pod_bytes: usize,
    /// How many connections asked at once.
    pub connections: usize,
    /// For how long.
    pub seconds: f64,
    /// How long the server was on a processor meanwhile.
    pub cpu_seconds: f64,
    /// How long the answers took.
    pub latency: Latency,
    /// What memory the server held at the end.
    pub memory: Memory,
}

/// Every combination, in the order in which they were measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The combinations.
    pub cells: Vec<Cell>,
}

impl Cell {
    /// Returns the time on a processor for each review, in microseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer reviews than 2⁵²")]
    pub fn cpu_per_review(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.latency.count as f64
    }

    /// Returns how many reviews a second there were.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer reviews than 2⁵²")]
    pub fn rate(&self) -> f64 {
        self.latency.count as f64 / self.seconds
    }
}

impl Results {
    /// Returns a cell.
    #[must_use]
    pub fn cell(&self, webhook: Webhook, pass: Pass, pod_bytes: usize, connections: usize) -> Option<&Cell> {
        let is_meant = |cell: &&Cell| {
            (cell.webhook, cell.pass, cell.pod_bytes, cell.connections) == (webhook, pass, pod_bytes, connections)
        };
        self.cells.iter().find(is_meant)
    }
}

impl fmt::Display for Webhook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.pad("null webhook"),
            Self::Ours { sets: 1 } => out.pad("ours, 1 set"),
            Self::Ours { sets } => out.pad(&format!("ours, {sets} sets")),
        }
    }
}
