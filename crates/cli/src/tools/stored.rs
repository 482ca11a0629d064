//! SidecarSets as they are stored, with every member that anybody wrote, and how they are changed.

mod warnings;

use super::cluster::Cluster;
use super::dry_run::DryRun;
use super::failure::Failure;
use super::target::TargetArguments;
use kube::api::{ListParams, Patch, PatchParams};
use kube::client::Body;
use kube::core::params::GetParams;
use kube::core::{Request, Status};
use kube::{Error, Resource};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;

/// The name under which we write.
const FIELD_MANAGER: &str = "sidecarset-cli";

/// How often a change is decided anew because somebody else wrote the set in between: while a rollout goes on, the operator
/// writes its status every now and then.
const ATTEMPTS: usize = 10;

/// What became of a set.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It was as it should be.
    Unchanged(Value),
    /// It is, or in a dry run would be, like this now.
    Changed(Value),
}

/// Decides how a set is to be; nothing where it is so already.
pub type Decide<'a> = &'a dyn Fn(&Value) -> anyhow::Result<Option<Value>>;

/// Reads a set.
///
/// # Errors
/// There is none of the name, or the cluster cannot be asked.
pub async fn read(cluster: &Cluster, name: &str) -> Result<Value, Failure> {
    let request = sets().get(name, &GetParams::default()).map_err(Error::BuildRequest);
    let object = match request {
        Ok(request) => cluster.client.request(request).await,
        Err(error) => Err(error),
    };
    object.map_err(|error| cluster.told(error))
}

/// Returns the names of the sets that are meant.
///
/// # Errors
/// The cluster cannot be asked, or has none with the labels.
pub async fn names(cluster: &Cluster, targets: &TargetArguments) -> Result<Vec<String>, Failure> {
    let Some(selector) = &targets.selector else {
        return Ok(targets.names.clone());
    };
    let request = sets().list(&ListParams::default().labels(selector)).map_err(Error::BuildRequest);
    let list: Result<Value, Error> = match request {
        Ok(request) => cluster.client.request(request).await,
        Err(error) => Err(error),
    };
    let list = list.map_err(|error| cluster.told(error))?;
    let items = list["items"].as_array().into_iter().flatten();
    let names: Vec<String> = items.filter_map(|set| set["metadata"]["name"].as_str()).map(str::to_owned).collect();
    if names.is_empty() {
        return Err(Failure::new(format!("no SidecarSet has the labels {selector:?}")));
    }
    Ok(names)
}

/// Changes a set as is decided from what it is. Somebody else's change in between is never lost: then it is decided anew.
///
/// # Errors
/// It was decided not to, the API server refused it, or others keep on writing the set.
pub async fn change(cluster: &Cluster, name: &str, dry_run: DryRun, decide: Decide<'_>) -> anyhow::Result<Outcome> {
    for _ in 0..ATTEMPTS {
        let present = read(cluster, name).await?;
        let Some(wanted) = decide(&present)? else {
            return Ok(Outcome::Unchanged(present));
        };
        if dry_run == DryRun::Client {
            return Ok(Outcome::Changed(wanted));
        }
        match write(cluster, name, dry_run, patch(&present, &wanted)).await {
            Ok(written) => return Ok(Outcome::Changed(written)),
            Err(Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(cluster.told(error).into()),
        }
    }
    let busy = Failure::new(format!("sidecarset {name:?} was written by others {ATTEMPTS} times meanwhile"));
    Err(busy.hinting("nothing was changed: try again").into())
}

/// Returns the patch from one object to another. It is for the very version of the object that was decided on.
fn patch(present: &Value, wanted: &Value) -> json_patch::Patch {
    let mut patch = json_patch::diff(present, wanted);
    let version = json!([{
        "op": "replace", "path": "/metadata/resourceVersion", "value": present["metadata"]["resourceVersion"],
    }]);
    let version: json_patch::Patch = serde_json::from_value(version).expect("these are operations of a JSON patch");
    patch.0.extend(version.0);
    patch
}

async fn write(cluster: &Cluster, name: &str, dry_run: DryRun, patch: json_patch::Patch) -> Result<Value, Error> {
    let params = PatchParams { dry_run: dry_run == DryRun::Server, ..PatchParams::default() };
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..params };
    let request = sets().patch(name, &params, &Patch::<()>::Json(patch)).map_err(Error::BuildRequest)?;
    let response = cluster.client.send(request.map(Body::from)).await?;
    let told = response.headers().get_all("warning").iter().filter_map(|value| value.to_str().ok());
    warnings::tell(told);
    let (code, answer) = (response.status(), response.into_body().collect_bytes().await?);
    if code.is_success() {
        return serde_json::from_slice(&answer).map_err(Error::SerdeError);
    }
    let status: Result<Status, _> = serde_json::from_slice(&answer);
    let unread = |_| Status::failure(&String::from_utf8_lossy(&answer), "").with_code(code.as_u16());
    Err(Error::Api(status.unwrap_or_else(unread).boxed()))
}

fn sets() -> Request {
    Request::new(SidecarSet::url_path(&(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_for_the_version_that_was_decided_on() {
        let present = json!({"metadata": {"resourceVersion": "7"}, "spec": {"paused": false}});
        let wanted = json!({"metadata": {"resourceVersion": "7"}, "spec": {"paused": true}});

        assert_eq!(
            json!(patch(&present, &wanted)),
            json!([
                {"op": "replace", "path": "/spec/paused", "value": true},
                {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
            ])
        );
    }
}
