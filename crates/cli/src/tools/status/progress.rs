//! How far a rollout is, as a bar.

/// How many letters a bar takes.
const WIDTH: usize = 20;

/// Returns a bar that is filled as far as `done` of `total`; an empty one is whole where there is nothing to do.
pub fn bar(done: usize, total: usize) -> String {
    let filled = (WIDTH * done.min(total)).checked_div(total).unwrap_or(WIDTH);
    format!("{}{}", "█".repeat(filled), "░".repeat(WIDTH - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_whole_only_at_the_end() {
        assert_eq!(bar(0, 3), "░".repeat(20));
        assert_eq!(bar(999, 1000), "█".repeat(19) + "░");
        assert_eq!([bar(3, 3), bar(0, 0)], ["█".repeat(20), "█".repeat(20)]);
    }
}
