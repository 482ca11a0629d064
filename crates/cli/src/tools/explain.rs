//! `sidecarset explain`

mod reason;

use super::cluster::ClusterArguments;
use super::failure::Failure;
use super::format::{Format, FormatArguments, write_json, write_yaml};
use super::manifest::Manifest;
use super::snapshot::{SeenPod, Snapshot};
use super::{age, manifest, run_async};
use anstyle::{AnsiColor, Style};
use clap::Args;
use reason::{Explained, Verdict, explain};
use serde::Serialize;
use sidecarset_core::annotations::Seconds;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const WAITS: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default();

const HELP: &str = "\
Examples:
  # Why a Pod has its sidecars or not, and what it waits for
  sidecarset explain pod web-0 -n shop

  # The same of a Pod that there is not yet
  sidecarset explain -f pod.yaml";

/// Which Pod is explained.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// The Pod: `pod NAME` or `pod/NAME`
    #[arg(value_name = "pod NAME", num_args = 1..=2, required_unless_present = "file", conflicts_with = "file")]
    pod: Vec<String>,

    /// A file with a Pod that there is not yet, or - for the standard input
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    file: Option<PathBuf>,

    /// Only what this SidecarSet has to do with it
    #[arg(long, value_name = "NAME", value_parser = super::target::set_name)]
    set: Option<String>,

    #[command(flatten)]
    format: FormatArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// What is said of a Pod.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation {
    namespace: String,
    pod: String,
    /// Whether it is on the cluster.
    exists: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    node: String,
    age_seconds: u64,
    /// What keeps every set away from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_alone: Option<String>,
    sets: Vec<Explained>,
}

/// Explains a Pod.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    run_async(async {
        let cluster = arguments.cluster.connect().await?;
        let (namespace, new) = match &arguments.file {
            None => (cluster.default_namespace.clone(), None),
            Some(file) => {
                let pod = read(file)?;
                let named = pod.object["metadata"]["namespace"].as_str().map(str::to_owned);
                (named.unwrap_or_else(|| cluster.default_namespace.clone()), Some(pod))
            }
        };
        let name = if new.is_some() { "" } else { pod_name(&arguments.pod)? };
        let is_it = |pod: &SeenPod| pod.key.namespace() == namespace && pod.key.name() == name;
        // The Pods of all namespaces: what a Pod waits for depends on all of them.
        let snapshot = Snapshot::take(&cluster, &is_it).await?;
        let pod = match new {
            Some(manifest) => snapshot.imagine(manifest.object, &namespace),
            None => {
                let pod = snapshot.pods.iter().find(|pod| is_it(pod));
                pod.cloned().ok_or_else(|| no_pod(&namespace, name))?
            }
        };
        if let Some(set) = &arguments.set {
            snapshot.set(set)?;
        }
        let now = Seconds::from(jiff::Timestamp::now());
        let explanation = explanation(&snapshot, &pod, arguments, now);
        match arguments.format.format() {
            Format::Json => write_json(out, &explanation)?,
            Format::Yaml => write_yaml(out, &explanation)?,
            Format::Name => writeln!(out, "pod/{}", explanation.pod)?,
            Format::Table | Format::Wide => tell(&explanation, arguments.format.format(), out)?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn explanation(snapshot: &Snapshot, pod: &SeenPod, arguments: &Arguments, now: Seconds) -> Explanation {
    let exists = arguments.file.is_none();
    let mut sets = explain(snapshot, pod, exists, now);
    sets.retain(|explained| arguments.set.as_ref().is_none_or(|set| *set == explained.set));
    Explanation {
        namespace: pod.key.namespace().to_owned(),
        pod: pod.key.name().to_owned(),
        exists,
        node: pod.node.clone().unwrap_or_default(),
        age_seconds: if exists { now.since(pod.created).as_secs() } else { 0 },
        left_alone: reason::left_alone(pod).map(str::to_owned),
        sets,
    }
}

fn tell(explanation: &Explanation, format: Format, out: &mut impl Write) -> anyhow::Result<()> {
    let Explanation { namespace, pod, node, .. } = explanation;
    let age = age::short(std::time::Duration::from_secs(explanation.age_seconds));
    match (explanation.exists, node.as_str()) {
        (false, _) => writeln!(out, "{HEADING}Pod {namespace}/{pod}{HEADING:#}, which there is not yet")?,
        (true, "") => writeln!(out, "{HEADING}Pod {namespace}/{pod}{HEADING:#}, {age} old, on no node")?,
        (true, node) => writeln!(out, "{HEADING}Pod {namespace}/{pod}{HEADING:#}, {age} old, on node {node}")?,
    }
    if let Some(left_alone) = &explanation.left_alone {
        writeln!(out, "{left_alone}")?;
    }
    if explanation.sets.is_empty() {
        writeln!(out, "there is no SidecarSet")?;
    }
    // What has nothing to do with the Pod comes last, in short: there may be hundreds.
    let (related, others): (Vec<_>, Vec<_>) =
        explanation.sets.iter().partition(|explained| explained.verdict != Verdict::NotSelected);
    for explained in related {
        section(explained, out)?;
    }
    if !others.is_empty() {
        writeln!(out, "\n{HEADING}Sets that do not select it{HEADING:#}")?;
        for explained in &others {
            let reasons = &explained.sentences[..if format == Format::Wide { explained.sentences.len() } else { 1 }];
            writeln!(out, "  {}: {}", explained.set, reasons.join("; "))?;
        }
    }
    Ok(())
}

fn section(explained: &Explained, out: &mut impl Write) -> anyhow::Result<()> {
    let colour = match explained.verdict {
        Verdict::Updated | Verdict::WouldBeInjected => GOOD,
        Verdict::Outdated
        | Verdict::NotReady
        | Verdict::Missing
        | Verdict::GivesWay
        | Verdict::LeftAlone
        | Verdict::NoLongerSelected => WAITS,
        Verdict::Failing | Verdict::Refused | Verdict::Gone | Verdict::NotSelected => BAD,
    };
    writeln!(out, "\n{HEADING}{}{HEADING:#}: {colour}{}{colour:#}", explained.set, explained.verdict.title())?;
    for sentence in &explained.sentences {
        writeln!(out, "  {sentence}")?;
    }
    Ok(())
}

fn read(file: &PathBuf) -> anyhow::Result<Manifest> {
    let mut manifests = manifest::read(std::slice::from_ref(file))?;
    manifests.retain(|manifest| manifest.object["kind"] == "Pod" && manifest.object["apiVersion"] == "v1");
    let pod = manifests.into_iter().next();
    Ok(pod.ok_or_else(|| Failure::new(format!("there is no Pod in {}", file.display())))?)
}

fn pod_name(words: &[String]) -> Result<&str, Failure> {
    let prefixes = ["pod/", "pods/", "po/"];
    let name = match words {
        [kind, name] if matches!(kind.as_str(), "pod" | "pods" | "po") => name.as_str(),
        [word] => word,
        _ => "",
    };
    let name = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    if name.is_empty() || name.contains('/') || matches!(name, "pod" | "pods" | "po") {
        return Err(Failure::new("only Pods can be explained: pod NAME or pod/NAME")
            .hinting("sidecarset status NAME tells of a SidecarSet"));
    }
    Ok(name)
}

fn no_pod(namespace: &str, name: &str) -> Failure {
    Failure::Server { reason: "NotFound".to_owned(), message: format!("pods {name:?} not found"), hint: None }
        .hinting(format!("there is none of that name in namespace {namespace}: name another one by -n"))
}
