//! Whether a container that stands in a Pod is the one that a set injects, but for what API server, admission plugins and other
//! webhooks may make of it. docs/security.md lists what they may.

mod meaning;

use super::patch::Operation;
use crate::image::ImageReference;
use crate::json::Json;
use crate::normalize::{DEVICES, ENV, MOUNTS, Sidecar};
use crate::validation::as_known;
use meaning::{Match, compare, covers, is_nothing, is_same_amount};

const RESOURCES: &str = "resources";
const SECURITY: &str = "securityContext";
const ENV_FROM: &str = "envFrom";

/// Fields that may hold something where the set says nothing, or that are compared in a way of their own.
const OPEN: [&str; 8] = ["name", "image", RESOURCES, SECURITY, ENV_FROM, ENV.0, MOUNTS.0, DEVICES.0];

/// What a container is, beside the one that a set injects.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The same.
    Same,
    /// The same, if these are put back: somebody has dropped fields that they do not know.
    Lacking(Vec<Restoration>),
    /// Another one, by this field.
    Different(String),
}

/// A field of a container that gets back what the set says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Restoration {
    pub(super) operation: Operation,
    /// The steps from the container to the field.
    pub(super) path: Vec<String>,
    /// The value, as JSON.
    pub(super) value: String,
}

/// A container that is compared.
struct Comparison<'a> {
    present: Json<'a>,
    restorations: Vec<Restoration>,
}

/// The field in which a container is another one.
struct Difference<'a>(&'a str);

/// Compares a container with the one that stands for a sidecar, or with that of its two that is `at` this place.
///
/// What a sidecar takes over from other containers, or computes from them, is not compared: these may be others by now.
pub(super) fn of(present: Json<'_>, sidecar: &Sidecar, at: usize) -> Likeness {
    let mut comparison = Comparison { present, restorations: Vec::new() };
    match comparison.run(sidecar, at) {
        Err(Difference(field)) => Likeness::Different(field.to_owned()),
        Ok(()) if comparison.restorations.is_empty() => Likeness::Same,
        Ok(()) => Likeness::Lacking(comparison.restorations),
    }
}

