//! How long answers took.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long answers took: the times below which so many of a thousand lie, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// How many there are.
    pub count: usize,
    /// 500 of a thousand.
    pub p50: f64,
    /// 990 of a thousand.
    pub p99: f64,
    /// 999 of a thousand.
    pub p999: f64,
}

impl Latency {
    /// Sums up times.
    #[must_use]
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |thousandths: usize| {
            let rank = (times.len() * thousandths).div_ceil(1_000).max(1) - 1;
            let micros = times.get(rank).map_or(0, Duration::as_micros);
            f64::from(u32::try_from(micros).unwrap_or(u32::MAX))
        };
        Self { count: times.len(), p50: at(500), p99: at(990), p999: at(999) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_the_time_of_the_answer_at_that_rank() {
        let times = (1..=1_000).rev().map(Duration::from_micros).collect();

        assert_eq!(Latency::of(times), Latency { count: 1_000, p50: 500.0, p99: 990.0, p999: 999.0 });
    }

    #[test]
    fn of_few_times_the_highest_ranks_are_the_slowest() {
        let times = vec![Duration::from_micros(7), Duration::from_micros(9)];

        assert_eq!(Latency::of(times), Latency { count: 2, p50: 7.0, p99: 9.0, p999: 9.0 });
        assert_eq!(Latency::of(Vec::new()), Latency::default());
    }
}
