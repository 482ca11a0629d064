//! `sidecarset undo`

use super::cluster::ClusterArguments;
use super::dry_run::DryRunArguments;
use super::failure::{self, Failure};
use super::format::FormatArguments;
use super::past::{Past, RevisionName, definition, members};
use super::snapshot::Snapshot;
use super::stored::Outcome;
use super::target::set_name;
use super::told::Telling;
use super::{run_async, stored};
use clap::Args;
use serde_json::{Map, Value, json};
use sidecarset_api::markers;
use sidecarset_core::revision::{DEFINITION, Revision};
use std::process::ExitCode;

/// What is taken back.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The SidecarSet
    #[arg(value_name = "NAME", value_parser = set_name)]
    name: String,

    /// The revision to which it returns: its number, or its name; 0 is the one before the present definition
    #[arg(long, value_name = "REVISION", default_value = "0")]
    to_revision: RevisionName,

    #[command(flatten)]
    dry_run: DryRunArguments,

    #[command(flatten)]
    format: FormatArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// Returns to an earlier definition.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    run_async(async {
        let cluster = arguments.cluster.connect().await?;
        let snapshot = Snapshot::without_pods(&cluster).await?;
        let past = Past::of(&snapshot, &arguments.name)?;
        let target = target(&past, &arguments.to_revision)?;
        let definition = members(&definition(target)?);
        let is_present = past.present.is_some_and(|present| present.fingerprint() == target.fingerprint());
        let decide = |set: &Value| {
            still(set, past.set.metadata.generation)?;
            Ok((!is_present).then(|| returned(set, &definition, target.custom_version.as_deref())))
        };
        let outcome = stored::change(&cluster, &arguments.name, arguments.dry_run.dry_run, &decide).await?;
        let called = format!("revision {} ({})", target.number, target.name);
        let telling = Telling {
            format: arguments.format.format(),
            dry_run: arguments.dry_run.dry_run,
            changed: &format!("rolled back to {called}"),
            unchanged: &format!("not rolled back: it has the definition of {called} already"),
        };
        let has_changed = matches!(outcome, Outcome::Changed(_));
        let code = telling.tell(&mut anstream::stdout().lock(), [Ok(outcome)])?;
        if let Some(pinned) = past.pinned.filter(|pinned| has_changed && pinned.name != target.name) {
            let told = format!("new Pods go on getting revision {} ({}):", pinned.number, pinned.name);
            failure::note(&format!("{told} spec.injectionStrategy.revision pins them to it"));
        }
        Ok(code)
    })
}

fn target<'a>(past: &Past<'a>, asked: &RevisionName) -> Result<&'a Revision, Failure> {
    if *asked != RevisionName::Number(0) {
        return past.named(asked).map(AsRef::as_ref);
    }
    let name = past.set.metadata.name.as_deref().unwrap_or_default();
    let missing = || {
        Failure::new(format!("sidecarset {name:?} has no revision before its present definition"))
            .hinting(format!("`sidecarset history {name}` lists those that there are"))
    };
    past.previous().map(AsRef::as_ref).ok_or_else(missing)
}

/// Refuses a set that somebody changed after it was decided what it returns to.
fn still(set: &Value, generation: Option<i64>) -> Result<(), Failure> {
    if set["metadata"]["generation"].as_i64() == generation {
        return Ok(());
    }
    let name = set["metadata"]["name"].as_str().unwrap_or_default();
    Err(Failure::new(format!("sidecarset {name:?} was changed by somebody else meanwhile"))
        .hinting(format!("nothing was taken back: look at `sidecarset history {name}` and try again")))
}

/// Returns the set with an earlier definition, and with the version that its author gave that one.
fn returned(set: &Value, definition: &Map<String, Value>, custom_version: Option<&str>) -> Value {
    let mut set = set.clone();
    if let Some(spec) = set["spec"].as_object_mut() {
        for member in DEFINITION {
            match definition.get(member) {
                Some(value) => drop(spec.insert(member.to_owned(), value.clone())),
                None => drop(spec.remove(member)),
            }
        }
    }
    name_version(&mut set, custom_version);
    set
}

/// Says the version wherever the set says one. Left as it is, it would become that of the earlier definition.
fn name_version(set: &mut Value, custom_version: Option<&str>) {
    let labels = set["metadata"].get_mut("labels").and_then(Value::as_object_mut);
    let is_labelled = match (labels, custom_version) {
        (Some(labels), Some(version)) => labels.get_mut(markers::CUSTOM_VERSION).map(|label| *label = json!(version)),
        (Some(labels), None) => labels.remove(markers::CUSTOM_VERSION).map(drop),
        (None, _) => None,
    };
    let Some(spec) = set["spec"].as_object_mut() else { return };
    match custom_version {
        None => drop(spec.remove("customVersion")),
        Some(version) if is_labelled.is_none() || spec.contains_key("customVersion") => {
            spec.insert("customVersion".to_owned(), json!(version));
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_definition_returns_and_nothing_else() {
        let set = json!({
            "metadata": {"name": "log-sc"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}}, "updateStrategy": {"partition": 2},
                "containers": [{"name": "agent", "image": "agent:v2"}], "volumes": [{"name": "new"}],
            },
        });

        let before = definition(
            json!({"containers": [{"name": "agent", "image": "agent:v1"}], "imagePullSecrets": [{"name": "s"}]}),
        );

        assert_eq!(
            returned(&set, &before, None)["spec"],
            json!({
                "selector": {"matchLabels": {"app": "web"}}, "updateStrategy": {"partition": 2},
                "containers": [{"name": "agent", "image": "agent:v1"}], "imagePullSecrets": [{"name": "s"}],
            })
        );
    }

    fn versions(labels: &Value, spec: &Value, version: Option<&str>) -> (Value, Value) {
        let set = returned(&json!({"metadata": {"labels": labels}, "spec": spec}), &Map::new(), version);
        (set["metadata"]["labels"].clone(), set["spec"].clone())
    }

    #[test]
    fn the_version_of_the_definition_returns_in_the_spellings_that_the_set_has() {
        let label = |version: &str| json!({markers::CUSTOM_VERSION: version});
        let member = |version: &str| json!({"customVersion": version});

        assert_eq!(versions(&label("v2"), &member("v2"), Some("v1")), (label("v1"), member("v1")));
        assert_eq!(versions(&label("v2"), &json!({}), Some("v1")), (label("v1"), json!({})));
        assert_eq!(versions(&json!({}), &json!({}), Some("v1")), (json!({}), member("v1")));
        assert_eq!(versions(&label("v2"), &member("v2"), None), (json!({}), json!({})));
    }

    #[test]
    fn a_set_that_was_changed_meanwhile_is_left_alone() {
        let set = json!({"metadata": {"name": "log-sc", "generation": 4}});

        let told = still(&set, Some(3)).unwrap_err().to_string();

        assert_eq!(told, "sidecarset \"log-sc\" was changed by somebody else meanwhile");
        assert!(still(&set, Some(4)).is_ok());
    }
}
