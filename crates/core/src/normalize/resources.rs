//! How the resources of a sidecar are computed from those of the Pod's own containers.

use crate::expression::{Expression, Resource};
use crate::pattern::{Bounds, Pattern};
use crate::validation::Violations;
use sidecarset_api::v1beta1::{self, ResourceListExpressions};
use std::fmt::{self, Display};

pub use crate::pattern::ParsePatternError as ParseContainerNamesError;

/// How large an expression for names of containers may be.
const BOUNDS: Bounds = Bounds { length: 8 * 1024, memory: 256 * 1024 };

/// How the resources of a sidecar are computed.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourcesPolicy {
    /// What is taken over the target containers.
    pub aggregation: Aggregation,
    /// Which containers are targets.
    pub targets: ContainerNames,
    /// The limits that are computed.
    pub limits: Vec<(Resource, Expression)>,
    /// The requests that are computed.
    pub requests: Vec<(Resource, Expression)>,
}

/// What is taken over the target containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// What they have together.
    Sum,
    /// What the one has that has the most.
    Max,
}

/// A regular expression for names of containers.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerNames(Pattern);

impl ResourcesPolicy {
    /// Reads a policy, or adds everything that is wrong with it under `path`.
    pub fn parse(source: &v1beta1::ResourcesPolicy, path: &str, violations: &mut Violations) -> Option<Self> {
        let mode = Aggregation::parse(&source.target_containers_mode);
        let aggregation = violations.take(format!("{path}.targetContainersMode"), mode);
        let targets = ContainerNames::parse(&source.target_containers_name_regex);
        let targets = violations.take(format!("{path}.targetContainersNameRegex"), targets);
        let expressions = &source.resources_expr;
        let path = format!("{path}.resourcesExpr");
        if expressions.limits.is_none() && expressions.requests.is_none() {
            violations.add(path, "needs limits or requests");
            return None;
        }
        let limits = parse_list(expressions.limits.as_ref(), &format!("{path}.limits"), violations);
        let requests = parse_list(expressions.requests.as_ref(), &format!("{path}.requests"), violations);
        Some(Self { aggregation: aggregation?, targets: targets?, limits: limits?, requests: requests? })
    }
}

/// Reads the expressions that are there. As in Kruise: an empty one is none.
fn parse_list(
    source: Option<&ResourceListExpressions>,
    path: &str,
    violations: &mut Violations,
) -> Option<Vec<(Resource, Expression)>> {
    let Some(source) = source else { return Some(Vec::new()) };
    let texts = [(Resource::Cpu, source.cpu.as_deref()), (Resource::Memory, source.memory.as_deref())];
    let mut read = Vec::new();
    for (resource, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let expression = violations.take(format!("{path}.{resource}"), Expression::parse(text, resource));
            read.push(expression.map(|expression| (resource, expression)));
        }
    }
    read.into_iter().collect()
}

impl Aggregation {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "sum" => Ok(Self::Sum),
            "max" => Ok(Self::Max),
            other => Err(format!("{other:?} is not one of sum, max")),
        }
    }
}

impl ContainerNames {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// It cannot be read, or is too large.
    pub fn parse(text: &str) -> Result<Self, ParseContainerNamesError> {
        Pattern::parse(text, BOUNDS).map(Self)
    }

    /// Says whether some part of a name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

impl Display for ContainerNames {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
