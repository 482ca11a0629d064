//! How many modules import each other, crate by crate: a number to compare before and after a change.

use crate::crate_modules::CrateModules;
use crate::imports::imports;
use crate::module_graph::ModuleGraph;
use crate::rust_file::ModulePath;

/// Describes the circles of each crate, and of each folder in it that has one.
///
/// A module and the one that it is in are no circle, however they name each other: that is how Rust is written.
#[must_use]
pub fn describe(crates: &[CrateModules]) -> String {
    let products = crates.iter().filter(|crate_modules| !crate_modules.tests_only && crate_modules.files.len() > 1);
    products.map(describe_crate).collect()
}

fn describe_crate(crate_modules: &CrateModules) -> String {
    let imports = imports(crate_modules);
    let graph = |parent: &ModulePath| ModuleGraph::below(parent, crate_modules, &imports);
    let mut text = describe_graph(&crate_modules.target, &graph(&ModulePath::new()));
    for folder in &crate_modules.modules {
        let graph = graph(folder);
        if !graph.circles().is_empty() {
            text += &describe_graph(&format!("  in {}", folder.join("::")), &graph);
        }
    }
    text
}

fn describe_graph(name: &str, graph: &ModuleGraph) -> String {
    let (circles, pairs) = (graph.circles(), graph.mutual_pairs());
    let modules = graph.modules().len();
    let inside: usize = circles.iter().map(Vec::len).sum();
    let mut text =
        format!("{name}: pairs that import each other: {}, modules in circles: {inside} of {modules}\n", pairs.len());
    for circle in circles {
        text += &format!("    circle: {}\n", circle.join(", "));
    }
    for (one, other) in pairs {
        text += &format!("    pair: {one}, {other}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::library;

    #[test]
    fn circles_are_counted_at_the_top_and_in_folders() {
        let repository = library(
            "p",
            [
                ("p/src/lib.rs", "mod a; mod b; mod c;"),
                ("p/src/a.rs", "mod x; mod y; use crate::b;"),
                ("p/src/a/x.rs", "use super::y; use crate::c;"),
                ("p/src/a/y.rs", "use super::x; use super::Own;"),
                ("p/src/b.rs", "use crate::a;"),
                ("p/src/c.rs", ""),
            ],
        );
        let expected = "\
p: pairs that import each other: 1, modules in circles: 2 of 3
    circle: a, b
    pair: a, b
  in a: pairs that import each other: 1, modules in circles: 2 of 2
    circle: x, y
    pair: x, y
";
        assert_eq!(describe(&repository.crates), expected);
    }
}
