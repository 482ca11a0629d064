//! Which sets a Pod gets.

mod namespace;
mod overlap;
mod selector;

pub use namespace::{NamespaceFacts, ParseSelectorDigestError, SelectorDigest};
pub use overlap::is_satisfiable;
pub use selector::{Labels, Requirement, Selector};

use crate::validation::Violations;
use serde::{Deserialize, Serialize};
use sidecarset_api::markers::NAMESPACE_NAME;
use sidecarset_api::v1beta1::SidecarSetSpec;
use std::fmt;

/// The namespaces whose Pods a set selects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Namespaces {
    /// Every namespace.
    All,
    /// Those with these labels.
    Matching(Selector),
}

/// Whether a set selects a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selected {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It depends on what is not known of the Pod's namespace.
    DependsOnNamespace,
}

impl Namespaces {
    /// Reads them from either spelling. An empty selector means every namespace.
    pub fn parse(spec: &SidecarSetSpec, violations: &mut Violations) -> Option<Self> {
        if let Some(name) = spec.namespace.as_deref().filter(|name| !name.is_empty()) {
            return Some(Self::Matching(Selector::namespace_named(name)));
        }
        let Some(source) = &spec.namespace_selector else {
            return Some(Self::All);
        };
        let selector = Selector::parse(source, "spec.namespaceSelector", violations)?;
        Some(if selector.is_empty() { Self::All } else { Self::Matching(selector) })
    }

    /// Says whether they are given by name, and this is one of the names.
    #[must_use]
    pub fn names(&self, namespace: &str) -> bool {
        let names = |requirement: &Requirement| match requirement {
            Requirement::In { key, values } => key == NAMESPACE_NAME && values.contains(namespace),
            Requirement::NotIn { .. } | Requirement::Exists { .. } | Requirement::DoesNotExist { .. } => false,
        };
        match self {
            Self::All => false,
            Self::Matching(selector) => selector.requirements().iter().any(names),
        }
    }

    /// Returns the keys of the labels that they depend on.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let requirements = match self {
            Self::All => &[],
            Self::Matching(selector) => selector.requirements(),
        };
        requirements.iter().map(Requirement::key)
    }

    /// Says whether they depend on other labels of a namespace than its name.
    #[must_use]
    pub fn need_labels(&self) -> bool {
        match self {
            Self::All => false,
            Self::Matching(selector) => selector.requirements().iter().any(|it| it.key() != NAMESPACE_NAME),
        }
    }
}

/// In the words of a sentence: `every namespace`, `namespaces with team=shop`.
impl fmt::Display for Namespaces {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("every namespace"),
            Self::Matching(selector) => write!(out, "namespaces with {selector}"),
        }
    }
}

/// Says whether a set selects a Pod with these labels, in a namespace of which this is known.
#[must_use]
pub fn selects<'a>(
    selector: &Selector,
    namespaces: &Namespaces,
    pod: &impl Labels,
    namespace: impl Into<NamespaceFacts<'a>>,
) -> Selected {
    if !selector.matches(pod) {
        return Selected::No;
    }
    match namespaces.contain(namespace.into()) {
        Some(true) => Selected::Yes,
        Some(false) => Selected::No,
        None => Selected::DependsOnNamespace,
    }
}