impl<'a> Comparison<'a> {
    fn run<'b>(&mut self, sidecar: &'b Sidecar, at: usize) -> Result<(), Difference<'b>>
    where
        'a: 'b,
    {
        let written = sidecar.container.root();
        self.image(sidecar.image_of(at))?;
        for (key, expected) in written.members() {
            match key {
                "name" | "image" => {}
                "imagePullPolicy" if self.present.at(key).is("Always") => {}
                RESOURCES => self.resources(expected)?,
                SECURITY => self.settings(SECURITY, expected)?,
                ENV_FROM => self.sources(expected)?,
                _ if key == ENV.0 || key == MOUNTS.0 || key == DEVICES.0 => {}
                _ => self.field(key, expected)?,
            }
        }
        let is_added =
            |(key, value): &(&str, Json<'_>)| !OPEN.contains(key) && !is_nothing(*value) && is_nothing(written.at(key));
        if let Some((key, _)) = self.present.members().find(is_added) {
            return Err(Difference(key));
        }
        self.variables(sidecar, at)?;
        self.places(MOUNTS, written)?;
        self.places(DEVICES, written)
    }

    /// A policy may have another registry serve the image, or have resolved its tag.
    fn image(&self, expected: &str) -> Result<(), Difference<'static>> {
        let present = self.present.at("image").as_str().unwrap_or_default();
        let is_same = present == expected
            || ImageReference::split(present).is_same_but_for_registry(&ImageReference::split(expected));
        if is_same { Ok(()) } else { Err(Difference("image")) }
    }

    fn field<'b>(&mut self, key: &'b str, expected: Json<'_>) -> Result<(), Difference<'b>> {
        let present = self.present.at(key);
        match compare(present, expected) {
            Match::Same => Ok(()),
            Match::Different => Err(Difference(key)),
            Match::Lacking => {
                // What no API server knows it drops, each time.
                if compare(present, as_known(key, expected).root()) != Match::Same {
                    self.restore(Operation::Add, &[key], expected);
                }
                Ok(())
            }
        }
    }

    /// Settings that a policy may add to.
    fn settings<'b>(&mut self, key: &'b str, expected: Json<'_>) -> Result<(), Difference<'b>> {
        let present = self.present.at(key);
        if present.is_null() {
            return self.field(key, expected);
        }
        if !present.is_object() {
            return Err(Difference(key));
        }
        for (setting, value) in expected.members().filter(|(_, value)| !value.is_null()) {
            self.setting((key, setting), value, expected)?;
        }
        Ok(())
    }

    fn setting<'b>(
        &mut self,
        (key, setting): (&'b str, &str),
        value: Json<'_>,
        all: Json<'_>,
    ) -> Result<(), Difference<'b>> {
        let found = self.present.at(key).at(setting);
        let how = if found.is_null() { Match::Lacking } else { covers(found, value) };
        match how {
            Match::Same => Ok(()),
            Match::Different => Err(Difference(key)),
            Match::Lacking => {
                if !as_known(key, all).root().at(setting).is_null() {
                    self.restore(Operation::Add, &[key, setting], value);
                }
                Ok(())
            }
        }
    }

    /// Amounts are added by defaults of the namespace. Those that the set gives are put back: nothing else of the container is
    /// in doubt because of them.
    fn resources(&mut self, expected: Json<'_>) -> Result<(), Difference<'static>> {
        let present = self.present.at(RESOURCES);
        if present.is_null() {
            return self.field(RESOURCES, expected);
        }
        if !present.is_object() {
            return Err(Difference(RESOURCES));
        }
        for (list, amounts) in expected.members().filter(|(_, amounts)| !is_nothing(*amounts)) {
            let found = present.at(list);
            if !(found.is_object() && amounts.is_object()) {
                self.setting((RESOURCES, list), amounts, expected)?;
                continue;
            }
            for (resource, amount) in amounts.members().filter(|(_, amount)| !amount.is_null()) {
                if !is_same_amount(found.at(resource), amount) {
                    self.restore(Operation::Add, &[RESOURCES, list, resource], amount);
                }
            }
        }
        Ok(())
    }

    /// Later sources win: so what is added may only stand in front.
    fn sources<'b>(&mut self, expected: Json<'_>) -> Result<(), Difference<'b>> {
        let present = self.present.at(ENV_FROM);
        let (all, own) = (present.items().count(), expected.items().count());
        let added = all.checked_sub(own).ok_or(Difference(ENV_FROM))?;
        let mut found = present.items().skip(added);
        let are_same = expected.items().all(|item| found.next().is_some_and(|it| compare(it, item) == Match::Same));
        if are_same { Ok(()) } else { Err(Difference(ENV_FROM)) }
    }

    /// Variables of other names may be added. One of the same name would win, if it came later.
    fn variables<'b>(&mut self, sidecar: &'b Sidecar, at: usize) -> Result<(), Difference<'b>> {
        let variables = sidecar.template.variables(at);
        let mut expected = variables.items();
        for (place, variable) in self.present.at(ENV.0).items().enumerate() {
            let name = variable.at(ENV.1).as_str().unwrap_or_default();
            if !sidecar.template.has_variable(name) {
                continue;
            }
            let wanted = expected.next().filter(|it| it.at(ENV.1).is(name)).ok_or(Difference(ENV.0))?;
            self.item(ENV.0, place, (variable, wanted))?;
        }
        if expected.next().is_some() { Err(Difference(ENV.0)) } else { Ok(()) }
    }

    /// Mounts and devices at other places may be added.
    fn places<'b>(&mut self, (list, path): (&'b str, &str), written: Json<'_>) -> Result<(), Difference<'b>> {
        let mut missing = written.at(list).items().count();
        for (place, item) in self.present.at(list).items().enumerate() {
            let is_there = |it: &Json<'_>| is_same_path(it.at(path), item.at(path));
            let Some(wanted) = written.at(list).items().find(is_there) else { continue };
            missing = missing.checked_sub(1).ok_or(Difference(list))?;
            self.item(list, place, (item, wanted))?;
        }
        if missing > 0 { Err(Difference(list)) } else { Ok(()) }
    }

    fn item<'b>(
        &mut self,
        list: &'b str,
        place: usize,
        (present, expected): (Json<'_>, Json<'_>),
    ) -> Result<(), Difference<'b>> {
        match compare(present, expected) {
            Match::Same => Ok(()),
            Match::Different => Err(Difference(list)),
            Match::Lacking => {
                let alone = format!("[{}]", expected.raw());
                let known = crate::json::Document::parse(&alone).map(|list_of_one| as_known(list, list_of_one.root()));
                let known = known.is_ok_and(|it| it.root().items().all(|it| compare(present, it) == Match::Same));
                if !known {
                    self.restore(Operation::Replace, &[list, &place.to_string()], expected);
                }
                Ok(())
            }
        }
    }

    fn restore(&mut self, operation: Operation, path: &[&str], value: Json<'_>) {
        let path = path.iter().map(|step| (*step).to_owned()).collect();
        self.restorations.push(Restoration { operation, path, value: value.raw().to_owned() });
    }
}

fn is_same_path(one: Json<'_>, other: Json<'_>) -> bool {
    let paths = [one, other].map(|path| path.as_str().unwrap_or_default().trim_end_matches('/'));
    paths[0] == paths[1]
}
