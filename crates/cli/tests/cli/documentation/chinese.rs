//! The pages in Chinese. Only the commands of the English pages are run on a cluster, so those in Chinese have to show the same.

use sidecarset_e2e::document::{Block, Directive, Page, in_english, pages, repository};

/// What Chinese prose has full-width forms of.
const HALF_WIDTH: [char; 7] = [',', ':', ';', '(', ')', '?', '!'];

fn chinese_pages() -> Vec<String> {
    let pages: Vec<_> = pages().unwrap().into_iter().filter(|path| path.ends_with(".zh.md")).collect();
    assert!(pages.len() >= 5, "{pages:?}");
    pages
}

fn text_of(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

#[test]
fn every_chinese_page_has_the_blocks_of_its_english_page() {
    let faults: Vec<_> = chinese_pages().iter().filter_map(|path| first_difference(path)).collect();

    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Says which block of a page is the first that the English page does not have in its place, or lacks.
fn first_difference(path: &str) -> Option<String> {
    let (chinese, english) = (Page::read(path).unwrap(), Page::read(&in_english(path)).unwrap());
    assert!(!english.blocks.is_empty(), "{path}");
    let mut indices = 0..chinese.blocks.len().max(english.blocks.len());
    let index = indices.find(|index| chinese.blocks.get(*index).map(shown) != english.blocks.get(*index).map(shown))?;
    let place = |page: &Page| Some(format!("line {}", page.blocks.get(index)?.line));
    let [here, there] = [&chinese, &english].map(|page| place(page).unwrap_or("absent".to_owned()));
    Some(format!("{path}: block {} ({here}) is not that of {} ({there})", index + 1, english.path))
}

/// Returns what both languages share of a block: everything but its line.
fn shown(block: &Block) -> (&str, &str, &Directive) {
    (&block.language, &block.text, &block.directive)
}

#[test]
fn every_chinese_page_and_its_english_page_link_to_each_other() {
    for path in chinese_pages() {
        let english = in_english(&path);
        for (from, to) in [(&path, &english), (&english, &path)] {
            let link = format!("]({})", to.rsplit('/').next().unwrap_or(to));
            let top: Vec<_> = text_of(from).lines().take(8).map(str::to_owned).collect();
            assert!(top.iter().any(|line| line.contains(&link)), "the top of {from} does not link to {to}");
        }
    }
}

#[test]
fn chinese_prose_has_full_width_punctuation() {
    let mut faults = Vec::new();
    for path in chinese_pages() {
        for (number, line) in prose_lines(&text_of(&path)) {
            faults.extend(half_width(line).map(|found| format!("{path}:{number}: {found}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Returns the numbered lines outside of the fences.
fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Finds half-width punctuation directly beside a Chinese character.
fn half_width(line: &str) -> Option<String> {
    let letters: Vec<char> = without_targets(&without_code(line)).chars().collect();
    let is_fault = |pair: &&[char]| {
        let [left, right] = **pair else { return false };
        is_chinese(left) && HALF_WIDTH.contains(&right) || HALF_WIDTH.contains(&left) && is_chinese(right)
    };
    letters.windows(2).find(is_fault).map(|pair| pair.iter().collect())
}

/// Leaves a backtick where a code span was, so that what stood around it does not touch.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

fn without_targets(line: &str) -> String {
    let mut parts = line.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "]" + part.split_once(')').map_or(part, |(_, rest)| rest))
}

fn is_chinese(letter: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&letter)
}

#[test]
fn half_width_punctuation_is_found_beside_chinese_and_not_in_code_nor_in_targets() {
    for line in ["发布,升级", "`a`(发布", "[升级](rollout.md)发布:`a`", "a)发布", "发布?", "a!发布"] {
        assert!(half_width(line).is_some(), "{line}");
    }
    for line in ["发布，升级（`a`）：1,000 个", "`发布,升级`", "[升级](#升级,发布)。", "发布`a, b`升级", "a, b: (c)"]
    {
        assert_eq!(half_width(line), None, "{line}");
    }
}
