//! Where examples and pages are tried: their SidecarSets have names of their own, and select Pods of every namespace.

use crate::document::repository;
use crate::kubectl::{example, kubectl, kubectl_program};
use crate::scene::{SCENE, Scene};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};
use tokio::sync::OwnedMutexGuard;

/// An example is on one stage at a time.
static TURNS: LazyLock<Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>> = LazyLock::new(Mutex::default);

/// A scene for objects that are applied from files. The SidecarSets of its examples are removed with it.
#[derive(Debug)]
pub struct Stage {
    scene: Scene,
    sets: Vec<String>,
    _turns: Vec<OwnedMutexGuard<()>>,
}

impl Stage {
    /// Opens a stage for these folders of `examples/`, once no other one has them.
    ///
    /// # Errors
    ///
    /// The cluster cannot be reached, or there is no such folder.
    pub async fn open(topic: &str, examples: &[&str]) -> Result<Self> {
        // Everybody takes them in the same order, so that nobody waits for somebody who waits.
        let examples: BTreeSet<&str> = examples.iter().copied().collect();
        let (mut turns, mut sets) = (Vec::new(), Vec::new());
        for example in examples {
            turns.push(turn_of(example).lock_owned().await);
            sets.extend(sets_of(example).with_context(|| format!("failed to read examples/{example}"))?);
        }
        let stage = Self { scene: Scene::open(topic).await?, sets, _turns: turns };
        stage.clear()?;
        Ok(stage)
    }

    /// Returns the scene.
    #[must_use]
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Applies the SidecarSet of an example, and waits until it is in force.
    ///
    /// # Errors
    ///
    /// It is refused, or does not come into force.
    pub async fn apply_set(&self, file: &str) -> Result<()> {
        let label = format!("{SCENE}={}", self.scene.namespace());
        let labelled = kubectl(&["label", "--local", "-f", &example(file), &label, "-o", "yaml"]).await?;
        let path = std::env::temp_dir().join(format!("{}-{}", self.scene.namespace(), file.replace('/', "-")));
        std::fs::write(&path, labelled)?;
        let applied = kubectl(&["apply", "-f", &path.display().to_string()]).await;
        std::fs::remove_file(&path)?;
        applied?;
        kubectl(&["wait", "--for=condition=Injecting", "--timeout=60s", "-f", &example(file)]).await.map(drop)
    }

    /// Applies what else an example has.
    ///
    /// # Errors
    ///
    /// It is refused.
    pub async fn apply(&self, file: &str) -> Result<()> {
        self.kubectl(&["apply", "-f", &example(file)]).await.map(drop)
    }

    /// Runs kubectl in the namespace of the scene.
    ///
    /// # Errors
    ///
    /// With what kubectl complained of.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        kubectl(&[&["-n", self.scene.namespace()], arguments].concat()).await
    }

    /// Removes the SidecarSets, and the Pods that the next stage would count otherwise.
    fn clear(&self) -> Result<()> {
        let pods = ["delete", "deployments,replicasets,jobs,pods", "--all", "--force", "--grace-period=0"];
        run(&[&["-n", self.scene.namespace()], &pods[..]].concat())?;
        if self.sets.is_empty() {
            return Ok(());
        }
        let sets: Vec<&str> = self.sets.iter().map(String::as_str).collect();
        run(&[&["delete", "sidecarset", "--ignore-not-found"], &sets[..]].concat())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            eprintln!("failed to clear the stage {}: {error:#}", self.scene.namespace());
        }
    }
}

fn turn_of(example: &str) -> Arc<tokio::sync::Mutex<()>> {
    let mut turns = TURNS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Arc::clone(turns.entry(example.to_owned()).or_default())
}

/// Returns the names of the SidecarSets in a folder of `examples/`.
fn sets_of(example: &str) -> Result<Vec<String>> {
    let mut sets = Vec::new();
    for entry in repository().join("examples").join(example).read_dir()? {
        let text = std::fs::read_to_string(entry?.path())?;
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text)?;
        let of_sets = objects.iter().filter(|object| object["kind"] == "SidecarSet");
        sets.extend(of_sets.filter_map(|set| set["metadata"]["name"].as_str()).map(str::to_owned));
    }
    Ok(sets)
}

fn run(arguments: &[&str]) -> Result<()> {
    let output = Command::new(kubectl_program()).args(arguments).output().context("failed to start kubectl")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
