//! Looks at every SidecarSet of some files, by itself and among the others.

use super::finding::{Finding, Rule, SetName, Severity};
use super::schema;
use crate::tools::inject::is_set;
use crate::tools::manifest::{Manifest, Source};
use k8s_openapi::api::apps::v1::ControllerRevision;
use serde::Deserialize;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_api::{v1alpha1, v1beta1};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::normalize::normalize;
use sidecarset_core::revision::Revision;
use sidecarset_core::validation::{Violations, examine as examine_set, unknown_members};

/// The versions of SidecarSet that there are.
const VERSIONS: [&str; 2] = [v1beta1::VERSION, v1alpha1::VERSION];

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Examined {
    /// What is wrong, in the order of the files.
    pub findings: Vec<Finding>,
    /// The sets that were looked at.
    pub sets: Vec<SetName>,
    /// How many objects are no sets.
    pub skipped: usize,
}

/// A set that could be read.
struct Readable<'a> {
    manifest: &'a Manifest,
    set: SidecarSet,
    /// The paths of the values that were taken out of it.
    taken_out: Vec<String>,
}

/// Looks at every set of the files.
pub fn examine(sources: &[Source]) -> Examined {
    let mut examined = Examined::default();
    let mut manifests = Vec::new();
    for source in sources {
        match source.manifests() {
            Ok(read) => manifests.extend(read),
            Err(fault) => examined.findings.push(fault.into()),
        }
    }
    let (sets, others): (Vec<&Manifest>, Vec<&Manifest>) = manifests.iter().partition(|it| is_set(&it.object));
    examined.skipped = others.len();
    let schema = schema::of_sidecar_set();
    let mut readable = Vec::new();
    for manifest in sets {
        examined.sets.push(set_name(manifest));
        let mut object = manifest.object.clone();
        let mut found = by_schema(manifest, &mut object, &schema);
        by_its_head(manifest, &mut object, &mut found);
        match serde_path_to_error::deserialize::<_, SidecarSet>(&object) {
            Ok(mut set) => {
                let warnings = manifest.unify(&mut set);
                let taken_out = found.iter().map(|finding| finding.path.clone()).collect();
                let read = Readable { manifest, set, taken_out };
                examined.findings.extend(warnings.iter().map(|warning| read.warning(warning)));
                readable.push(read);
            }
            Err(error) => {
                let (path, message) = (error.path().to_string(), error.inner().to_string());
                examined.findings.push(finding(manifest, Rule::Schema, &path, &message));
            }
        }
        examined.findings.extend(found);
    }
    among_each_other(&readable, &others, &mut examined.findings);
    examined.findings.sort_by(|one, other| (&one.file, one.place).cmp(&(&other.file, other.place)));
    examined
}

fn by_schema(manifest: &Manifest, object: &mut Value, schema: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    schema::check(object, schema, "", &mut found);
    found.into_iter().map(|(path, message)| finding(manifest, Rule::Schema, &path, &message)).collect()
}

/// Finds what the API server looks at before the definition: the version and the name.
fn by_its_head(manifest: &Manifest, object: &mut Value, found: &mut Vec<Finding>) {
    let version = object["apiVersion"].as_str().and_then(|version| version.split_once('/')).map(|(_, version)| version);
    if !version.is_some_and(|version| VERSIONS.contains(&version)) {
        let message = format!("is no version of SidecarSet: those are {}", VERSIONS.join(" and "));
        found.push(finding(manifest, Rule::Schema, "apiVersion", &message));
    }
    if object["metadata"].is_null() {
        // So that the rest can be read.
        object["metadata"] = json!({});
    }
    let metadata = &object["metadata"];
    let is_missing = |name: &str| metadata[name].is_null() || metadata[name] == "";
    let is_told = found.iter().any(|finding| ["metadata", "metadata.name"].contains(&&*finding.path));
    if is_missing("name") && is_missing("generateName") && !is_told {
        found.push(finding(manifest, Rule::Invalid, "metadata.name", "is required"));
    }
}

fn among_each_other(sets: &[Readable<'_>], others: &[&Manifest], findings: &mut Vec<Finding>) {
    let mut catalog = Catalog::default();
    for manifest in others.iter().filter(|manifest| manifest.object["kind"] == "ControllerRevision") {
        if let Some(revision) = ControllerRevision::deserialize(&manifest.object).ok().as_ref().and_then(Revision::read)
        {
            catalog.put_revision(revision);
        }
    }
    for Readable { manifest, set, .. } in sets {
        if set.metadata.name.as_deref().is_some_and(|name| catalog.set(name).is_some()) {
            findings.push(finding(
                manifest,
                Rule::Invalid,
                "metadata.name",
                "is the name of another SidecarSet of the files",
            ));
        }
        catalog.put_set(set);
    }
    for readable in sets {
        match examine_set(&readable.set, None, &catalog, Violations::default()) {
            Ok(warnings) => findings.extend(warnings.iter().map(|warning| readable.warning(warning))),
            Err(violations) => {
                let violations = violations.iter().filter(|it| !readable.is_told_of(&it.path));
                findings.extend(violations.map(|it| readable.violation(&it.path, &it.message)));
                // What is required and missing may be there under a misspelt name.
                findings.extend(unknown_members(&readable.set.spec).iter().map(|warning| readable.warning(warning)));
            }
        }
    }
}

impl Readable<'_> {
    /// Says whether something is wrong because of a value that was taken out: that is told already.
    fn is_told_of(&self, path: &str) -> bool {
        self.taken_out
            .iter()
            .any(|taken| path == taken || path.strip_prefix(&**taken).is_some_and(|rest| rest.starts_with(['.', '['])))
    }

    fn warning(&self, text: &str) -> Finding {
        let (path, message) = text.split_once(": ").unwrap_or(("", text));
        finding(self.manifest, Rule::Surprising, path, message)
    }

    fn violation(&self, path: &str, message: &str) -> Finding {
        // The set by itself is valid: what it names is not in the files, but may be on a cluster.
        let names_another = path.starts_with("metadata.annotations[") || path == "spec.injectionStrategy.revision";
        let rule = if names_another && normalize(&self.set).is_ok() { Rule::Undecided } else { Rule::Invalid };
        finding(self.manifest, rule, path, message)
    }
}

fn finding(manifest: &Manifest, rule: Rule, path: &str, message: &str) -> Finding {
    Finding {
        file: manifest.file.clone(),
        place: manifest.place(path),
        severity: match rule {
            Rule::Unreadable | Rule::Schema | Rule::Invalid => Severity::Error,
            Rule::Surprising | Rule::Undecided => Severity::Warning,
        },
        rule,
        set: Some(set_name(manifest).name),
        path: path.to_owned(),
        message: message.to_owned(),
    }
}

fn set_name(manifest: &Manifest) -> SetName {
    let name = manifest.object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    SetName { file: manifest.file.clone(), name }
}
