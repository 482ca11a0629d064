//! Links between pages lead somewhere.

use crate::Violation;
use crate::file_tree::{FileTree, folder_of, resolve};
use crate::markdown::Page;
use std::collections::BTreeMap;

/// Reports links to files or headings of the repository that are not there.
#[must_use]
pub fn links(tree: &FileTree) -> Vec<Violation> {
    let pages: BTreeMap<_, _> = tree.ending_in(".md").map(|(path, text)| (path, Page::read(text))).collect();
    let mut violations = Vec::new();
    for (path, page) in &pages {
        let relative = page.links.iter().filter(|link| !is_elsewhere(&link.text));
        let broken = relative.filter_map(|link| Some((link.line, broken(tree, &pages, path, &link.text)?)));
        violations.extend(broken.map(|(line, message)| Violation::new(*path, line, message)));
    }
    violations
}

/// Whether a link leads out of the repository.
fn is_elsewhere(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

/// Returns the file that a link leads to, counted from the root, and the heading in it.
pub(super) fn destination<'a>(page: &str, link: &'a str) -> Option<(String, &'a str)> {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let path = if file.is_empty() { page.to_owned() } else { resolve(folder_of(page), file)? };
    Some((path, heading)).filter(|_| !file.starts_with('/'))
}

fn broken(tree: &FileTree, pages: &BTreeMap<&str, Page>, page: &str, link: &str) -> Option<String> {
    let Some((path, heading)) = destination(page, link) else {
        return Some(format!("the link {link} leads out of the repository: write it relative to this file"));
    };
    if !tree.has(&path) {
        return Some(format!("the link {link} leads to {path}, which is not there: correct it"));
    }
    let other = pages.get(path.as_str()).filter(|other| !heading.is_empty() && !other.anchors.contains(heading));
    other.map(|_| format!("the link {link} leads to a heading that {path} does not have: correct it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(link: &str) -> usize {
        let page = format!("# Top\n\n[text]({link})\n");
        links(&FileTree::from([("docs/a.md", page.as_str()), ("docs/b.md", "# One heading\n"), ("c/d.yaml", "")])).len()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for link in ["b.md", "b.md#one-heading", "#top", "../c", "../c/d.yaml", "https://example.com/e", "mailto:a@b.c"]
        {
            assert_eq!(found(link), 0, "{link}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_reported() {
        for link in ["e.md", "b.md#other", "#other", "c/d.yaml", "/b.md", "../../b.md"] {
            assert_eq!(found(link), 1, "{link}");
        }
    }
}
