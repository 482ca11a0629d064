//! A set in one line, from what its status says.

use super::progress::bar;
use crate::tools::format::{Format, write_json, write_yaml};
use crate::tools::table;
use anstream::eprintln;
use serde::Serialize;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use std::collections::BTreeMap;
use std::io::Write;

/// A set in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// The name of the set.
    pub name: String,
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// Whether the status speaks of the present spec.
    pub is_observed: bool,
    /// The numbers of its Pods.
    pub matched: usize,
    pub updated: usize,
    pub ready: usize,
    pub updated_ready: usize,
    pub not_upgradable: usize,
    pub not_injected: usize,
    /// Where the rollout stands, and why a person should look, by the reasons of the conditions.
    pub rollout: String,
    /// Whether it goes on by itself.
    pub is_progressing: bool,
    pub message: String,
    pub degraded: Option<String>,
    /// Whether the rollout of this generation has failed.
    pub has_failed: bool,
}

impl Overview {
    /// Reads what the status of a set says.
    pub fn of(set: &SidecarSet) -> Self {
        let status = set.status.clone().unwrap_or_default();
        let generation = set.metadata.generation.unwrap_or_default();
        let progressing = condition(&status, "Progressing");
        let degraded = condition(&status, "Degraded").filter(|(is_true, ..)| *is_true);
        let is_observed = status.observed_generation == Some(generation);
        Self {
            name: set.metadata.name.clone().unwrap_or_default(),
            labels: set.metadata.labels.clone().unwrap_or_default(),
            is_observed,
            matched: count(status.matched_pods),
            updated: count(status.updated_pods),
            ready: count(status.ready_pods),
            updated_ready: count(status.updated_ready_pods),
            not_upgradable: count(status.not_upgradable_pods),
            not_injected: count(status.not_injected_pods),
            rollout: progressing.as_ref().map_or_else(|| "NotObserved".to_owned(), |(_, reason, _)| reason.clone()),
            is_progressing: progressing.as_ref().is_some_and(|(is_true, ..)| *is_true),
            message: progressing.map(|(.., message)| message).unwrap_or_default(),
            degraded: degraded.map(|(_, reason, _)| reason),
            has_failed: status.failure.as_ref().is_some_and(|failure| failure.generation == generation),
        }
    }

    /// Says whether the rollout has done all that it is to do: the partition and the selector may leave Pods out.
    pub fn is_done(&self) -> bool {
        matches!(self.rollout.as_str(), "Complete" | "PartitionReached" | "NotSelected")
    }

    /// Returns how far the rollout is, in one line.
    pub fn line(&self) -> String {
        let Self { updated_ready, matched, rollout, message, .. } = self;
        let rollout = if self.is_observed { rollout } else { "NotObserved" };
        let message = if message.is_empty() { String::new() } else { format!(": {message}") };
        format!("{updated_ready}/{matched} updated and ready, {rollout}{message}")
    }

    /// Returns the reason that a person looks at first.
    fn reason(&self) -> String {
        match &self.degraded {
            Some(degraded) if *degraded != self.rollout => format!("{} ({degraded})", self.rollout),
            _ => self.rollout.clone(),
        }
    }
}

/// Shows sets, a line each.
pub fn write(sets: &[Overview], format: Format, out: &mut impl Write) -> anyhow::Result<()> {
    match format {
        Format::Json => write_json(out, &sets),
        Format::Yaml => write_yaml(out, &sets),
        Format::Name => {
            for set in sets {
                writeln!(out, "sidecarset.apps.kruise.io/{}", set.name)?;
            }
            Ok(())
        }
        Format::Table | Format::Wide if sets.is_empty() => {
            eprintln!("No resources found");
            Ok(())
        }
        Format::Table => {
            let cells = sets.iter().map(|set| {
                let progress = format!("{} {}/{}", bar(set.updated_ready, set.matched), set.updated_ready, set.matched);
                [set.name.clone(), progress, set.not_injected.to_string(), set.reason()]
            });
            Ok(table::write(out, ["NAME", "UPDATED AND READY", "WITHOUT", "ROLLOUT"], cells)?)
        }
        Format::Wide => {
            let cells = sets.iter().map(|set| {
                let progress = format!("{} {}/{}", bar(set.updated_ready, set.matched), set.updated_ready, set.matched);
                let counts =
                    [set.updated, set.ready, set.not_upgradable, set.not_injected].map(|count| count.to_string());
                let [updated, ready, not_upgradable, without] = counts;
                [set.name.clone(), progress, updated, ready, not_upgradable, without, set.reason(), set.message.clone()]
            });
            let header =
                ["NAME", "UPDATED AND READY", "UPDATED", "READY", "NOT-UPGRADABLE", "WITHOUT", "ROLLOUT", "MESSAGE"];
            Ok(table::write(out, header, cells)?)
        }
    }
}

fn condition(status: &SidecarSetStatus, kind: &str) -> Option<(bool, String, String)> {
    let condition = status.conditions.iter().find(|condition| condition.type_ == kind)?;
    Some((condition.status == "True", condition.reason.clone(), condition.message.clone()))
}

fn count(pods: i32) -> usize {
    usize::try_from(pods).unwrap_or_default()
}
