//! Pods in messages: how many, and the names of the first few.

use crate::record::PodKey;

/// So many names are told, then only how many more there are.
const TOLD: usize = 3;

/// Says how many Pods these are.
pub(super) fn pods(count: usize) -> String {
    if count == 1 { "1 pod".to_owned() } else { format!("{count} pods") }
}

/// Names the first Pods of a sorted list.
pub(super) fn names(pods: &[&PodKey]) -> String {
    let mut names: Vec<String> = pods.iter().take(TOLD).map(ToString::to_string).collect();
    if let more @ 1.. = pods.len().saturating_sub(TOLD) {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

/// Returns as much of a text as may stand in a message: anything can stand in it.
pub(super) fn beginning(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_three_are_named_and_the_rest_is_counted() {
        let keys: Vec<PodKey> = ["a", "b", "c", "d", "e"].map(key).into();
        let keys: Vec<&PodKey> = keys.iter().collect();

        assert_eq!(names(&keys[..1]), "shop/a");
        assert_eq!(names(&keys[..3]), "shop/a, shop/b, shop/c");
        assert_eq!(names(&keys), "shop/a, shop/b, shop/c, and 2 more");
    }

    fn key(name: &str) -> PodKey {
        PodKey::new("shop", name)
    }
}
