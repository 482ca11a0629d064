//! What a page of Markdown links to, and what can be linked in it. Only what this repository uses of the language.

use std::collections::{BTreeMap, BTreeSet};

/// A page.
#[derive(Debug, Default)]
pub struct Page {
    /// What it links to.
    pub links: Vec<Spot>,
    /// What stands between backticks.
    pub code: Vec<Spot>,
    /// The names of its headings, as GitHub makes them.
    pub anchors: BTreeSet<String>,
}

/// Something in a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Spot {
    /// The line in which it begins.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl Page {
    /// Reads a page.
    pub fn read(text: &str) -> Self {
        let prose = without_blocks(text);
        let mut page = Self { anchors: anchors(&prose), ..Self::default() };
        let prose = page.take_code(&prose);
        page.find_links(&prose);
        page
    }

    /// Takes code out, because nothing in it is a link, and returns the rest.
    fn take_code(&mut self, prose: &str) -> String {
        let (mut rest, mut left) = (prose, String::new());
        while let Some(start) = rest.find('`') {
            let after = rest[start..].trim_start_matches('`');
            let fence = &rest[start..rest.len() - after.len()];
            left += &rest[..start];
            rest = after;
            // Code ends within its paragraph, or it is none.
            let paragraph = &after[..after.find("\n\n").unwrap_or(after.len())];
            if let Some(end) = closing(paragraph, fence) {
                self.code
                    .push(Spot { line: line_of(prose, prose.len() - after.len()), text: after[..end].trim().into() });
                left.extend(after[..end].chars().filter(|char| *char == '\n'));
                rest = &after[end + fence.len()..];
            }
        }
        left + rest
    }

    fn find_links(&mut self, prose: &str) {
        for (at, _) in prose.match_indices("](") {
            let target = &prose[at + 2..];
            let end = target.find([')', ' ', '\n']).unwrap_or(target.len());
            self.links.push(Spot { line: line_of(prose, at), text: target[..end].into() });
        }
        for (index, line) in prose.lines().enumerate() {
            if let Some((_, target)) = line.strip_prefix('[').and_then(|line| line.split_once("]: ")) {
                self.links.push(Spot { line: index + 1, text: target.split(' ').next().unwrap_or_default().into() });
            }
        }
    }
}

/// Empties the lines of blocks of code.
fn without_blocks(text: &str) -> String {
    let mut fence: Option<&str> = None;
    let mut prose = String::with_capacity(text.len());
    for line in text.lines() {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, None) => prose += line,
            (None, Some(_)) => fence = mark,
            (Some(_), Some(_)) if fence == mark => fence = None,
            (Some(_), _) => {}
        }
        prose.push('\n');
    }
    prose
}

/// Finds a run of just as many backticks.
fn closing(paragraph: &str, fence: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = paragraph[from..].find('`') {
        let start = from + found;
        let run = paragraph[start..].len() - paragraph[start..].trim_start_matches('`').len();
        if run == fence.len() {
            return Some(start);
        }
        from = start + run;
    }
    None
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn anchors(prose: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for line in prose.lines() {
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        if !(1..=6).contains(&level) || !title.starts_with(' ') {
            continue;
        }
        let anchor = anchor(title.trim());
        let times = seen.entry(anchor.clone()).or_default();
        anchors.insert(if *times == 0 { anchor } else { format!("{anchor}-{times}") });
        *times += 1;
    }
    anchors
}

/// Returns the name of a heading: of a link in it, only the text counts.
fn anchor(title: &str) -> String {
    let mut text = title.to_owned();
    while let Some(start) = text.find("](") {
        let end = text[start..].find(')').map_or(text.len(), |length| start + length + 1);
        text.replace_range(start..end, "");
    }
    let kept = text.chars().filter(|char| char.is_alphanumeric() || matches!(char, '-' | '_' | ' '));
    kept.flat_map(char::to_lowercase).map(|char| if char == ' ' { '-' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(spots: &[Spot]) -> Vec<String> {
        spots.iter().map(|spot| format!("{} {}", spot.line, spot.text)).collect()
    }

    #[test]
    fn links_are_found_in_prose_alone() {
        let page = Page::read(
            "A [link](a.md#b), and\none [over\nlines](c.md \"title\").\n\n```\n[block](d.md)\n```\n`[code\n](e.md)` ![](f.svg)\n[g]: h.md\n",
        );
        assert_eq!(shown(&page.links), ["1 a.md#b", "3 c.md", "9 f.svg", "10 h.md"]);
    }

    #[test]
    fn code_goes_on_to_as_many_backticks_in_its_paragraph() {
        let page = Page::read("`a` and ``b ` c``, `d\ne`\n\nA stray ` here.\n\n`f`\n");
        assert_eq!(shown(&page.code), ["1 a", "1 b ` c", "1 d\ne", "6 f"]);
    }

    #[test]
    fn anchors_are_those_that_github_makes() {
        let page = Page::read(
            "# Two `sets`, in_each other's way\n## A\n## A\n## [B](c.md) d\n## 2. 一个 Pod,注入\n```\n# no\n```\n####### no\n",
        );
        let expected = ["2-一个-pod注入", "a", "a-1", "b-d", "two-sets-in_each-others-way"];
        assert_eq!(page.anchors.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }
}
