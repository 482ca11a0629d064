//! Which new Pods the API server asks us about: those that a set selects, as far as it can tell, and no others.

mod cel;
mod failure_policy;

pub use failure_policy::{FailurePolicy, ParseFailurePolicyError};

use crate::catalog::NamespaceLabels;
use crate::selection::{Namespaces, Selector};
use cel::Alternatives;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// While the nodes' own Pods cannot be created, nothing else works either: this namespace is reserved.
pub const SYSTEM_NAMESPACE: &str = "kube-system";

/// The API server compiles a condition when it is written and when it is first used. With this many expressions that
/// takes it a tenth of a second, with 1000 several seconds.
const MOST_EXPRESSIONS: usize = 200;
/// The API server refuses an expression of 100,000 characters.
const LONGEST_EXPRESSION: usize = 50_000;
/// How many namespaces a condition may list as not selected, for each selector of namespaces.
const MOST_NAMESPACES: usize = 200;

/// What a set says of the Pods that it is injected into, as far as the API server has to know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Interest {
    /// The labels of the Pods.
    pub selector: Selector,
    /// Their namespaces.
    pub namespaces: Namespaces,
    /// What becomes of them while we cannot be asked, where the set says so.
    pub failure_policy: Option<FailurePolicy>,
}

/// The interests that the API server knows of: it asks us about their Pods. At first nobody knows which these are: an
/// earlier run of ours may have told it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InForce(Option<BTreeSet<Interest>>);

/// What there is beside the sets.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The namespaces.
    pub namespaces: &'a BTreeMap<Arc<str>, Arc<NamespaceLabels>>,
    /// The namespaces whose Pods are asked about only for sets that give them by name.
    pub reserved: &'a BTreeSet<Arc<str>>,
    /// The policy of sets that give none.
    pub failure_policy: FailurePolicy,
}

/// Which new Pods we are asked about. A Pod that is in both parts is asked about twice, and injected once: were it taken
/// out of one of them, then a label that another webhook adds could take it out after the API server has passed the
/// other one by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Those that are refused while we cannot be asked.
    pub fail: Asked,
    /// Those that are created without sidecars then.
    pub ignore: Asked,
    /// The reserved namespaces of which nothing is asked.
    pub exempt: BTreeSet<Arc<str>>,
}

/// Which Pods are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// None.
    Nothing,
    /// All of those for which these conditions are true, which is every Pod where there is none.
    Where(Vec<Condition>),
}

/// An expression of the Common Expression Language, which has a value for every Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What it is called.
    pub name: &'static str,
    /// The expression.
    pub expression: String,
}

/// An expression, as long as the API server can work with it.
enum Extent {
    Nothing,
    Within(String),
    TooLarge,
}

impl InForce {
    /// Returns what is in force once the API server knows of these.
    #[must_use]
    pub fn new(interests: BTreeSet<Interest>) -> Self {
        Self(Some(interests))
    }

    /// Says whether the API server asks us about all Pods of an interest, where that is known.
    #[must_use]
    pub fn covers(&self, interest: &Interest) -> Option<bool> {
        self.0.as_ref().map(|interests| interests.contains(interest))
    }
}

/// Decides which new Pods we have to be asked about, so that every interest is covered. The same interests lead to the
/// same text, in whatever order they come.
#[must_use]
pub fn register<'a>(interests: impl IntoIterator<Item = &'a Interest>, around: Surroundings<'_>) -> Registration {
    let interests: BTreeSet<&Interest> = interests.into_iter().collect();
    let is_named = |name: &&Arc<str>| interests.iter().any(|interest| interest.namespaces.names(name));
    let (named, exempt) = around.reserved.iter().cloned().partition(|name| is_named(&name));
    let of = |policy: FailurePolicy| {
        let is_meant = move |interest: &&&Interest| interest.failure_policy.unwrap_or(around.failure_policy) == policy;
        extent(interests.iter().filter(is_meant).copied(), &named, around)
    };
    let (fail, ignore) = (asked(of(FailurePolicy::Fail)), asked(of(FailurePolicy::Ignore)));
    // What is asked about every Pod need not be asked twice.
    let ignore = if fail == Asked::Where(Vec::new()) { Asked::Nothing } else { ignore };
    Registration { fail, ignore, exempt }
}

/// Returns the Pods that are asked about for an extent.
fn asked(extent: Extent) -> Asked {
    match extent {
        Extent::Nothing => Asked::Nothing,
        Extent::Within(expression) => Asked::Where(vec![Condition { name: "selected", expression }]),
        Extent::TooLarge => Asked::Where(Vec::new()),
    }
}

/// Returns where the interests are. Of the reserved namespaces, `named` are those that are asked about.
fn extent<'a>(
    interests: impl Iterator<Item = &'a Interest> + Clone,
    named: &BTreeSet<Arc<str>>,
    around: Surroundings<'_>,
) -> Extent {
    let all = alternatives(interests.clone(), named, around);
    if all.is_empty() {
        return Extent::Nothing;
    }
    if let Some(text) = short_text(&all) {
        return Extent::Within(text);
    }
    if named.is_empty() {
        return Extent::TooLarge;
    }
    // Whatever else is asked about: in a reserved namespace it is what was asked for and no more.
    let outside = cel::outside_of(named);
    let inside = interests.filter(|interest| named.iter().any(|name| interest.namespaces.names(name)));
    let inside = alternatives(inside, named, around);
    match short_text(&inside) {
        _ if inside.is_empty() => Extent::Within(outside),
        Some(inside) => Extent::Within(format!("{outside} || {inside}")),
        None => Extent::TooLarge,
    }
}

fn alternatives<'a>(
    interests: impl Iterator<Item = &'a Interest>,
    named: &BTreeSet<Arc<str>>,
    around: Surroundings<'_>,
) -> Alternatives {
    let mut alternatives = Alternatives::default();
    for interest in interests {
        if let Some(namespaces) = namespaces(&interest.namespaces, named, around) {
            alternatives.add(namespaces, &interest.selector);
        }
    }
    alternatives
}

fn short_text(alternatives: &Alternatives) -> Option<String> {
    let text = (alternatives.len() <= MOST_EXPRESSIONS).then(|| alternatives.text());
    text.filter(|text| text.chars().count() <= LONGEST_EXPRESSION)
}

/// Returns the expression for the namespaces of an interest, empty for all of them; nothing where it can have none.
fn namespaces(namespaces: &Namespaces, named: &BTreeSet<Arc<str>>, around: Surroundings<'_>) -> Option<String> {
    let mut texts = match namespaces {
        Namespaces::All => BTreeSet::new(),
        Namespaces::Matching(selector) => cel::of_namespace_name(selector)?,
    };
    let mut excluded: BTreeSet<&Arc<str>> = named.iter().filter(|name| !namespaces.names(name)).collect();
    // The API server cannot be told of labels of a namespace. So it asks about all but those that are known not to
    // match: a namespace that nobody has seen yet is asked about.
    if let Namespaces::Matching(selector) = namespaces
        && namespaces.need_labels()
    {
        let known = around.namespaces.iter().filter(|(_, labels)| !selector.matches(&***labels));
        let known: Vec<_> = known.map(|(name, _)| name).take(MOST_NAMESPACES + 1).collect();
        if known.len() <= MOST_NAMESPACES {
            excluded.extend(known);
        }
    }
    if !excluded.is_empty() {
        texts.insert(cel::outside_of(&excluded));
    }
    Some(cel::all_of(texts))
}

#[cfg(test)]
mod tests;
