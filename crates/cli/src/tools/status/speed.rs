//! How long a rollout takes yet, at the speed that it has had.

use sidecarset_core::annotations::Seconds;
use std::time::Duration;

/// From so few upgrades nobody can tell a speed.
const FEWEST: usize = 3;

/// Where nothing has happened for so many times the usual pause, the rollout waits for something else than time.
const LONGEST_PAUSE: u32 = 10;

/// Returns how long the Pods that are left take, by when others were upgraded; nothing where that cannot be told.
pub fn time_left(upgraded: &mut [Seconds], left: usize, now: Seconds) -> Option<Duration> {
    upgraded.sort_unstable();
    let (first, last) = (*upgraded.first()?, *upgraded.last()?);
    if upgraded.len() < FEWEST || left == 0 || first == last {
        return None;
    }
    let pauses = u32::try_from(upgraded.len() - 1).ok()?;
    // By when it was counted, so that a rollout that slows down is seen to.
    let pace = now.since(first) / pauses;
    let usual = last.since(first) / pauses;
    let waits = now.since(last) > (usual * LONGEST_PAUSE).max(Duration::from_secs(60));
    (!waits).then(|| pace * u32::try_from(left).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Seconds {
        Seconds::EPOCH.after(Duration::from_secs(second))
    }

    fn told(upgraded: &[u64], left: usize, now: u64) -> Option<u64> {
        let mut upgraded: Vec<Seconds> = upgraded.iter().copied().map(at).collect();
        time_left(&mut upgraded, left, at(now)).map(|time| time.as_secs())
    }

    #[test]
    fn what_is_left_takes_as_long_as_what_was_done() {
        assert_eq!(told(&[20, 0, 10], 5, 20), Some(50));
        assert_eq!(told(&[0, 10, 20], 5, 40), Some(100));
    }

    #[test]
    fn nobody_can_tell_from_too_little_or_where_it_waits() {
        assert_eq!(told(&[0, 10], 5, 20), None);
        assert_eq!(told(&[0, 0, 0], 5, 20), None);
        assert_eq!(told(&[0, 10, 20], 0, 20), None);
        assert_eq!(told(&[0, 10, 20], 5, 121), None);
    }
}
