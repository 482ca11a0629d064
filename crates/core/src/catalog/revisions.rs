//! The past of the sets, and what it adds to what is known of them.

use super::{Catalog, Entry};
use crate::normalize::{CanonicalSet, OnFailure, normalize};
use crate::revision::{Failure, PIN_PATH, Pin, Revision, Revisions, Why, differences};
use crate::validation::{Permissions, Violations, Whitelist};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sidecarset_api::v1beta1::SidecarSet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The past of the sets.
#[derive(Debug, Default)]
pub(super) struct Past {
    revisions: Revisions,
    // The sets that are pinned to a revision, or may return to one, as they were written: what they were then is made of
    // both.
    sources: BTreeMap<Arc<str>, SidecarSet>,
    // What the cluster allows, where that is known: it counts for every definition, however old it is.
    permissions: Option<Permissions>,
}

impl Catalog {
    /// Adds a revision, or takes the place of the one of its name. Answers whose past this changes.
    pub fn put_revision(&mut self, revision: Revision) -> Vec<Arc<str>> {
        let touched = self.past.revisions.put(revision);
        self.refresh(touched)
    }

    /// Forgets a revision. Answers whose past this changes.
    pub fn remove_revision(&mut self, name: &str) -> Vec<Arc<str>> {
        let touched = self.past.revisions.remove(name);
        self.refresh(touched)
    }

    /// Gives the new revision of a set another name: the one that it was to have is another object's.
    pub fn note_collision(&mut self, name: &str) {
        if let Some(Entry::Valid(set)) = self.sets.get_mut(name) {
            let draft = set.draft.after_collision(name);
            let renamed = CanonicalSet { draft, ..(**set).clone() };
            *set = Arc::new(self.past.completed(&renamed).unwrap_or(renamed));
        }
    }

    /// Returns the revisions of all sets.
    #[must_use]
    pub fn revisions(&self) -> &Revisions {
        &self.past.revisions
    }

    /// Adds what keeps new Pods of a set from being created, where it asks for a revision that they cannot get.
    pub fn check_pin(&self, set: &SidecarSet, violations: &mut Violations) {
        let Some(pin) = Pin::parse(&set.spec, &mut Violations::default()) else {
            return;
        };
        let forbid = |past: &CanonicalSet| self.past.permissions()?.forbid_new(past);
        let Err(unusable) = pin.resolve(set, &self.past.revisions, forbid) else {
            return;
        };
        // What is wrong with the set itself would be told again as what is wrong with its past.
        let is_told = matches!(unusable.why, Why::Invalid { .. }) && normalize(set).is_err();
        if !is_told {
            violations.add(PIN_PATH, unusable);
        }
    }

    /// Takes note of what the cluster allows. Answers for which sets this changes something.
    pub fn permit(&mut self, permissions: Permissions) -> Vec<Arc<str>> {
        self.past.permissions = Some(permissions);
        self.permissions_changed()
    }

    /// Takes note of the white list of the cluster. Answers for which sets this changes something.
    pub fn set_whitelist(&mut self, whitelist: Whitelist) -> Vec<Arc<str>> {
        self.past.permissions.get_or_insert_default().set_whitelist(whitelist);
        self.permissions_changed()
    }

    /// Adds what a set asks for and the cluster does not allow, as far as that is known.
    pub fn check_permissions(&self, set: &SidecarSet, violations: &mut Violations) {
        if let Some(permissions) = self.past.permissions() {
            permissions.check(set, violations);
        }
    }

    fn permissions_changed(&mut self) -> Vec<Arc<str>> {
        let mut changed = Vec::new();
        for (name, entry) in &mut self.sets {
            if let Entry::Valid(set) = entry
                && let Some(completed) = self.past.completed(set)
            {
                *set = Arc::new(completed);
                changed.push(Arc::clone(name));
            }
        }
        changed
    }

    // Here and not while a Pod is waiting: what a review needs is in memory, and ready.
    fn refresh(&mut self, sets: impl IntoIterator<Item = Arc<str>>) -> Vec<Arc<str>> {
        let mut touched = Vec::new();
        for name in sets {
            if let Some(Entry::Valid(set)) = self.sets.get_mut(&name) {
                if let Some(completed) = self.past.completed(set) {
                    *set = Arc::new(completed);
                }
                touched.push(name);
            }
        }
        touched
    }
}

impl Past {
    /// Takes note of a set, and adds to it what its revisions say.
    pub(super) fn note(&mut self, source: &SidecarSet, entry: Entry) -> Entry {
        let Entry::Valid(set) = entry else {
            self.forget(source.metadata.name.as_deref().unwrap_or_default());
            return entry;
        };
        if set.pin.is_some() || may_return(&set) {
            let metadata = ObjectMeta { managed_fields: None, ..source.metadata.clone() };
            let source = SidecarSet { metadata, spec: source.spec.clone(), status: None };
            self.sources.insert(Arc::clone(&set.name), source);
        } else {
            self.forget(&set.name);
        }
        Entry::Valid(self.completed(&set).map_or(set, Arc::new))
    }

    /// Forgets a set, but not its revisions.
    pub(super) fn forget(&mut self, set: &str) {
        self.sources.remove(set);
    }

    /// Returns a set as it was written, where its past may be asked for.
    pub(super) fn source(&self, set: &str) -> Option<&SidecarSet> {
        self.sources.get(set)
    }

    /// Returns what the cluster allows, where that is known.
    pub(super) fn permissions(&self) -> Option<&Permissions> {
        self.permissions.as_ref()
    }

