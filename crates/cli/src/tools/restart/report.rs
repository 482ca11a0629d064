//! What became of each Pod.

use super::candidate::Candidate;
use crate::tools::dry_run::DryRun;
use crate::tools::failure;
use crate::tools::format::{Format, write_json, write_yaml};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// What became of a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was evicted, or would be.
    Evicted,
    /// It was gone already.
    Gone,
    /// It was left alone on purpose.
    Spared,
    /// A PodDisruptionBudget does not allow it.
    Blocked,
    /// It could not be evicted, or nothing came in its place.
    Failed,
    /// It was not its turn before the end.
    Untouched,
}

/// What became of each Pod.
pub struct Report<'a, W: Write> {
    out: &'a mut W,
    format: Format,
    dry_run: DryRun,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    namespace: String,
    name: String,
    reason: &'static str,
    sets: Vec<String>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl<'a, W: Write> Report<'a, W> {
    /// Begins with nothing.
    pub fn new(out: &'a mut W, format: Format, dry_run: DryRun) -> Self {
        Self { out, format, dry_run, rows: Vec::new() }
    }

    /// Returns whether it is only tried.
    pub fn dry_run(&self) -> DryRun {
        self.dry_run
    }

    /// Notes what became of a Pod, and tells it.
    ///
    /// # Errors
    /// It cannot be printed.
    pub fn note(&mut self, pod: &Candidate, outcome: Outcome, message: Option<String>) -> anyhow::Result<()> {
        let (name, namespace) = (pod.key.name(), pod.key.namespace());
        if outcome == Outcome::Evicted {
            match self.format {
                Format::Name => writeln!(self.out, "pod/{name}")?,
                Format::Table | Format::Wide => {
                    let suffix = self.dry_run.suffix();
                    writeln!(
                        self.out,
                        "pod/{name} evicted from namespace {namespace}: {}{suffix}",
                        pod.reason().name()
                    )?;
                }
                Format::Json | Format::Yaml => {}
            }
            self.out.flush()?;
        }
        self.rows.push(Row {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            reason: pod.reason().name(),
            sets: pod.sets.keys().map(ToString::to_string).collect(),
            outcome,
            message,
        });
        Ok(())
    }

    /// Notes that what was said of a Pod turned out badly.
    pub fn worsen(&mut self, pod: &Candidate, told: &str) {
        let is_it = |row: &&mut Row| row.namespace == pod.key.namespace() && row.name == pod.key.name();
        if let Some(row) = self.rows.iter_mut().rfind(is_it) {
            row.outcome = Outcome::Failed;
            row.message = Some(told.to_owned());
        }
    }

    /// Tells the rest, and answers with what the program ends with.
    ///
    /// # Errors
    /// It cannot be printed.
    pub fn end(self) -> anyhow::Result<ExitCode> {
        match self.format {
            Format::Json => write_json(self.out, &self.rows)?,
            Format::Yaml => write_yaml(self.out, &self.rows)?,
            Format::Table | Format::Wide | Format::Name => {}
        }
        self.out.flush()?;
        let mut code = ExitCode::SUCCESS;
        let untouched = self.rows.iter().filter(|row| row.outcome == Outcome::Untouched).count();
        for row in &self.rows {
            let is_failure = match row.outcome {
                Outcome::Evicted | Outcome::Gone | Outcome::Spared | Outcome::Untouched => false,
                // In a dry run that is an answer like any other.
                Outcome::Blocked => self.dry_run == DryRun::None,
                Outcome::Failed => true,
            };
            if is_failure {
                let why = row.message.as_deref().unwrap_or("no reason was given");
                code = failure::report(
                    &failure::Failure::new(format!("pod {}/{}: {why}", row.namespace, row.name)).into(),
                );
            }
        }
        if untouched > 0 {
            let told = format!("{untouched} more Pods were not touched: run it again when the reason is gone");
            code = failure::report(&failure::Failure::new(told).into());
        }
        Ok(code)
    }
}
