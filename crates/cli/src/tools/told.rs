//! What became of SidecarSets, told in the forms of kubectl.

use super::dry_run::DryRun;
use super::failure;
use super::format::{Format, write_json, write_yaml};
use super::stored::Outcome;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

/// How it is told what became of sets.
#[derive(Debug, Clone, Copy)]
pub struct Telling<'a> {
    /// The form.
    pub format: Format,
    /// Whether it was only tried.
    pub dry_run: DryRun,
    /// What is said of a set that was changed.
    pub changed: &'a str,
    /// What is said of a set that was as it should be.
    pub unchanged: &'a str,
}

impl Telling<'_> {
    /// Tells what became of each set, then why others could not be changed, and answers with what the program ends with.
    ///
    /// # Errors
    /// It cannot be printed.
    pub fn tell(
        &self,
        out: &mut impl Write,
        outcomes: impl IntoIterator<Item = anyhow::Result<Outcome>>,
    ) -> anyhow::Result<ExitCode> {
        let (mut objects, mut failures) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Ok(outcome) => objects.push(self.sentence(out, outcome)?),
                Err(error) => failures.push(error),
            }
        }
        match self.format {
            Format::Table | Format::Wide | Format::Name => {}
            Format::Json if !objects.is_empty() => write_json(out, &together(objects))?,
            Format::Yaml if !objects.is_empty() => write_yaml(out, &together(objects))?,
            Format::Json | Format::Yaml => {}
        }
        out.flush()?;
        let mut code = ExitCode::SUCCESS;
        for failure in &failures {
            code = failure::report(failure);
        }
        Ok(code)
    }

    fn sentence(&self, out: &mut impl Write, outcome: Outcome) -> anyhow::Result<Value> {
        let (object, said, suffix) = match outcome {
            Outcome::Changed(object) => (object, self.changed, self.dry_run.suffix()),
            Outcome::Unchanged(object) => (object, self.unchanged, ""),
        };
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        match self.format {
            Format::Table | Format::Wide => writeln!(out, "sidecarset.apps.kruise.io/{name} {said}{suffix}")?,
            Format::Name => writeln!(out, "sidecarset.apps.kruise.io/{name}")?,
            Format::Json | Format::Yaml => {}
        }
        Ok(object)
    }
}

/// Returns the one object, or a list of all, without who wrote which member.
fn together(mut objects: Vec<Value>) -> impl Serialize {
    for object in &mut objects {
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
    }
    match <[Value; 1]>::try_from(objects) {
        Ok([object]) => object,
        Err(objects) => json!({"apiVersion": "v1", "kind": "List", "items": objects}),
    }
}
