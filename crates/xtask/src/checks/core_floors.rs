//! The modules of `sidecarset-core` have an order, and no import runs upwards in it.

use super::core_order::{CORE_ORDER, ModuleOrder, UpwardImport};
use crate::Violation;
use crate::crate_modules::CrateModules;
use crate::file_tree::FileTree;
use crate::imports::{Import, imports};
use crate::module_graph::ModuleGraph;
use std::collections::BTreeSet;

const CORE: &str = "sidecarset-core";
const SOURCES: &str = "crates/core/src/";
/// The file with the order, in which violations of the order itself are reported.
const ORDER_FILE: &str = "crates/xtask/src/checks/core_order.rs";

/// Reports imports that run upwards, and what in the order is out of date.
#[must_use]
pub fn core_floors(tree: &FileTree, crates: &[CrateModules]) -> Vec<Violation> {
    let Some(core) = crates.iter().find(|crate_modules| crate_modules.package == CORE && !crate_modules.tests_only)
    else {
        return vec![Violation::new(ORDER_FILE, 1, format!("there is no crate {CORE}: name the one that is meant"))];
    };
    OrderCheck { tree, core, order: CORE_ORDER, imports: imports(core) }.violations()
}

struct OrderCheck<'a> {
    tree: &'a FileTree,
    core: &'a CrateModules,
    order: ModuleOrder,
    imports: Vec<Import<'a>>,
}

impl OrderCheck<'_> {
    fn violations(&self) -> Vec<Violation> {
        let upward: Vec<_> = self.imports.iter().filter(|import| self.is_upward(import)).collect();
        let is_known = |import: &Import<'_>| self.order.exceptions.iter().any(|exception| matches(exception, import));
        let is_needed = |exception: &UpwardImport| upward.iter().any(|import| matches(exception, import));
        let new = upward.iter().filter(|import| !is_known(import)).map(|import| report_upward(import));
        let unneeded = self.order.exceptions.iter().filter(|exception| !is_needed(exception));
        let unneeded = unneeded.map(|exception| self.report_unneeded(exception));
        new.chain(unneeded).chain(self.modules_without_floor()).chain(self.outdated_floors()).collect()
    }

    /// Returns the floor of the module at the top of the crate through which a path goes.
    fn floor(&self, path: &[String]) -> Option<usize> {
        let module = path.first()?;
        self.order.floors.iter().position(|floor| floor.contains(&module.as_str()))
    }

    fn is_upward(&self, import: &Import<'_>) -> bool {
        matches!((self.floor(import.from), self.floor(&import.to)), (Some(from), Some(to)) if from < to)
    }

    fn modules_without_floor(&self) -> Vec<Violation> {
        let production = self.core.files.iter().filter(|file| !file.tests_only);
        let declared = production.flat_map(|file| file.content.declared.iter().map(move |module| (file, module)));
        let top = declared.filter(|(_, module)| module.path.len() == 1 && !module.tests_only);
        let lost = top.filter(|(_, module)| self.floor(&module.path).is_none());
        lost.map(|(file, module)| {
            let name = &module.path[0];
            let message = format!("the module {name} has no floor: add it to the order in {ORDER_FILE}");
            Violation::new(&file.path, module.line, message)
        })
        .collect()
    }

    /// Reports floors of modules that are gone, and brackets around what is no circle.
    fn outdated_floors(&self) -> Vec<Violation> {
        let graph = ModuleGraph::below(&[], self.core, &self.imports);
        let known: BTreeSet<_> = graph.modules().collect();
        let circles = graph.circles();
        let mut violations = Vec::new();
        for floor in self.order.floors {
            for module in floor.iter().filter(|module| !known.contains(**module)) {
                violations.push(self.report_order(
                    &format!("\"{module}\""),
                    format!("there is no module {module}: take it out of the order"),
                ));
            }
            let is_circle = circles.iter().any(|circle| floor.iter().all(|module| circle.contains(module)));
            if floor.len() > 1 && !is_circle {
                let message = format!("{} are no circle: give each a floor of its own", floor.join(", "));
                violations.push(self.report_order(&format!("\"{}\", ", floor[0]), message));
            }
        }
        violations
    }

    fn report_unneeded(&self, exception: &UpwardImport) -> Violation {
        let UpwardImport { file, target } = exception;
        let message = format!("{file} does not name {target}, or no longer runs upwards with it: delete the exception");
        self.report_order(&format!("\"{file}\", \"{target}\""), message)
    }

    fn report_order(&self, written: &str, message: String) -> Violation {
        let line = self.tree.text(ORDER_FILE).and_then(|text| text.lines().position(|line| line.contains(written)));
        Violation::new(ORDER_FILE, line.map_or(1, |index| index + 1), message)
    }
}

