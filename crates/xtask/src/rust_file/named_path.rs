//! A path into the crate that it stands in.

use super::ModulePath;
use proc_macro2::{TokenStream, TokenTree};
use syn::UseTree;

/// A path into the own crate.
#[derive(Debug)]
pub struct NamedPath {
    /// The line in which it begins.
    pub line: usize,
    /// The module in which it stands.
    pub within: ModulePath,
    /// What it leads to, from the root of the crate.
    pub target: ModulePath,
    /// Whether only tests compile it.
    pub tests_only: bool,
}

/// Returns where a path leads from a module, counted from the root of the crate; nothing if it leads elsewhere.
pub(super) fn absolute(within: &[String], written: &[String]) -> Option<ModulePath> {
    let (first, mut rest) = written.split_first()?;
    let mut base = match first.as_str() {
        "crate" => &[],
        "self" => within,
        "super" => within.split_last()?.1,
        _ => return None,
    };
    while let Some((_, further)) = rest.split_first().filter(|(next, _)| *next == "super") {
        base = base.split_last()?.1;
        rest = further;
    }
    Some(base.iter().chain(rest).cloned().collect())
}

/// A path of an import, and the name that it has where it is imported.
pub(super) struct Imported {
    pub(super) line: usize,
    pub(super) path: ModulePath,
    pub(super) name: Option<String>,
}

/// Lists what an import imports, one path each.
pub(super) fn imported(tree: &UseTree, before: &[String], all: &mut Vec<Imported>) {
    let after = |ident: &syn::Ident| {
        let own = (ident != "self" || before.is_empty()).then(|| ident.to_string());
        before.iter().cloned().chain(own).collect::<ModulePath>()
    };
    match tree {
        UseTree::Path(path) => imported(&path.tree, &after(&path.ident), all),
        UseTree::Group(group) => group.items.iter().for_each(|tree| imported(tree, before, all)),
        UseTree::Name(name) => {
            let path = after(&name.ident);
            all.push(Imported { line: name.ident.span().start().line, name: path.last().cloned(), path });
        }
        UseTree::Rename(rename) => all.push(Imported {
            line: rename.ident.span().start().line,
            path: after(&rename.ident),
            name: Some(rename.rename.to_string()),
        }),
        UseTree::Glob(glob) => {
            let line = glob.star_token.spans[0].start().line;
            all.push(Imported { line, path: before.to_vec(), name: None });
        }
    }
}

/// Lists the paths in the tokens of a macro, which are syntax of its own, with their lines.
pub(super) fn in_tokens(tokens: TokenStream, all: &mut Vec<(usize, ModulePath)>) {
    let mut path = ModulePath::new();
    let (mut line, mut colons) = (0, 0);
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    all.extend(take_path(line, &mut path));
                    line = ident.span().start().line;
                }
                path.push(ident.to_string());
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            other => {
                all.extend(take_path(line, &mut path));
                colons = 0;
                if let TokenTree::Group(group) = other {
                    in_tokens(group.stream(), all);
                }
            }
        }
    }
    all.extend(take_path(line, &mut path));
}

fn take_path(line: usize, path: &mut ModulePath) -> Option<(usize, ModulePath)> {
    let path = std::mem::take(path);
    (path.len() > 1).then_some((line, path))
}
