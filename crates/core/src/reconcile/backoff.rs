//! How long to wait after a failure.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);

/// Returns the wait after that many failures in a row: 0.1 s after the first, then twice as long after each, and
/// never more than a minute.
pub fn delay(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_minute() {
        let delays: Vec<_> = [0, 1, 2, 3, 10, 11, 4_000_000_000].map(|it| delay(it).as_millis()).into();

        assert_eq!(delays, [100, 100, 200, 400, 51_200, 60_000, 60_000]);
    }
}
