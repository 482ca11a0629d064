//! Allocations, as the allocator of a program counts them.

use super::{CATALOGUE, CorePath, Cost, POD_RECORDS, Record, memory};
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats};

/// Counts the allocations of all paths, and the bytes that are kept of each Pod. The program has to have
/// `INSTRUMENTED_SYSTEM` for its allocator, and a single thread.
#[must_use]
pub fn count() -> Record {
    let mut record = Record::default();
    for path in CATALOGUE {
        for size in path.sizes {
            *record.cost_mut(path.name, *size) = cost(path, *size);
        }
    }
    for kind in POD_RECORDS {
        record.pod_records.insert(kind.name.to_owned(), memory::bytes_per_pod(kind, kept));
    }
    record
}

fn cost(path: &CorePath, size: usize) -> Cost {
    let mut work = (path.prepare)(size);
    work();
    let before = INSTRUMENTED_SYSTEM.stats();
    work();
    let Stats { allocations, reallocations, bytes_allocated, .. } = INSTRUMENTED_SYSTEM.stats() - before;
    Cost { instructions: 0, allocations: (allocations + reallocations) as u64, bytes: bytes_allocated as u64 }
}

/// Returns how many bytes are allocated and not given back.
fn kept() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}
