//! Somebody who has no more rights than a page of documentation says that one needs.

use crate::document::Page;
use crate::kubectl::sidecarset_program;
use crate::scene::Scene;
use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Somebody, as long as the scene is there.
#[derive(Debug)]
pub struct Person {
    kubeconfig: PathBuf,
}

impl Person {
    /// Gives somebody a ClusterRole of a page, for all namespaces.
    ///
    /// # Errors
    ///
    /// When the page has no such role, or the API server refuses anything.
    pub async fn with_role(scene: &Scene, page: &str, role: &str) -> Result<Self> {
        let client = scene.client();
        let name = format!("{}-{role}", scene.namespace());
        let namespace: Namespace = Api::all(client.clone()).get(scene.namespace()).await?;
        // They go when the namespace of the scene does.
        let owner = json!([{
            "apiVersion": "v1", "kind": "Namespace", "name": scene.namespace(), "uid": namespace.metadata.uid,
        }]);
        let metadata = json!({"name": name, "ownerReferences": owner});
        let bound = json!({
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": role, "namespace": scene.namespace()}],
        });
        let role_object = json!({"metadata": metadata, "rules": rules(page, role)?});
        let as_new = PostParams::default();
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), scene.namespace());
        accounts.create(&as_new, &serde_json::from_value(json!({"metadata": {"name": role}}))?).await?;
        Api::<ClusterRole>::all(client.clone()).create(&as_new, &serde_json::from_value(role_object)?).await?;
        Api::<ClusterRoleBinding>::all(client).create(&as_new, &serde_json::from_value(bound)?).await?;
        let wanted: TokenRequest = serde_json::from_value(json!({"spec": {"audiences": []}}))?;
        let token = accounts.create_token_request(role, &as_new, &wanted).await?;
        let token = token.status.context("a token was asked for, and none was given")?.token;
        let kubeconfig = env::temp_dir().join(format!("{name}.kubeconfig"));
        fs::write(&kubeconfig, as_user(&token)?.to_string())?;
        Ok(Self { kubeconfig })
    }

    /// Begins a command of this project's command line.
    ///
    /// # Errors
    ///
    /// When it was not built.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(sidecarset_program()?);
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig);
        Ok(command)
    }

    /// Runs a command of this project's command line, whatever it ends with.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub async fn sidecarset(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.command(arguments)?;
        tokio::task::spawn_blocking(move || command.output()).await?.context("failed to start sidecarset")
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // It is in a folder that goes anyway.
        let _ = fs::remove_file(&self.kubeconfig);
    }
}

/// Returns the rules of a ClusterRole that a page shows.
fn rules(page: &str, role: &str) -> Result<Value> {
    let blocks = Page::read(page)?.blocks.into_iter().filter(|block| block.language == "yaml");
    let objects = blocks.flat_map(|block| serde_saphyr::from_multiple::<Value>(&block.text).unwrap_or_default());
    let is_meant = |object: &Value| object["kind"] == "ClusterRole" && object["metadata"]["name"] == role;
    let found = objects.into_iter().find(is_meant).with_context(|| format!("{page} has no ClusterRole {role}"))?;
    Ok(found["rules"].clone())
}

/// Returns the kubeconfig of the tests with another user in it.
fn as_user(token: &str) -> Result<Value> {
    let path = env::var_os("KUBECONFIG").context("KUBECONFIG names no file")?;
    let mut config: Value = serde_saphyr::from_str(&fs::read_to_string(path)?)?;
    for user in config["users"].as_array_mut().into_iter().flatten() {
        user["user"] = json!({"token": token});
    }
    Ok(config)
}