fn matches(exception: &UpwardImport, import: &Import<'_>) -> bool {
    import.file.strip_prefix(SOURCES) == Some(exception.file) && import.to.join("::") == exception.target
}

fn report_upward(import: &Import<'_>) -> Violation {
    let (from, to) = (&import.from[0], &import.to[0]);
    let message = format!(
        "{from} is below {to}, and so may not name {}: move what is needed down, or what needs it up ({ORDER_FILE})",
        import.to.join("::")
    );
    Violation::new(import.file, import.line, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::library;

    /// Checks a core of two modules, `low` and `high`, against an order.
    fn found(floors: &'static [&'static [&'static str]], exceptions: &'static [UpwardImport]) -> Vec<String> {
        let repository = library(
            CORE,
            [
                ("crates/core/src/lib.rs", "mod low;\nmod high;\n#[cfg(test)] mod tests;"),
                ("crates/core/src/low.rs", "use crate::high::A;\nfn f() { crate::high::g::<A>() }"),
                ("crates/core/src/high.rs", "use crate::low;\n#[cfg(test)] use crate::low::B;"),
                ("crates/core/src/tests.rs", ""),
                (ORDER_FILE, "\n&[\"low\"],\n&[\"gone\"],\nupward(\"low.rs\", \"high::Gone\"),\n"),
            ],
        );
        let core = &repository.crates[0];
        let order = ModuleOrder { floors, exceptions };
        let mut found = OrderCheck { tree: &repository.tree, core, order, imports: imports(core) }.violations();
        found.sort();
        found.iter().map(|found| format!("{}:{}", found.path.rsplit('/').next().unwrap(), found.line)).collect()
    }

    const TO_A: UpwardImport = UpwardImport { file: "low.rs", target: "high::A" };
    const TO_G: UpwardImport = UpwardImport { file: "low.rs", target: "high::g" };
    const TO_GONE: UpwardImport = UpwardImport { file: "low.rs", target: "high::Gone" };

    #[test]
    fn an_import_upwards_is_reported_and_one_downwards_passes() {
        assert_eq!(found(&[&["low"], &["high"]], &[]), ["low.rs:1", "low.rs:2"]);
        assert_eq!(found(&[&["high"], &["low"]], &[]), ["high.rs:1"]);
    }

    #[test]
    fn an_exception_is_for_one_path_in_one_file() {
        assert_eq!(found(&[&["low"], &["high"]], &[TO_A]), ["low.rs:2"]);
        assert!(found(&[&["low"], &["high"]], &[TO_A, TO_G]).is_empty());
    }

    #[test]
    fn an_exception_that_nothing_needs_is_reported() {
        assert_eq!(found(&[&["low"], &["high"]], &[TO_A, TO_G, TO_GONE]), ["core_order.rs:4"]);
        assert_eq!(found(&[&["high", "low"]], &[TO_A]), ["core_order.rs:1"]);
    }

    #[test]
    fn a_circle_may_be_between_brackets() {
        assert!(found(&[&["low", "high"]], &[]).is_empty());
    }

    #[test]
    fn brackets_around_what_is_no_circle_are_reported() {
        let repository = library(
            CORE,
            [
                ("crates/core/src/lib.rs", "mod a; mod b;"),
                ("crates/core/src/a.rs", ""),
                ("crates/core/src/b.rs", "use crate::a;"),
            ],
        );
        let core = &repository.crates[0];
        let order = ModuleOrder { floors: &[&["a", "b"]], exceptions: &[] };
        let check = OrderCheck { tree: &repository.tree, core, order, imports: imports(core) };
        assert_eq!(check.violations().len(), 1);
    }

    #[test]
    fn a_module_without_a_floor_and_a_floor_without_a_module_are_reported() {
        assert_eq!(found(&[&["low"]], &[]), ["lib.rs:2"]);
        assert_eq!(found(&[&["low"], &["gone"], &["high"]], &[TO_A, TO_G]), ["core_order.rs:3"]);
    }
}
