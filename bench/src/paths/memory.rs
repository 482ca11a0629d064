//! What is kept of each Pod.

use super::pods::{carried, read, running};
use crate::world::container;
use sidecarset_core::record::{Interner, PodRecord};
use std::sync::Arc;

/// A kind of Pod.
#[derive(Debug, Clone, Copy)]
pub struct PodRecords {
    /// What it carries.
    pub name: &'static str,
    /// How many sets were injected into it, each with one sidecar.
    pub sets: usize,
}

/// The Pods of which is measured what is kept.
pub const POD_RECORDS: &[PodRecords] = &[
    PodRecords { name: "1 set, 1 sidecar, 2 containers", sets: 1 },
    PodRecords { name: "3 sets, 3 sidecars, 4 containers", sets: 3 },
];

/// How many of them there are.
pub const POD_COUNT: usize = 10_000;

/// Returns the bytes that are kept of each Pod, given how many are allocated: its record, and its share of the strings that
/// are kept once.
pub(super) fn bytes_per_pod(kind: &PodRecords, allocated: impl Fn() -> usize) -> u64 {
    let sets = carried(kind.sets);
    let mut records: Vec<Arc<PodRecord>> = Vec::with_capacity(POD_COUNT);
    let mut interner = Interner::default();
    let before = allocated();
    for at in 0..POD_COUNT {
        let text = running(&format!("web-5d5f8b6c4d-{at:05}"), &sets, vec![container(0, 4)]).to_string();
        records.push(Arc::new(read(&text, &mut interner)));
    }
    ((allocated() - before) / POD_COUNT) as u64
}
