//! What a SidecarSet says in two spellings, written by clients of both versions.

use anyhow::Result;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use sidecarset_api::markers::CUSTOM_VERSION;
use sidecarset_e2e::{Look, SCENE, Scene, eventually, kubectl};

/// Somebody who writes a set in one version of the API, and in no more than one of the two spellings.
struct Author<'a> {
    scene: &'a Scene,
    version: &'static str,
}

/// How a manifest reaches the API server.
#[derive(Debug, Clone, Copy)]
enum Apply {
    OnTheServer,
    WithKubectl,
}

impl Author<'_> {
    fn manifest(&self, said: &Value) -> Value {
        let mut manifest = self.scene.sidecar_set().in_version(self.version).object().clone();
        manifest["metadata"]["labels"] = json!({SCENE: self.scene.namespace()});
        json_patch::merge(&mut manifest, said);
        manifest
    }

    async fn apply(&self, how: Apply, said: &Value) -> Result<()> {
        let manifest = self.manifest(said);
        match how {
            Apply::OnTheServer => {
                let sets = self.scene.raw_sets(self.version);
                sets.patch(self.scene.namespace(), &PatchParams::apply("e2e"), &Patch::Apply(&manifest)).await?;
            }
            Apply::WithKubectl => {
                let path = std::env::temp_dir().join(format!("{}.json", self.scene.namespace()));
                std::fs::write(&path, manifest.to_string())?;
                let applied = kubectl(&["apply", "-f", &path.display().to_string()]).await;
                std::fs::remove_file(&path)?;
                applied?;
            }
        }
        Ok(())
    }

    async fn read(&self) -> Result<Value> {
        let mut copy = serde_json::to_value(self.scene.raw_sets(self.version).get(self.scene.namespace()).await?)?;
        let metadata = copy["metadata"].take();
        copy["metadata"] = json!({"name": metadata["name"], "labels": metadata["labels"]});
        Ok(copy)
    }

    /// Sends a copy of the object that was read before, whatever it has become since, with a change.
    async fn send(&self, copy: &Value, said: &Value) -> Result<()> {
        let (sets, name) = (self.scene.raw_sets(self.version), self.scene.namespace());
        let mut copy = copy.clone();
        json_patch::merge(&mut copy, said);
        eventually("nobody writes the set in between", async || {
            copy["metadata"]["resourceVersion"] = json!(sets.get(name).await?.metadata.resource_version);
            sets.replace(name, &PostParams::default(), &serde_json::from_value(copy.clone())?).await?;
            Ok(Look::Found(()))
        })
        .await
    }

    /// Returns what is stored: the label and the field, the namespace and the name that the selector asks for.
    async fn stored(&self) -> Result<[String; 4]> {
        let set = self.scene.set(self.scene.namespace()).await?;
        let label = set.metadata.labels.unwrap_or_default().remove(CUSTOM_VERSION);
        let selected = set.spec.namespace_selector.and_then(|selector| selector.match_labels).unwrap_or_default();
        let selected: Vec<String> = selected.into_values().collect();
        Ok([
            label.unwrap_or_default(),
            set.spec.custom_version.unwrap_or_default(),
            set.spec.namespace.unwrap_or_default(),
            selected.join(","),
        ])
    }
}

/// A custom version and a namespace in the spellings of v1alpha1.
fn older(version: &str, namespace: &str) -> Value {
    json!({"metadata": {"labels": {CUSTOM_VERSION: version}}, "spec": {"namespace": namespace}})
}

/// The same in those of v1beta1.
fn newer(version: &str, namespace: &str) -> Value {
    let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
    json!({"spec": {"customVersion": version, "namespaceSelector": selector}})
}

#[tokio::test]
async fn a_client_that_sends_its_own_copy_back_changes_one_spelling_however_often() -> Result<()> {
    for (version, said) in [("v1alpha1", older as fn(&str, &str) -> Value), ("v1beta1", newer)] {
        let scene = Scene::open("own-copy").await?;
        let author = Author { scene: &scene, version };
        author.apply(Apply::OnTheServer, &said("0", "a")).await?;
        let copy = author.read().await?;

        for (version, namespace) in [("1", "b"), ("2", "c"), ("2", "c"), ("0", "a"), ("3", "d")] {
            author.send(&copy, &said(version, namespace)).await?;

            let [label, field, name, selected] = author.stored().await?;
            assert_eq!([&*label, &*field, &*selected], [version, version, namespace], "{}", author.version);
            assert!(name.is_empty() || name == namespace, "{name}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_author_of_one_spelling_is_followed_in_either_version() -> Result<()> {
    for how in [Apply::OnTheServer, Apply::WithKubectl] {
        for version in ["v1alpha1", "v1beta1"] {
            for said in [older, newer] {
                let scene = Scene::open("one-spelling").await?;
                let author = Author { scene: &scene, version };

                for (version, namespace) in [("1", "a"), ("2", "b"), ("1", "a")] {
                    author.apply(how, &said(version, namespace)).await?;

                    let [label, field, name, selected] = author.stored().await?;
                    assert_eq!([&*label, &*field, &*selected], [version, version, namespace], "{how:?}");
                    assert!(name.is_empty() || name == namespace, "{name}");
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_custom_version_that_its_author_takes_away_is_gone() -> Result<()> {
    for how in [Apply::OnTheServer, Apply::WithKubectl] {
        for (version, said) in [("v1alpha1", older as fn(&str, &str) -> Value), ("v1beta1", newer)] {
            let scene = Scene::open("no-version").await?;
            let author = Author { scene: &scene, version };
            author.apply(how, &said("1", "a")).await?;

            author.apply(how, &json!({})).await?;

            let [label, field, ..] = author.stored().await?;
            assert_eq!([label, field], [""; 2], "{how:?} {version}");
        }
    }
    Ok(())
}
