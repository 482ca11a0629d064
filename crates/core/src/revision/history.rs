//! The past definitions of all sets.

use super::{Asked, Fingerprint, Revision};
use crate::annotations::Seconds;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The revisions of all sets.
#[derive(Debug, Default)]
pub struct Revisions {
    // By set, and then by name.
    sets: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Arc<Revision>>>,
    // From a revision's name to its set: a removal names no set, and a label can be changed.
    owners: BTreeMap<Arc<str>, Arc<str>>,
}

/// The past of one set: the revisions that belong to it.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    revisions: Option<&'a BTreeMap<Arc<str>, Arc<Revision>>>,
    set: &'a str,
    uid: Option<&'a str>,
}

impl Revisions {
    /// Adds a revision, or takes the place of the one of its name. Answers whose past this changes.
    pub fn put(&mut self, revision: Revision) -> Vec<Arc<str>> {
        let (name, set) = (Arc::clone(&revision.name), Arc::clone(&revision.set));
        let known = self.sets.get(&set).and_then(|revisions| revisions.get(&name));
        if known.is_some_and(|known| **known == revision) {
            return Vec::new();
        }
        // It was another set's until now, if its label was changed.
        let mut touched: Vec<_> = self.remove(&name).into_iter().filter(|before| *before != set).collect();
        self.owners.insert(Arc::clone(&name), Arc::clone(&set));
        self.sets.entry(Arc::clone(&set)).or_default().insert(name, Arc::new(revision));
        touched.push(set);
        touched
    }

    /// Forgets a revision. Answers whose past this changes.
    pub fn remove(&mut self, name: &str) -> Option<Arc<str>> {
        let set = self.owners.remove(name)?;
        if let Some(revisions) = self.sets.get_mut(&set) {
            revisions.remove(name);
            if revisions.is_empty() {
                self.sets.remove(&set);
            }
        }
        Some(set)
    }

    /// Returns the names of all revisions.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.owners.keys()
    }

    /// Returns the past of the set of this name and uid.
    #[must_use]
    pub fn of<'a>(&'a self, set: &'a str, uid: Option<&'a str>) -> History<'a> {
        History { revisions: self.sets.get(set), set, uid }
    }
}

impl<'a> History<'a> {
    /// Returns the revision of this name.
    #[must_use]
    pub fn named(self, name: &str) -> Option<&'a Arc<Revision>> {
        self.revisions?.get(name).filter(|revision| revision.belongs_to(self.set, self.uid))
    }

    /// Returns the revision that is asked for.
    #[must_use]
    pub fn asked(self, asked: &Asked) -> Option<&'a Arc<Revision>> {
        match asked {
            Asked::Name(name) => self.named(name),
            Asked::CustomVersion(version) => self.of_version(version),
        }
    }

    /// Returns the newest revision that had this custom version.
    #[must_use]
    pub fn of_version(self, version: &str) -> Option<&'a Arc<Revision>> {
        self.newest(|revision| revision.custom_version.as_deref() == Some(version))
    }

    /// Returns the newest revision with this definition.
    #[must_use]
    pub fn with_definition(self, fingerprint: Fingerprint) -> Option<&'a Arc<Revision>> {
        self.newest(|revision| revision.fingerprint() == Some(fingerprint))
    }

    /// Returns the newest revision.
    #[must_use]
    pub fn latest(self) -> Option<&'a Arc<Revision>> {
        self.newest(|_| true)
    }

    /// Returns all revisions, the newest one last.
    #[must_use]
    pub fn oldest_first(self) -> Vec<&'a Arc<Revision>> {
        let mut all: Vec<_> = self.own().collect();
        all.sort_by(|one, other| age(one).cmp(&age(other)));
        all
    }

    // As in Kruise: of two revisions of one number the one that was created later is newer, and then the one with the
    // larger name.
    fn newest(self, is_meant: impl Fn(&Revision) -> bool) -> Option<&'a Arc<Revision>> {
        self.own().filter(|revision| is_meant(revision)).max_by(|one, other| age(one).cmp(&age(other)))
    }

    fn own(self) -> impl Iterator<Item = &'a Arc<Revision>> {
        let all = self.revisions.into_iter().flat_map(BTreeMap::values);
        all.filter(move |revision| revision.belongs_to(self.set, self.uid))
    }
}

