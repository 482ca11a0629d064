//! Files with objects in them, in the forms that kubectl reads: YAML or JSON, one or many, alone or in a List; folders; and
//! the standard input.

mod places;

pub use places::{Place, Places, member};

use super::failure::Failure;
use clap::Args;
use serde_json::Value;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::normalize::spelling::{self, Version};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

/// The name of the standard input, as kubectl has it.
const STANDARD_INPUT: &str = "-";

/// What messages call the standard input.
pub const STANDARD_INPUT_NAME: &str = "<stdin>";

/// What the names of files in a folder end with that are read.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// How many values a file may have that is smaller than so many bytes: aliases repeat some.
const MOST_IN_SMALL_FILES: usize = 250_000;

/// How many bytes the texts of a file may have that is smaller than that.
const MOST_TEXT_IN_SMALL_FILES: usize = 64 << 20;

/// The files that are read.
#[derive(Debug, Args)]
pub struct FileArguments {
    /// A file, a folder, or - for the standard input; may be given several times
    #[arg(short = 'f', long = "filename", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Read the folders in folders as well
    #[arg(short = 'R', long)]
    recursive: bool,
}

/// A text, and where it is from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file, as it was named.
    pub name: Arc<str>,
    /// What is in it.
    pub text: Arc<str>,
}

/// An object that was read.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The file it is from.
    pub file: Arc<str>,
    /// The object.
    pub object: Value,
    // Where the values of its document are, and where it is itself in that.
    places: Arc<Places>,
    path: String,
}

/// Why a file cannot be read as YAML or JSON.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{}:{}: {message}", place.line, place.column)]
pub struct Fault {
    /// The file.
    pub file: Arc<str>,
    /// Where the fault is.
    pub place: Place,
    /// What it is.
    pub message: String,
}

impl FileArguments {
    /// Reads every file.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn sources(&self) -> anyhow::Result<Vec<Source>> {
        sources(&self.files, self.recursive)
    }

    /// Reads every object of every file. Lists are taken apart.
    ///
    /// # Errors
    /// A file cannot be read, or is neither YAML nor JSON: the place is told.
    pub fn manifests(&self) -> anyhow::Result<Vec<Manifest>> {
        let mut manifests = Vec::new();
        for source in self.sources()? {
            manifests.extend(source.manifests()?);
        }
        Ok(manifests)
    }
}

impl Source {
    /// Reads every object of it. Lists are taken apart.
    ///
    /// # Errors
    /// It is neither YAML nor JSON: the place is told.
    pub fn manifests(&self) -> Result<Vec<Manifest>, Fault> {
        // A text has no more values than bytes. What is more than that comes of aliases that repeat one another.
        let length = self.text.len();
        let options = serde_saphyr::options! {
            // As kubectl reads `defaultMode: 0644`.
            legacy_octal_numbers: true,
            with_snippet: false,
            budget: serde_saphyr::budget! {
                max_documents: length.max(MOST_IN_SMALL_FILES),
                max_events: length.saturating_mul(4).max(4 * MOST_IN_SMALL_FILES),
                max_nodes: length.max(MOST_IN_SMALL_FILES),
                max_total_scalar_bytes: length.max(MOST_TEXT_IN_SMALL_FILES),
            },
        };
        let read: Result<Vec<Value>, _> = serde_saphyr::from_multiple_with_options(&self.text, options);
        let objects = read.map_err(|error| self.fault(&error))?;
        let mut places = Places::of_documents(&self.text).into_iter();
        let mut manifests = Vec::new();
        for object in objects.into_iter().filter(|object| !object.is_null()) {
            let places = Arc::new(places.next().unwrap_or_default());
            Manifest { file: Arc::clone(&self.name), object, places, path: String::new() }.unfold(&mut manifests);
        }
        match manifests.iter().find(|manifest| !manifest.object.is_object()) {
            Some(manifest) => Err(manifest.is_no_object()),
            None => Ok(manifests),
        }
    }

    fn fault(&self, error: &serde_saphyr::Error) -> Fault {
        let place = error.location().map(|at| Place { line: at.line() as usize, column: at.column() as usize });
        let message = error.to_string();
        let message = message.strip_prefix("error: ").unwrap_or(&message);
        // The place is told in front, and what follows a comma is advice for programs.
        let message = message.split_once(" at line ").map_or(message, |(message, _)| message);
        let message = message.split_once(", set ").map_or(message, |(message, _)| message);
        let is_too_much = message.starts_with("budget breached");
        let message = if is_too_much { "is nested too deep, or aliases repeat too much of it" } else { message };
        Fault {
            file: Arc::clone(&self.name),
            place: place.unwrap_or(Place { line: 1, column: 1 }),
            message: message.trim_end().to_owned(),
        }
    }
}

impl Manifest {
    /// Returns where a value of the object is in the file, or else the innermost one around it that is there.
    pub fn place(&self, path: &str) -> Place {
        match (self.path.is_empty(), path.is_empty()) {
            (true, _) => self.places.find(path),
            (false, true) => self.places.find(&self.path),
            (false, false) => self.places.find(&format!("{}.{path}", self.path)),
        }
    }

