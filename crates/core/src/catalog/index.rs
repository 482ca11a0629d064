//! Finds the sets that may select a Pod without looking at all of them: a review costs as much as the sets that
//! select its Pod, not as the sets that there are.

use crate::selection::{Labels, Namespaces, Requirement, Selector};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Names = BTreeSet<Arc<str>>;

/// Each set under one label that its Pods, or their namespaces, cannot be without.
#[derive(Debug, Default)]
pub(super) struct Index {
    pods: Buckets,
    namespaces: Buckets,
    // Sets that ask for no label in particular: they exclude some.
    others: Names,
    places: BTreeMap<Arc<str>, Place>,
}

/// The names of sets by a label's key, and by its value where that matters.
#[derive(Debug, Default)]
struct Buckets {
    by_value: BTreeMap<String, BTreeMap<String, Names>>,
    by_key: BTreeMap<String, Names>,
}

/// Where a set is found.
#[derive(Debug, Clone)]
enum Place {
    Pods(Needed),
    Namespaces(Needed),
    Others,
}

/// A label that has to be there.
#[derive(Debug, Clone)]
enum Needed {
    Value { key: String, values: BTreeSet<String> },
    Key(String),
}

impl Index {
    /// Adds a set, or moves the one of its name.
    pub(super) fn put(&mut self, name: &Arc<str>, selector: &Selector, namespaces: &Namespaces) {
        self.remove(name);
        let place = self.place(selector, namespaces);
        for names in self.names_at(&place) {
            names.insert(Arc::clone(name));
        }
        self.places.insert(Arc::clone(name), place);
    }

    /// Forgets a set.
    pub(super) fn remove(&mut self, name: &str) {
        let Some(place) = self.places.remove(name) else { return };
        for names in self.names_at(&place) {
            names.remove(name);
        }
        match place {
            Place::Pods(needed) => self.pods.tidy(&needed),
            Place::Namespaces(needed) => self.namespaces.tidy(&needed),
            Place::Others => {}
        }
    }

    /// Returns the names of the sets that may select a Pod, sorted, each once. Where its namespace is not known,
    /// sets of every namespace are among them.
    pub(super) fn candidates<'a>(
        &'a self,
        pod: &'a impl Labels,
        namespace: Option<&'a impl Labels>,
    ) -> Vec<&'a Arc<str>> {
        let mut found: Vec<&Arc<str>> = self.others.iter().chain(self.pods.under(pod)).collect();
        match namespace {
            Some(labels) => found.extend(self.namespaces.under(labels)),
            None => found.extend(self.namespaces.all()),
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Chooses the label under which the fewest other sets are: the one that tells most.
    fn place(&self, selector: &Selector, namespaces: &Namespaces) -> Place {
        let pods = needed(selector).map(|it| (self.pods.load(&it), Place::Pods(it)));
        let namespaces = match namespaces {
            Namespaces::All => None,
            Namespaces::Matching(selector) => Some(needed(selector)),
        };
        let namespaces = namespaces.into_iter().flatten();
        let places = pods.chain(namespaces.map(|it| (self.namespaces.load(&it), Place::Namespaces(it))));
        places.min_by_key(|(load, _)| *load).map_or(Place::Others, |(_, place)| place)
    }

    fn names_at(&mut self, place: &Place) -> Vec<&mut Names> {
        match place {
            Place::Pods(needed) => self.pods.at(needed),
            Place::Namespaces(needed) => self.namespaces.at(needed),
            Place::Others => vec![&mut self.others],
        }
    }
}

impl Buckets {
    /// Says how many sets are there already. A key of whatever value tells less than any value does.
    fn load(&self, needed: &Needed) -> (bool, usize) {
        match needed {
            Needed::Value { key, values } => {
                let known = self.by_value.get(key);
                let load = |value| known.and_then(|known| known.get(value)).map_or(0, BTreeSet::len);
                (false, values.iter().map(load).max().unwrap_or_default())
            }
            Needed::Key(key) => (true, self.by_key.get(key).map_or(0, BTreeSet::len)),
        }
    }

    fn at(&mut self, needed: &Needed) -> Vec<&mut Names> {
        match needed {
            Needed::Value { key, values } => {
                let known = self.by_value.entry(key.clone()).or_default();
                for value in values {
                    known.entry(value.clone()).or_default();
                }
                known.iter_mut().filter(|(value, _)| values.contains(*value)).map(|(_, names)| names).collect()
            }
            Needed::Key(key) => vec![self.by_key.entry(key.clone()).or_default()],
        }
    }