fn age(revision: &Revision) -> (i64, Seconds, &str) {
    (revision.number, revision.created, &revision.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn revision(name: &str, set: &str, number: i64) -> Value {
        json!({
            "metadata": {
                "name": name, "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": {"kruise.io/sidecarset-name": set, "apps.kruise.io/sidecarset-custom-version": "v1"},
            },
            "revision": number,
            "data": {"spec": {"containers": [{"name": "agent", "image": name}]}},
        })
    }

    fn read(object: &Value) -> Revision {
        Revision::read(&serde_json::from_value(object.clone()).unwrap()).unwrap()
    }

    fn history(objects: &[Value]) -> Revisions {
        let mut revisions = Revisions::default();
        for object in objects {
            revisions.put(read(object));
        }
        revisions
    }

    fn newest(objects: &[Value]) -> Option<String> {
        history(objects).of("log-sc", Some("uid-1")).of_version("v1").map(|revision| revision.name.to_string())
    }

    fn owned(mut revision: Value, uid: &str) -> Value {
        let owner = json!({"apiVersion": "v1", "kind": "SidecarSet", "name": "x", "uid": uid, "controller": true});
        revision["metadata"]["ownerReferences"] = json!([owner]);
        revision
    }

    #[test]
    fn of_one_custom_version_the_highest_number_is_meant() {
        let revisions = [revision("c", "log-sc", 2), revision("a", "log-sc", 10), revision("b", "log-sc", 9)];

        assert_eq!(newest(&revisions).as_deref(), Some("a"));
    }

    #[test]
    fn of_one_number_the_later_one_is_meant_and_then_the_larger_name() {
        let mut later = revision("a", "log-sc", 1);
        later["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:01Z");

        assert_eq!(newest(&[later, revision("z", "log-sc", 1)]).as_deref(), Some("a"));
        assert_eq!(newest(&[revision("y", "log-sc", 1), revision("z", "log-sc", 1)]).as_deref(), Some("z"));
    }

    #[test]
    fn a_revision_of_another_set_or_of_another_object_of_the_name_is_not_found() {
        let revisions = [revision("a", "other", 3), owned(revision("b", "log-sc", 2), "uid-of-the-deleted-one")];

        assert_eq!(newest(&revisions), None);
        assert!(history(&revisions).of("log-sc", Some("uid-1")).named("a").is_none());
        assert!(history(&revisions).of("log-sc", Some("uid-1")).named("b").is_none());
        assert!(history(&revisions).of("log-sc", Some("uid-of-the-deleted-one")).named("b").is_some());
    }

    #[test]
    fn other_versions_are_not_meant() {
        let mut other = revision("a", "log-sc", 9);
        other["metadata"]["labels"]["apps.kruise.io/sidecarset-custom-version"] = json!("v2");

        assert_eq!(newest(&[other, revision("b", "log-sc", 1)]).as_deref(), Some("b"));
    }

    #[test]
    fn what_changes_is_told_and_what_does_not_is_not() {
        let mut revisions = Revisions::default();
        let first = revision("a", "log-sc", 1);

        assert_eq!(revisions.put(read(&first)), [Arc::from("log-sc")]);
        assert_eq!(revisions.put(read(&first)), Vec::<Arc<str>>::new());
        assert_eq!(revisions.put(read(&revision("a", "log-sc", 2))), [Arc::from("log-sc")]);
        assert_eq!(revisions.remove("a").as_deref(), Some("log-sc"));
        assert_eq!(revisions.remove("a"), None);
    }

    #[test]
    fn a_revision_whose_label_changes_moves() {
        let mut revisions = history(&[revision("a", "log-sc", 1)]);

        assert_eq!(revisions.put(read(&revision("a", "other", 1))), [Arc::from("log-sc"), Arc::from("other")]);
        assert!(revisions.of("log-sc", None).named("a").is_none());
        assert!(revisions.of("other", None).named("a").is_some());
    }
}
