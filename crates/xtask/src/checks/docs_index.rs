//! Every page of the documentation can be found.

use super::links::destination;
use crate::Violation;
use crate::file_tree::FileTree;
use crate::markdown::Page;
use std::collections::BTreeSet;

/// The page that leads to all others.
const INDEX: &str = "docs/README.md";

/// Reports pages of `docs` that the index does not link to.
#[must_use]
pub fn docs_index(tree: &FileTree) -> Vec<Violation> {
    let links = tree.text(INDEX).map(|text| Page::read(text).links).unwrap_or_default();
    let linked: BTreeSet<_> =
        links.iter().filter_map(|link| destination(INDEX, &link.text)).map(|(path, _)| path).collect();
    let pages = tree.ending_in(".md").map(|(path, _)| path).filter(|path| path.starts_with("docs/") && *path != INDEX);
    let lost = pages.filter(|path| !linked.contains(*path));
    lost.map(|path| Violation::new(path, 1, format!("{INDEX} does not lead to this page: link it there"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_the_index_does_not_link_is_reported() {
        let tree = FileTree::from([
            ("docs/README.md", "[a](a.md#part), [b](more/b.md)"),
            ("docs/a.md", ""),
            ("docs/c.md", ""),
            ("docs/more/b.md", ""),
            ("other/d.md", ""),
        ]);
        let found = docs_index(&tree);
        assert_eq!(found.iter().map(|violation| violation.path.as_str()).collect::<Vec<_>>(), ["docs/c.md"]);
    }
}