    /// Makes both spellings of a set that was read from this object say the same, as the operator does when it is written.
    /// Returns what its author should know.
    pub fn unify(&self, set: &mut SidecarSet) -> Vec<String> {
        let version = self.object["apiVersion"].as_str().and_then(|version| version.split_once('/'));
        let version = version.and_then(|(_, version)| Version::parse(version));
        version.map(|version| spelling::unify(set, None, version)).unwrap_or_default()
    }

    fn unfold(self, manifests: &mut Vec<Self>) {
        let Self { file, mut object, places, path } = self;
        let is_list = object["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
        let items = object.get_mut("items").filter(|_| is_list).and_then(Value::as_array_mut).map(std::mem::take);
        let Some(items) = items else {
            manifests.push(Self { file, object, places, path });
            return;
        };
        for (at, mut item) in items.into_iter().enumerate() {
            tell_kind(&object, &mut item);
            let path = format!("{}[{at}]", member(&path, "items"));
            Self { file: Arc::clone(&file), object: item, places: Arc::clone(&places), path }.unfold(manifests);
        }
    }

    fn is_no_object(&self) -> Fault {
        let message = "expected an object with apiVersion and kind".to_owned();
        Fault { file: Arc::clone(&self.file), place: self.place(""), message }
    }
}

/// Gives an item of a list its kind: an API server leaves it out where it is that of all items.
// As kubectl does.
fn tell_kind(list: &Value, item: &mut Value) {
    let kind = list["kind"].as_str().and_then(|kind| kind.strip_suffix("List")).filter(|kind| !kind.is_empty());
    let Some((kind, item)) = kind.zip(item.as_object_mut()) else { return };
    if ["kind", "apiVersion"].iter().all(|member| item.get(*member).is_none_or(Value::is_null)) {
        item.insert("kind".to_owned(), kind.into());
        item.insert("apiVersion".to_owned(), list["apiVersion"].clone());
    }
}

/// Reads every object of some files.
///
/// # Errors
/// A file cannot be read, or is neither YAML nor JSON.
pub fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    for source in sources(files, false)? {
        manifests.extend(source.manifests()?);
    }
    Ok(manifests)
}

fn sources(files: &[PathBuf], recursive: bool) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for file in files {
        if file.as_os_str() == STANDARD_INPUT {
            sources.push(standard_input()?);
        } else {
            add(file, recursive, &mut sources)?;
        }
    }
    Ok(sources)
}

fn add(path: &Path, recursive: bool, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_dir() {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        sources.push(Source { name: path.display().to_string().into(), text: text.into() });
        return Ok(());
    }
    let entries: io::Result<Vec<_>> = fs::read_dir(path).and_then(|entries| entries.map(|it| Ok(it?.path())).collect());
    let mut entries = entries.map_err(|error| unreadable(path, &error))?;
    entries.sort();
    for entry in entries {
        let is_read = entry.extension().is_some_and(|end| EXTENSIONS.iter().any(|known| end == *known));
        if if entry.is_dir() { recursive } else { is_read } {
            add(&entry, recursive, sources)?;
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::new(format!("the path {:?} does not exist", path.display().to_string())),
        _ => Failure::new(format!("failed to read {}: {error}", path.display())),
    }
}

fn standard_input() -> anyhow::Result<Source> {
    let mut text = String::new();
    let read = io::stdin().lock().read_to_string(&mut text);
    read.map_err(|error| Failure::new(format!("failed to read the standard input: {error}")))?;
    Ok(Source { name: STANDARD_INPUT_NAME.into(), text: text.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Vec<Value>, String> {
        let manifests = Source { name: "a.yaml".into(), text: text.into() }.manifests();
        let objects = manifests.map(|manifests| manifests.into_iter().map(|manifest| manifest.object).collect());
        objects.map_err(|fault| fault.to_string())
    }

    #[test]
    fn an_item_that_names_no_kind_has_that_of_its_list() {
        let items = r#"[{"metadata": {"name": "a"}}, {"kind": "Other"}, {"kind": null, "apiVersion": null}]"#;

        let read =
            |kind: &str| read(&format!(r#"{{"apiVersion": "v1", "kind": "{kind}", "items": {items}}}"#)).unwrap();

        assert_eq!(
            read("PodList"),
            [
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}),
                json!({"kind": "Other"}),
                json!({"apiVersion": "v1", "kind": "Pod"}),
            ]
        );
        assert_eq!(read("List")[0], json!({"metadata": {"name": "a"}}));
    }

    #[test]
    fn what_is_no_object_is_told_with_its_place() {
        let told = "expected an object with apiVersion and kind";
        for (text, place) in
            [("kind: A\n---\nhello\n", "3:1"), ("- kind: A\n", "1:1"), ("kind: List\nitems:\n- kind: A\n-\n", "4:2")]
        {
            assert_eq!(read(text), Err(format!("a.yaml:{place}: {told}")), "{text}");
        }
        assert_eq!(read("~\n---\nkind: A\n---\n"), Ok(vec![json!({"kind": "A"})]));
    }

    #[test]
    fn a_file_may_have_as_many_values_as_it_has_room_for() {
        let text = format!("many: [{}1]", "1, ".repeat(2 * MOST_IN_SMALL_FILES));

        let manifests = Source { name: "many.yaml".into(), text: text.into() }.manifests().unwrap();

        assert_eq!(manifests[0].object["many"].as_array().unwrap().len(), 2 * MOST_IN_SMALL_FILES + 1);
    }
}