    /// Returns a set with what its revisions and the cluster's permissions say. Nothing is returned where it says that already.
    pub(super) fn completed(&self, set: &CanonicalSet) -> Option<CanonicalSet> {
        let history = self.revisions.of(&set.name, set.uid.as_deref());
        let known = history.with_definition(set.fingerprint);
        // It may not be there yet, but its name is known.
        let revision = Some(Arc::clone(known.map_or(&set.draft.name, |known| &known.name)));
        let pin = set.pin.as_ref().map(|pin| self.resolved(set, pin));
        let differences = Arc::new(differences(history, &set.draft, &set.differences));
        let failure = set.failure.as_ref().map(|failure| {
            let present = CanonicalSet { differences: Arc::clone(&differences), ..set.clone() };
            self.resolved_failure(&present, failure)
        });
        let forbidden = self.forbid_in_force(set);
        let is_same = revision == set.revision && pin == set.pin && failure == set.failure;
        let is_news = !is_same || differences != set.differences || forbidden != set.forbidden;
        is_news.then(|| CanonicalSet { revision, pin, failure, differences, forbidden, ..set.clone() })
    }

    fn forbid_in_force(&self, set: &CanonicalSet) -> Option<Arc<str>> {
        self.permissions()?.forbid_in_force(set)
    }

    fn resolved(&self, set: &CanonicalSet, pin: &Pin) -> Pin {
        let resolve = |source| pin.resolve(source, &self.revisions, |past| self.forbid_in_force(past)).map(Arc::new);
        let past = self.source(&set.name).map(resolve);
        Pin { past: past.unwrap_or_else(|| pin.past.clone()), ..pin.clone() }
    }

    fn resolved_failure(&self, set: &CanonicalSet, failure: &Failure) -> Failure {
        let source = self.source(&set.name);
        source.map_or_else(
            || failure.clone(),
            |source| failure.resolved(set, source, &self.revisions, |past| self.forbid_in_force(past)),
        )
    }
}

fn may_return(set: &CanonicalSet) -> bool {
    set.rollout.limit_in_force().is_some_and(|limit| limit.on_failure == OnFailure::Rollback)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What the revision of `agent:v1` is called.
    const THE_NAME: &str = "log-sc-69f6cfcccc";
    /// What it is called after a collision.
    const THE_NEXT_NAME: &str = "log-sc-69f6cfcccb";

    fn with_set() -> Catalog {
        let mut catalog = Catalog::default();
        put_set(&mut catalog, "agent:v1");
        catalog
    }

    fn put_set(catalog: &mut Catalog, image: &str) {
        let set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "log-sc", "uid": "uid-1"},
            "spec": {
                "selector": {"matchLabels": {"app": "nginx"}},
                "containers": [{"name": "agent", "image": image}],
            },
        });
        catalog.put_set(&serde_json::from_value(set).unwrap());
    }

    fn revision(name: &str, image: &str) -> Revision {
        let object = json!({
            "metadata": {"name": name, "labels": {"kruise.io/sidecarset-name": "log-sc"}},
            "revision": 1,
            "data": {"spec": {"$patch": "replace", "containers": [{"name": "agent", "image": image}], "volumes": null}},
        });
        Revision::read(&serde_json::from_value(object).unwrap()).unwrap()
    }

    fn present(catalog: &Catalog) -> Option<&str> {
        match catalog.set("log-sc").unwrap() {
            Entry::Valid(set) => set.revision.as_deref(),
            Entry::Invalid(set) => panic!("{}", set.violations),
        }
    }

    #[test]
    fn a_set_knows_the_revision_that_holds_its_definition_whichever_comes_first() {
        let mut set_first = with_set();
        assert_eq!(present(&set_first), Some(THE_NAME));
        assert_eq!(set_first.put_revision(revision("log-sc-1", "agent:v1")), [Arc::from("log-sc")]);
        assert_eq!(present(&set_first), Some("log-sc-1"));

        let mut revision_first = Catalog::default();
        assert_eq!(revision_first.put_revision(revision("log-sc-1", "agent:v1")), Vec::<Arc<str>>::new());
        put_set(&mut revision_first, "agent:v1");
        assert_eq!(present(&revision_first), Some("log-sc-1"));
    }

    #[test]
    fn a_revision_of_another_definition_is_not_the_present_one() {
        let mut catalog = with_set();

        assert_eq!(catalog.put_revision(revision("log-sc-1", "agent:v2")), [Arc::from("log-sc")]);
        assert_eq!(present(&catalog), Some(THE_NAME));
    }

    #[test]
    fn a_name_that_is_taken_is_replaced_by_the_next_one() {
        let mut catalog = with_set();

        catalog.note_collision("log-sc");

        assert_eq!(present(&catalog), Some(THE_NEXT_NAME));
        catalog.put_revision(revision("log-sc-1", "agent:v1"));
        assert_eq!(present(&catalog), Some("log-sc-1"));
    }

    #[test]
    fn a_revision_that_is_gone_is_forgotten() {
        let mut catalog = with_set();
        catalog.put_revision(revision("log-sc-1", "agent:v1"));

        assert_eq!(catalog.remove_revision("log-sc-1"), [Arc::from("log-sc")]);
        assert_eq!(present(&catalog), Some(THE_NAME));
        assert_eq!(catalog.remove_revision("log-sc-1"), Vec::<Arc<str>>::new());
    }
}
