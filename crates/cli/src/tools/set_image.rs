//! `sidecarset set-image`

use super::cluster::ClusterArguments;
use super::dry_run::DryRunArguments;
use super::failure::Failure;
use super::format::FormatArguments;
use super::target::set_name;
use super::told::Telling;
use super::{run_async, stored};
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;

/// Which containers get which images.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The SidecarSet
    #[arg(value_name = "NAME", value_parser = set_name)]
    name: String,

    /// A container or init container of it and its new image; * stands for each of them
    #[arg(value_name = "CONTAINER=IMAGE", required = true, value_parser = Assignment::parse)]
    images: Vec<Assignment>,

    #[command(flatten)]
    dry_run: DryRunArguments,

    #[command(flatten)]
    format: FormatArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// An image for a container.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Assignment {
    container: String,
    image: String,
}

/// Sets the images.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    run_async(async {
        let cluster = arguments.cluster.connect().await?;
        let decide = |set: &Value| assigned(set, &arguments.images);
        let outcome = stored::change(&cluster, &arguments.name, arguments.dry_run.dry_run, &decide).await?;
        let telling = Telling {
            format: arguments.format.format(),
            dry_run: arguments.dry_run.dry_run,
            changed: "image updated",
            unchanged: "image unchanged",
        };
        telling.tell(&mut anstream::stdout().lock(), [Ok(outcome)])
    })
}

impl Assignment {
    fn parse(text: &str) -> Result<Self, Failure> {
        let (container, image) = text.split_once('=').unwrap_or((text, ""));
        if container.is_empty() || image.is_empty() || image.contains(char::is_whitespace) {
            return Err(Failure::new(format!("{text:?} is not CONTAINER=IMAGE")));
        }
        Ok(Self { container: container.to_owned(), image: image.to_owned() })
    }

    fn is_for(&self, container: &str) -> bool {
        self.container == "*" || self.container == container
    }
}

/// Returns the set with the images; nothing where it has them already.
fn assigned(set: &Value, images: &[Assignment]) -> anyhow::Result<Option<Value>> {
    let mut wanted = set.clone();
    let mut names = Vec::new();
    for list in ["initContainers", "containers"] {
        let containers = wanted["spec"].get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let name = container["name"].as_str().unwrap_or_default().to_owned();
            // As in kubectl: the last one counts.
            if let Some(assignment) = images.iter().rfind(|assignment| assignment.is_for(&name)) {
                container["image"] = assignment.image.as_str().into();
            }
            names.push(name);
        }
    }
    for Assignment { container, .. } in images {
        if container != "*" && !names.contains(container) {
            let set = set["metadata"]["name"].as_str().unwrap_or_default();
            let unknown = Failure::new(format!("sidecarset {set:?} has no container {container:?}"));
            return Err(unknown.hinting(format!("it has {}", names.join(", "))).into());
        }
    }
    Ok((wanted != *set).then_some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set() -> Value {
        json!({
            "metadata": {"name": "log-sc"},
            "spec": {
                "initContainers": [{"name": "setup", "image": "setup:v1"}],
                "containers": [{"name": "agent", "image": "agent:v1"}, {"name": "proxy", "image": "proxy:v1"}],
            },
        })
    }

    fn images(set: &Value, assignments: &[&str]) -> anyhow::Result<Option<Vec<String>>> {
        let assignments: Vec<_> = assignments.iter().map(|text| Assignment::parse(text).unwrap()).collect();
        let wanted = assigned(set, &assignments)?;
        let image = |set: &Value, at: &str| set.pointer(at).and_then(Value::as_str).unwrap().to_owned();
        let places = ["/spec/initContainers/0/image", "/spec/containers/0/image", "/spec/containers/1/image"];
        Ok(wanted.map(|set| places.iter().map(|at| image(&set, at)).collect()))
    }

    #[test]
    fn containers_and_init_containers_are_found_by_name() {
        let changed = images(&set(), &["agent=agent:v2", "setup=host:5000/setup@sha256:0=1"]).unwrap().unwrap();

        assert_eq!(changed, ["host:5000/setup@sha256:0=1", "agent:v2", "proxy:v1"]);
    }

    #[test]
    fn a_list_that_is_not_there_stays_away() {
        let set = json!({"spec": {"containers": [{"name": "agent", "image": "agent:v1"}]}});
        let images = [Assignment::parse("agent=agent:v2").unwrap()];

        let wanted = assigned(&set, &images).unwrap().unwrap();

        assert_eq!(wanted, json!({"spec": {"containers": [{"name": "agent", "image": "agent:v2"}]}}));
    }

    #[test]
    fn a_star_stands_for_each_container() {
        assert_eq!(images(&set(), &["*=x:v2"]).unwrap().unwrap(), ["x:v2", "x:v2", "x:v2"]);
    }

    #[test]
    fn an_image_that_is_there_already_changes_nothing() {
        assert_eq!(images(&set(), &["agent=agent:v1"]).unwrap(), None);
    }

    #[test]
    fn an_unknown_container_is_told_with_those_that_there_are() {
        let error = images(&set(), &["agent=agent:v2", "agnt=agent:v2"]).unwrap_err();

        assert_eq!(error.to_string(), "sidecarset \"log-sc\" has no container \"agnt\"");
        assert_eq!(error.downcast_ref::<Failure>().unwrap().hint().unwrap(), "it has setup, agent, proxy");
    }

    #[test]
    fn what_is_no_assignment_is_refused() {
        for text in ["agent", "agent=", "=agent:v2", "agent=a b"] {
            assert_eq!(Assignment::parse(text).unwrap_err().to_string(), format!("{text:?} is not CONTAINER=IMAGE"));
        }
    }
}
