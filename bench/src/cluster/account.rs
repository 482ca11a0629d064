//! Users of the API server whose requests are counted by themselves, and never made to wait.

use super::devcluster::Devcluster;
use anyhow::Context;
use k8s_openapi::api::flowcontrol::v1::FlowSchema;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use std::time::Duration;

/// Somebody who may do everything and is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account(pub(crate) &'static str);

/// The operator.
pub(crate) const OPERATOR: Account = Account("bench-operator");

/// Everybody who does by hand what the operator does.
pub(crate) const BARE: Account = Account("bench-bare");

impl Account {
    /// Makes the user known to the API server. The flow schema has its name, and so have its counters.
    pub(crate) async fn register(self, admin: &Client) -> anyhow::Result<()> {
        let Self(name) = self;
        let user = json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name});
        let binding = serde_json::from_value(json!({
            "metadata": {"name": name}, "subjects": [user],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        }))?;
        let schema = serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {
                // Not one request is to wait for those of somebody else.
                "priorityLevelConfiguration": {"name": "exempt"}, "matchingPrecedence": 2,
                "rules": [{
                    "subjects": [{"kind": "User", "user": {"name": name}}],
                    "resourceRules": [
                        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true},
                    ],
                    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                }],
            },
        }))?;
        Api::<ClusterRoleBinding>::all(admin.clone()).create(&PostParams::default(), &binding).await?;
        Api::<FlowSchema>::all(admin.clone()).create(&PostParams::default(), &schema).await?;
        Ok(())
    }

    /// Returns a kubeconfig with which one is this user, by the administrator's leave.
    pub(crate) fn kubeconfig(self, cluster: &Devcluster, server: &str) -> anyhow::Result<Kubeconfig> {
        let mut config = read(cluster)?;
        for named in &mut config.clusters {
            named.cluster.as_mut().context("the kubeconfig has a cluster without content")?.server =
                Some(server.to_owned());
        }
        for named in &mut config.auth_infos {
            let user = named.auth_info.as_mut().context("the kubeconfig has a user without content")?;
            user.impersonate = Some(self.0.to_owned());
            user.impersonate_groups = Some(vec!["system:authenticated".to_owned()]);
        }
        Ok(config)
    }

    /// Returns a client that is this user.
    pub(crate) async fn client(self, cluster: &Devcluster) -> anyhow::Result<Client> {
        client(self.kubeconfig(cluster, &cluster.status.apiserver)?).await
    }
}

/// Returns a client that is the administrator.
pub(crate) async fn admin(cluster: &Devcluster) -> anyhow::Result<Client> {
    client(read(cluster)?).await
}

fn read(cluster: &Devcluster) -> anyhow::Result<Kubeconfig> {
    let path = &cluster.status.kubeconfig;
    Kubeconfig::read_from(path).with_context(|| format!("failed to read {}", path.display()))
}

async fn client(kubeconfig: Kubeconfig) -> anyhow::Result<Client> {
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.connect_timeout = Some(Duration::from_secs(5));
    config.read_timeout = Some(Duration::from_secs(330));
    Ok(Client::try_from(config)?)
}
