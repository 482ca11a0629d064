//! The modules in one folder, and which of them name each other.

use crate::crate_modules::CrateModules;
use crate::imports::Import;
use std::collections::{BTreeMap, BTreeSet};

/// Modules beside each other, with those that each of them names. What is inside of them counts as theirs.
#[derive(Debug, Default)]
pub struct ModuleGraph {
    named: BTreeMap<String, BTreeSet<String>>,
}

impl ModuleGraph {
    /// Returns the graph of the modules in another one, or in the root of the crate.
    pub fn below(parent: &[String], crate_modules: &CrateModules, imports: &[Import<'_>]) -> Self {
        let production = crate_modules.files.iter().filter(|file| !file.tests_only);
        let declared = production.flat_map(|file| &file.content.declared).filter(|module| !module.tests_only);
        let children = declared.filter_map(|module| child_of(parent, &module.path)).map(ToOwned::to_owned);
        let mut graph = Self { named: children.map(|child| (child, BTreeSet::new())).collect() };
        for import in imports {
            if let (Some(from), Some(to)) = (child_of(parent, import.from), child_of(parent, &import.to)) {
                graph.named.entry(from.to_owned()).or_default().insert(to.to_owned());
            }
        }
        graph
    }

    /// Returns the modules.
    pub fn modules(&self) -> impl ExactSizeIterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// Returns the pairs of modules that name each other.
    pub fn mutual_pairs(&self) -> Vec<(&str, &str)> {
        let names = |from: &str, to: &str| self.named.get(from).is_some_and(|named| named.contains(to));
        let all = self.named.iter().flat_map(|(from, named)| named.iter().map(move |to| (from.as_str(), to.as_str())));
        all.filter(|(from, to)| from < to && names(to, from)).collect()
    }

    /// Returns the circles: the largest groups in which every module leads to every other one.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for module in self.modules() {
            if circles.iter().any(|circle| circle.contains(&module)) {
                continue;
            }
            let back = |other: &&str| *other != module && self.reachable(other).contains(module);
            let mut circle: Vec<_> = self.reachable(module).into_iter().filter(back).collect();
            if !circle.is_empty() {
                circle.push(module);
                circle.sort_unstable();
                circles.push(circle);
            }
        }
        circles
    }

    fn reachable<'a>(&'a self, from: &str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = self.named.get(from).into_iter().flatten().map(String::as_str).collect();
        while let Some(module) = open.pop() {
            if reached.insert(module) {
                open.extend(self.named.get(module).into_iter().flatten().map(String::as_str));
            }
        }
        reached
    }
}

/// Returns the module in a parent that a path goes through.
fn child_of<'a>(parent: &[String], path: &'a [String]) -> Option<&'a str> {
    path.strip_prefix(parent)?.first().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(named: &[(&str, &[&str])]) -> ModuleGraph {
        let owned = |all: &[&str]| all.iter().map(|module| (*module).to_owned()).collect();
        ModuleGraph { named: named.iter().map(|(module, all)| ((*module).to_owned(), owned(all))).collect() }
    }

    #[test]
    fn a_circle_is_found_though_no_two_of_it_name_each_other() {
        let graph = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"]), ("e", &[])]);
        assert_eq!(graph.circles(), [["a", "b", "c"]]);
        assert!(graph.mutual_pairs().is_empty());
    }

    #[test]
    fn circles_that_only_lead_to_each_other_are_two() {
        let graph = graph(&[("a", &["b"]), ("b", &["a", "c"]), ("c", &["d"]), ("d", &["c"])]);
        assert_eq!(graph.circles(), [["a", "b"], ["c", "d"]]);
        assert_eq!(graph.mutual_pairs(), [("a", "b"), ("c", "d")]);
    }
}
