//! Which series a PromQL query asks for.

use crate::scrape::Scrape;
use std::collections::BTreeSet;

/// What a monitoring system adds to the labels of each series.
const ADDED: [&str; 5] = ["job", "instance", "namespace", "pod", "le"];
/// What is followed by labels in parentheses.
const GROUPINGS: [&str; 4] = ["by", "without", "on", "ignoring"];

/// The parts of a query: words, numbers, quoted texts, and signs of one letter.
fn tokens(query: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut letters = query.chars().peekable();
    while let Some(first) = letters.next() {
        let mut token = String::from(first);
        if first == '"' {
            token.extend(letters.by_ref().take_while(|letter| *letter != '"'));
        } else if is_of_word(first) {
            while let Some(letter) = letters.next_if(|letter| is_of_word(*letter)) {
                token.push(letter);
            }
        }
        if !first.is_whitespace() {
            tokens.push(token);
        }
    }
    tokens
}

fn is_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'
}

/// Returns the words of a list that ends with this sign, without what stands in quotes: the labels of a selector or of a
/// grouping.
fn list(tokens: &[String], end: &str) -> Vec<String> {
    let inside = tokens.iter().take_while(|token| *token != end);
    inside.filter(|token| token.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')).cloned().collect()
}

/// Returns what is wrong with a query: series and labels that are not exported, and brackets that do not match.
pub fn faults(query: &str, scrape: &Scrape) -> Vec<String> {
    let tokens = tokens(query);
    let mut faults = unbalanced(&tokens);
    let mut known = BTreeSet::from(ADDED.map(str::to_owned));
    let (mut asked, mut grouped) = (0, Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        let rest = &tokens[at + 1..];
        let is_opened_by = |sign: &str| rest.first().is_some_and(|next| next == sign);
        if token.starts_with("sidecarset_") || token.starts_with("process_") {
            asked += 1;
            let Some(labels) = labels_of(token, scrape) else {
                faults.push(format!("nobody exports {token}"));
                continue;
            };
            known.extend(labels);
            let selected = if is_opened_by("{") { list(&rest[1..], "}") } else { Vec::new() };
            grouped.extend(selected);
        } else if GROUPINGS.contains(&&**token) && is_opened_by("(") {
            grouped.extend(list(&rest[1..], ")"));
        }
    }
    if asked == 0 {
        faults.push("it asks for nothing of ours".to_owned());
    }
    faults.extend(grouped.into_iter().filter(|label| !known.contains(label)).map(|label| format!("no label {label}")));
    faults
}

fn labels_of(series: &str, scrape: &Scrape) -> Option<BTreeSet<String>> {
    let metrics = scrape.metrics.values();
    let metric = metrics.into_iter().find(|metric| metric.series.iter().any(|it| it.name == series))?;
    Some(metric.labels().into_iter().map(str::to_owned).collect())
}

fn unbalanced(tokens: &[String]) -> Vec<String> {
    let mut open = Vec::new();
    for token in tokens {
        match &**token {
            "(" => open.push(")"),
            "{" => open.push("}"),
            "[" => open.push("]"),
            ")" | "}" | "]" if open.pop() != Some(token) => return vec![format!("{token} closes nothing")],
            _ => {}
        }
    }
    open.into_iter().map(|sign| format!("{sign} is missing")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrape() -> Scrape {
        Scrape::read("# HELP sidecarset_a A.\n# TYPE sidecarset_a counter\nsidecarset_a_total{kind=\"b\"} 1\n# EOF\n")
    }

    #[test]
    fn a_query_for_what_is_exported_is_good() {
        let query = r#"sum by (kind) (rate(sidecarset_a_total{kind!="c{", job="d"}[5m])) > 0.5"#;

        assert_eq!(faults(query, &scrape()), [""; 0]);
    }

    #[test]
    fn each_fault_is_found() {
        let query = r#"sum by (type) (rate(sidecarset_a_total{color="x"}[5m]) + sidecarset_b"#;

        let faults = faults(query, &scrape());

        assert_eq!(faults, [") is missing", "nobody exports sidecarset_b", "no label type", "no label color"]);
    }
}
