//! How long ago something was, in the words of kubectl.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// Returns a time as kubectl shows ages: two units where the first is small.
pub fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    let (large, large_unit, small, small_unit, until) = match seconds {
        0..120 => return format!("{seconds}s"),
        120..HOUR => (MINUTE, 'm', 1, 's', 10),
        HOUR..DAY => (HOUR, 'h', MINUTE, 'm', 8),
        DAY..YEAR => (DAY, 'd', HOUR, 'h', 8),
        YEAR.. => (YEAR, 'y', DAY, 'd', 8),
    };
    let rest = seconds % large / small;
    match seconds / large {
        count if count < until && rest > 0 => format!("{count}{large_unit}{rest}{small_unit}"),
        count => format!("{count}{large_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_unit_is_told_while_the_first_is_small() {
        let told = |seconds| short(Duration::from_secs(seconds));

        assert_eq!([told(0), told(119), told(150), told(599), told(600)], ["0s", "119s", "2m30s", "9m59s", "10m"]);
        assert_eq!([told(3 * HOUR), told(3 * HOUR + 300), told(30 * HOUR)], ["3h", "3h5m", "1d6h"]);
        assert_eq!([told(9 * DAY), told(800 * DAY)], ["9d", "2y70d"]);
    }
}
