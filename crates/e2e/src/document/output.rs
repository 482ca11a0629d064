//! What a command printed, compared with what a page says.

/// What random names consist of, in Kubernetes.
const RANDOM: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The form of a time.
const TIME: &str = "0000-00-00T00:00:00Z";

/// Returns the first line of the page that was not printed, or nothing where all was. `...` stands for anything: for lines
/// where it is alone. Spaces count as one, and ages, times and random names are what they happen to be.
#[must_use]
pub fn difference(expected: &[String], printed: &str) -> Option<String> {
    let printed: Vec<&str> = printed.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let expected: Vec<&str> = expected.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()).collect();
    unlike(&expected, &printed)
}

fn unlike(expected: &[&str], printed: &[&str]) -> Option<String> {
    match (expected, printed) {
        ([], []) => None,
        ([], [line, ..]) => Some(format!("the page does not have the line {line:?}")),
        ([first, rest @ ..], _) if first.trim() == "..." => {
            let skipped = (0..=printed.len()).map(|skipped| unlike(rest, &printed[skipped..]));
            let mut skipped: Vec<_> = skipped.collect();
            if skipped.iter().any(Option::is_none) { None } else { skipped.remove(0) }
        }
        ([first, ..], []) => Some(format!("the command does not print {first:?}")),
        ([first, rest @ ..], [line, others @ ..]) => {
            if is_alike(&tokens(first), &tokens(line)) {
                unlike(rest, others)
            } else {
                Some(format!("the page has {first:?} where the command prints {line:?}"))
            }
        }
    }
}

fn is_alike(expected: &[&str], printed: &[&str]) -> bool {
    match (expected, printed) {
        ([], []) => true,
        (["...", rest @ ..], _) => (0..=printed.len()).any(|skipped| is_alike(rest, &printed[skipped..])),
        ([one, rest @ ..], [other, others @ ..]) => {
            let is_same =
                one == other || both(is_age, one, other) || both(is_time, one, other) || both(is_random, one, other);
            is_same && is_alike(rest, others)
        }
        _ => false,
    }
}

fn both(is_so: fn(&str) -> bool, one: &str, other: &str) -> bool {
    is_so(one) && is_so(other)
}

/// Takes a line apart into words of letters and digits, and what is between them.
fn tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("...") {
            3
        } else if rest.get(..TIME.len()).is_some_and(is_time) {
            TIME.len()
        } else if first.is_whitespace() {
            rest.len() - rest.trim_start().len()
        } else if first.is_alphanumeric() {
            rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, others) = rest.split_at(length);
        tokens.push(if token.trim().is_empty() { " " } else { token });
        rest = others;
    }
    tokens
}

/// Such as `118s`, `5m3s` and `3d`.
fn is_age(word: &str) -> bool {
    let starts = word.starts_with(|letter: char| letter.is_ascii_digit());
    starts
        && word.ends_with(['s', 'm', 'h', 'd', 'y'])
        && word.chars().all(|it| it.is_ascii_digit() || "smhdy".contains(it))
}

fn is_time(word: &str) -> bool {
    let shape = |letter: char| if letter.is_ascii_digit() { '0' } else { letter };
    word.chars().map(shape).eq(TIME.chars())
}

fn is_random(word: &str) -> bool {
    word.len() >= 5 && word.chars().all(|letter| RANDOM.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(expected: &str, printed: &str) -> Option<String> {
        difference(&expected.lines().map(str::to_owned).collect::<Vec<_>>(), printed)
    }

    #[test]
    fn ages_random_names_and_spaces_may_be_others() {
        let table = "NAME               READY  AGE\nshop-6d5f7c8b9-x2x9z   2/2   3s  (5m3s ago)";

        assert_eq!(says(table, "NAME      READY AGE\nshop-75fdbbc5cf-qq8kt 2/2 118s  (17s ago)\n"), None);
        assert!(says(table, "NAME READY AGE\nshop-75fdbbc5cf-qq8kt 1/2 118s  (17s ago)\n").is_some());
        assert!(says(table, "NAME READY AGE\nshelf-75fdbbc5cf-qq8kt 2/2 118s  (17s ago)\n").is_some());
    }

    #[test]
    fn dots_stand_for_anything() {
        assert_eq!(says("a\n...\nd", "a\nb\nc\nd"), None);
        assert_eq!(says("{\"a\":1, ...}", "{\"a\":1, \"b\": 2}"), None);
        assert_eq!(says("a\n...\ne", "a\nb").as_deref(), Some("the page has \"e\" where the command prints \"b\""));
    }

    #[test]
    fn a_line_too_much_or_too_few_is_told() {
        assert_eq!(says("a", "a\nb").as_deref(), Some("the page does not have the line \"b\""));
        assert_eq!(says("a\nb", "a").as_deref(), Some("the command does not print \"b\""));
    }

    #[test]
    fn the_time_may_be_another_one() {
        assert_eq!(says("at 2026-01-02T03:04:05Z", "at 2027-11-30T13:04:15Z"), None);
    }
}
