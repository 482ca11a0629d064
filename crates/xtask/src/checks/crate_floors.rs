//! Which crate may depend on which.

use crate::Violation;
use crate::file_tree::FileTree;
use crate::workspace::{Dependency, Package};

/// What a crate may know.
struct CrateRule {
    name: &'static str,
    /// The crates of the workspace on which it may depend.
    below: &'static [&'static str],
    /// Those on which only its tests may depend.
    in_tests: &'static [&'static str],
}

const fn rule(name: &'static str, below: &'static [&'static str]) -> CrateRule {
    CrateRule { name, below, in_tests: &[] }
}

/// The crates of the workspace, lowest first: the map in ARCHITECTURE.md.
const RULES: &[CrateRule] = &[
    rule("leader-lease", &[]),
    rule("sidecarset-metrics", &[]),
    rule("sidecarset-api", &[]),
    rule("sidecarset-core", &["sidecarset-api"]),
    rule("sidecarset-controller", &["leader-lease", "sidecarset-metrics", "sidecarset-api", "sidecarset-core"]),
    rule("sidecarset-webhook", &["leader-lease", "sidecarset-metrics", "sidecarset-api", "sidecarset-core"]),
    CrateRule {
        name: "sidecarset",
        below: &[
            "leader-lease",
            "sidecarset-metrics",
            "sidecarset-api",
            "sidecarset-core",
            "sidecarset-controller",
            "sidecarset-webhook",
        ],
        in_tests: &["sidecarset-e2e"],
    },
    // What tests and measures the product stands beside it.
    rule("sidecarset-e2e", &["sidecarset-api", "sidecarset-core", "sidecarset-webhook"]),
    rule(
        "sidecarset-bench",
        &["leader-lease", "sidecarset-api", "sidecarset-core", "sidecarset-controller", "sidecarset-webhook"],
    ),
    // It checks the sources of all others, and so must build when they do not.
    rule("xtask", &[]),
];

/// The crate that only decides.
const CORE: &str = "sidecarset-core";

/// What brings input and output, a clock, chance, tasks or logs. `sidecarset-core` may not depend on any of it.
const NOT_IN_CORE: &[&str] = &[
    "axum",
    "futures",
    "hyper",
    "hyper-util",
    "kube",
    "kube-client",
    "kube-runtime",
    "log",
    "opentelemetry",
    "parking_lot",
    "prometheus-client",
    "rand",
    "reqwest",
    "rustls",
    "socket2",
    "time",
    "tokio",
    "tokio-rustls",
    "tokio-util",
    "tower",
    "tower-http",
    "tracing",
    "tracing-subscriber",
];

/// Reports dependencies that run upwards, and crates for which there is no rule.
#[must_use]
pub fn crate_floors(tree: &FileTree, packages: &[Package]) -> Vec<Violation> {
    let is_ours = |name: &str| packages.iter().any(|package| package.name == name);
    let mut violations = Vec::new();
    for package in packages {
        let Some(rule) = RULES.iter().find(|rule| rule.name == package.name) else {
            let message = format!("no floor is known for {}: add it to the rules in {}", package.name, file!());
            violations.push(Violation::new(&package.manifest, 1, message));
            continue;
        };
        for dependency in &package.dependencies {
            let may = rule.below.contains(&&*dependency.name)
                || dependency.tests_only && rule.in_tests.contains(&&*dependency.name);
            let forbidden = if is_ours(&dependency.name) {
                !may
            } else {
                package.name == CORE && !dependency.tests_only && NOT_IN_CORE.contains(&&*dependency.name)
            };
            if forbidden {
                violations.push(violation(tree, package, dependency));
            }
        }
    }
    violations
}

fn violation(tree: &FileTree, package: &Package, dependency: &Dependency) -> Violation {
    let names = |line: &str| line.strip_prefix(&dependency.name).is_some_and(|rest| rest.starts_with([' ', '=', '.']));
    let line = tree.text(&package.manifest).and_then(|text| text.lines().position(names));
    let message = format!(
        "{} may not depend on {}: move what needs it to a crate above, or what is needed to one below",
        package.name, dependency.name
    );
    Violation::new(&package.manifest, line.map_or(1, |index| index + 1), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, bool)]) -> Package {
        let dependency =
            |(name, tests_only): &(&str, bool)| Dependency { name: (*name).into(), tests_only: *tests_only };
        Package {
            name: name.into(),
            manifest: format!("{name}/Cargo.toml"),
            dependencies: dependencies.iter().map(dependency).collect(),
            targets: Vec::new(),
        }
    }

    fn found(packages: &[Package]) -> Vec<String> {
        let manifest = "[dependencies]\nserde = \"1\"\ntokio-util = \"1\"\ntokio = \"1\"\n";
        let tree = FileTree::from([("sidecarset-core/Cargo.toml", manifest)]);
        crate_floors(&tree, packages).iter().map(|found| format!("{}:{}", found.path, found.line)).collect()
    }

    #[test]
    fn a_dependency_downwards_passes_and_one_upwards_is_reported() {
        let api = package("sidecarset-api", &[]);
        let down = package("sidecarset-core", &[("sidecarset-api", false), ("serde", false)]);
        assert!(found(&[api, down.clone()]).is_empty());
        let up = package("sidecarset-api", &[("sidecarset-core", false)]);
        assert_eq!(found(&[up, down]), ["sidecarset-api/Cargo.toml:1"]);
    }

    #[test]
    fn what_the_core_may_not_depend_on_is_reported_with_its_line() {
        assert_eq!(
            found(&[package("sidecarset-core", &[("serde", false), ("tokio", false)])]),
            ["sidecarset-core/Cargo.toml:4"]
        );
        assert!(found(&[package("sidecarset-core", &[("tokio", true)])]).is_empty());
        assert!(found(&[package("sidecarset-webhook", &[("tokio", false)])]).is_empty());
    }

    #[test]
    fn tests_may_depend_on_what_the_product_may_not() {
        let e2e = || package("sidecarset-e2e", &[]);
        assert!(found(&[e2e(), package("sidecarset", &[("sidecarset-e2e", true)])]).is_empty());
        assert_eq!(found(&[e2e(), package("sidecarset", &[("sidecarset-e2e", false)])]), ["sidecarset/Cargo.toml:1"]);
    }

    #[test]
    fn a_crate_without_a_floor_is_reported() {
        assert_eq!(found(&[package("new", &[])]), ["new/Cargo.toml:1"]);
    }
}
