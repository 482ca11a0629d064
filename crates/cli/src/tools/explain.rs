//! `sidecarset explain`

mod reason;

use super::cluster::ClusterArguments;
use super::failure::Failure;
use super::format::{Format, FormatArguments, write_json, write_yaml};
use super::manifest::Manifest;
use super::snapshot::{Keep, SeenPod, Snapshot};
use super::workload::Workload;
use super::{age, manifest, run_async};
use anstyle::{AnsiColor, Style};
use clap::Args;
use reason::{Explained, Verdict, explain};
use serde::Serialize;
use sidecarset_core::annotations::Seconds;
use std::io::Write;
use std::path::{Path, PathBuf};
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
  sidecarset explain -f pod.yaml

  # The same of the Pods that a Deployment will have, or whatever else has a template
  sidecarset explain -f deployment.yaml";

/// Which Pod is explained.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// The Pod: `pod NAME` or `pod/NAME`
    #[arg(value_name = "pod NAME", num_args = 1..=2, required_unless_present = "file", conflicts_with = "file")]
    pod: Vec<String>,

    /// A file with Pods that there are not yet, or with templates of them, or - for the standard input
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
    /// Its name; that of a template has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pod: String,
    /// What describes it, where it is no Pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    /// Whether it is on the cluster.
    exists: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    node: String,
    age_seconds: u64,
    /// What keeps every set away from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_alone: Option<String>,
    sets: Vec<Explained>,
    /// What whoever creates it would be warned of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Explains Pods.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    run_async(async {
        let cluster = arguments.cluster.connect().await?;
        let manifests = match &arguments.file {
            Some(file) => manifest::read(std::slice::from_ref(file))?,
            None => Vec::new(),
        };
        let templates = templates(&manifests, arguments.file.as_deref(), &cluster.default_namespace)?;
        let (namespace, name) = match templates.is_empty() {
            true => (&*cluster.default_namespace, pod_name(&arguments.pod)?),
            false => ("", ""),
        };
        let is_it = |pod: &SeenPod| pod.key.namespace() == namespace && pod.key.name() == name;
        // The Pods of all namespaces: what a Pod waits for depends on all of them.
        let snapshot = Snapshot::take(&cluster, &|pod| if is_it(pod) { Keep::Whole } else { Keep::Nothing }).await?;
        if let Some(set) = &arguments.set {
            snapshot.set(set)?;
        }
        let now = Seconds::from(jiff::Timestamp::now());
        let explain = |pod: &SeenPod, template| explanation((&snapshot, now), pod, template, arguments);
        let explanations = if templates.is_empty() {
            let pod = snapshot.pods.iter().find(|pod| is_it(pod)).ok_or_else(|| no_pod(namespace, name))?;
            vec![explain(pod, None)]
        } else {
            let imagined = templates.into_iter().map(|it| {
                let template = (!it.is_pod()).then(|| it.name());
                explain(&snapshot.imagine(it.pod, &it.namespace), template)
            });
            imagined.collect()
        };
        write(&explanations, arguments.format.format(), out)?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Returns the Pods that the objects of a file have.
fn templates<'a>(
    manifests: &'a [Manifest],
    file: Option<&Path>,
    namespace: &str,
) -> Result<Vec<Workload<'a>>, Failure> {
    let objects = manifests.iter().map(|manifest| &manifest.object);
    let found: Vec<Workload<'_>> = objects.flat_map(|object| Workload::all(object, namespace)).collect();
    match file {
        Some(file) if found.is_empty() => {
            Err(Failure::new(format!("there is no Pod in {}, and no template of one", file.display())))
        }
        Some(_) | None => Ok(found),
    }
}

/// Writes one explanation by itself, and several as a list.
fn write(explanations: &[Explanation], format: Format, out: &mut impl Write) -> anyhow::Result<()> {
    match (format, explanations) {
        (Format::Json, [one]) => write_json(out, one),
        (Format::Json, all) => write_json(out, &all),
        (Format::Yaml, [one]) => write_yaml(out, one),
        (Format::Yaml, all) => write_yaml(out, &all),
        (Format::Name, all) => {
            for explanation in all {
                match &explanation.template {
                    Some(template) => writeln!(out, "{template}")?,
                    None => writeln!(out, "pod/{}", explanation.pod)?,
                }
            }
            Ok(())
        }
        (form @ (Format::Table | Format::Wide), all) => {
            for (at, explanation) in all.iter().enumerate() {
                if at > 0 {
                    writeln!(out)?;
                }
                tell(explanation, form, out)?;
            }
            Ok(())
        }
    }
}

fn explanation(
    (snapshot, now): (&Snapshot, Seconds),
    pod: &SeenPod,
    template: Option<String>,
    arguments: &Arguments,
) -> Explanation {
    let exists = arguments.file.is_none();
    let mut sets = explain(snapshot, pod, exists, now);
    sets.retain(|explained| arguments.set.as_ref().is_none_or(|set| *set == explained.set));
    Explanation {
        namespace: pod.key.namespace().to_owned(),
        pod: pod.key.name().to_owned(),
        template,
        exists,
        node: pod.node.clone().unwrap_or_default(),
        age_seconds: if exists { now.since(pod.created).as_secs() } else { 0 },
        left_alone: reason::left_alone(pod).map(str::to_owned),
        sets,
        warnings: if exists { Vec::new() } else { reason::warnings(snapshot, pod, now) },
    }
}

fn tell(explanation: &Explanation, format: Format, out: &mut impl Write) -> anyhow::Result<()> {
    let Explanation { namespace, pod, node, .. } = explanation;
    let age = age::short(std::time::Duration::from_secs(explanation.age_seconds));
    match (explanation.exists, node.as_str()) {
        (false, _) => match &explanation.template {
            Some(template) => {
                writeln!(
                    out,
                    "{HEADING}A Pod of {template}{HEADING:#} in namespace {namespace}, which there is not yet"
                )?;
            }
            None => writeln!(out, "{HEADING}Pod {namespace}/{pod}{HEADING:#}, which there is not yet")?,
        },
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
    if !explanation.warnings.is_empty() {
        writeln!(out, "\n{HEADING}Warnings{HEADING:#}")?;
        explanation.warnings.iter().try_for_each(|warning| writeln!(out, "  {warning}"))?;
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