    fn under<'a>(&'a self, labels: &'a impl Labels) -> impl Iterator<Item = &'a Arc<str>> {
        labels.pairs().flat_map(|(key, value)| {
            let by_value = self.by_value.get(&*key).and_then(|values| values.get(&*value));
            by_value.into_iter().chain(self.by_key.get(&*key)).flatten()
        })
    }

    fn all(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_value.values().flat_map(BTreeMap::values).chain(self.by_key.values()).flatten()
    }

    /// Drops what is empty after a set went: labels come and go for as long as we run.
    fn tidy(&mut self, needed: &Needed) {
        match needed {
            Needed::Value { key, .. } => {
                if let Some(known) = self.by_value.get_mut(key) {
                    known.retain(|_, names| !names.is_empty());
                }
                self.by_value.retain(|_, known| !known.is_empty());
            }
            Needed::Key(_) => self.by_key.retain(|_, names| !names.is_empty()),
        }
    }
}

fn needed(selector: &Selector) -> impl Iterator<Item = Needed> {
    selector.requirements().iter().filter_map(|requirement| match requirement {
        Requirement::In { key, values } => Some(Needed::Value { key: key.clone(), values: values.clone() }),
        Requirement::Exists { key } => Some(Needed::Key(key.clone())),
        Requirement::NotIn { .. } | Requirement::DoesNotExist { .. } => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::Violations;
    use serde_json::{Value, json};

    fn selector(source: Value) -> Selector {
        let source = serde_json::from_value(source).unwrap();
        Selector::parse(&source, "", &mut Violations::default()).unwrap()
    }

    fn index(sets: &[(&str, Value)]) -> Index {
        let mut index = Index::default();
        for (name, source) in sets {
            index.put(&Arc::from(*name), &selector(source.clone()), &Namespaces::All);
        }
        index
    }

    fn candidates(index: &Index, labels: &[(&str, &str)]) -> Vec<String> {
        let labels: BTreeMap<String, String> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        index.candidates(&labels, Some(&BTreeMap::new())).into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sets_of_other_labels_are_not_looked_at() {
        let index = index(&[
            ("nginx", json!({"matchLabels": {"app": "nginx"}})),
            ("redis", json!({"matchLabels": {"app": "redis"}})),
            ("either", json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["nginx", "redis"]}]})),
            ("labelled", json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]})),
            ("excluding", json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]})),
        ]);

        assert_eq!(candidates(&index, &[("app", "nginx")]), ["either", "excluding", "labelled", "nginx"]);
        assert_eq!(candidates(&index, &[("app", "mysql")]), ["excluding", "labelled"]);
        assert_eq!(candidates(&index, &[]), ["excluding"]);
    }

    #[test]
    fn of_two_labels_the_rarer_one_is_used() {
        let sets: Vec<(String, Value)> = (0..50)
            .map(|at| (format!("set-{at}"), json!({"matchLabels": {"team": "all", "app": format!("app-{at}")}})))
            .collect();
        let index = index(&sets.iter().map(|(name, source)| (name.as_str(), source.clone())).collect::<Vec<_>>());

        assert_eq!(candidates(&index, &[("team", "all"), ("app", "app-7")]), ["set-7"]);
    }

    #[test]
    fn sets_of_other_namespaces_are_not_looked_at() {
        let mut index = Index::default();
        let everyone = selector(json!({"matchLabels": {"app": "web"}}));
        for name in ["shop", "bank", "mill"] {
            index.put(&Arc::from(name), &everyone, &Namespaces::Matching(Selector::namespace_named(name)));
        }
        let pod = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
        let bank = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), "bank".to_owned())]);

        // The first of them is under the Pod's label, where nothing was yet.
        assert_eq!(index.candidates(&pod, Some(&bank)).len(), 2);
        assert_eq!(index.candidates(&pod, None::<&BTreeMap<String, String>>).len(), 3);
    }

    #[test]
    fn a_set_that_changes_or_goes_leaves_nothing_behind() {
        let mut index = index(&[("a", json!({"matchLabels": {"app": "nginx"}}))]);

        index.put(&Arc::from("a"), &selector(json!({"matchLabels": {"app": "redis"}})), &Namespaces::All);
        assert_eq!(candidates(&index, &[("app", "nginx")]), [""; 0]);
        assert_eq!(candidates(&index, &[("app", "redis")]), ["a"]);

        index.remove("a");
        assert!(index.pods.by_value.is_empty() && index.places.is_empty());
    }
}
