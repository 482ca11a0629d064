//! The crates of the workspace, as cargo knows them.

use anyhow::{Context, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate of the workspace.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its Cargo.toml, from the root of the repository.
    pub manifest: String,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    /// What is compiled of it.
    pub targets: Vec<Target>,
}

/// A crate that another one depends on.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Whether only tests, examples and benchmarks have it.
    pub tests_only: bool,
}

/// Something that is compiled from one root file.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its root file, from the root of the repository.
    pub root: String,
    /// Whether it is a test, an example or a benchmark.
    pub tests_only: bool,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    packages: Vec<MetadataPackage>,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<MetadataDependency>,
    targets: Vec<MetadataTarget>,
}

#[derive(Deserialize)]
struct MetadataDependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct MetadataTarget {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
}

/// Asks cargo for the root of the repository, and the crates.
pub fn load() -> anyhow::Result<(PathBuf, Vec<Package>)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--locked", "--no-deps", "--format-version=1"]);
    let output = command.output().context("failed to run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("failed to read what cargo metadata prints")?;
    let root = metadata.workspace_root;
    let packages = metadata.packages.into_iter().map(|package| from_metadata(package, &root)).collect();
    Ok((root, packages))
}

fn from_metadata(package: MetadataPackage, root: &Path) -> Package {
    let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
    let dependency = |dependency: MetadataDependency| Dependency {
        name: dependency.name,
        tests_only: dependency.kind.as_deref() == Some("dev"),
    };
    let target = |target: MetadataTarget| Target {
        name: target.name,
        root: relative(&target.src_path),
        tests_only: target.kind.iter().any(|kind| ["test", "bench", "example"].contains(&kind.as_str())),
    };
    Package {
        name: package.name,
        manifest: relative(&package.manifest_path),
        dependencies: package.dependencies.into_iter().map(dependency).collect(),
        targets: package.targets.into_iter().map(target).collect(),
    }
}
