//! How the resources of a sidecar are computed from those of the Pod's own containers.

use crate::expression::{Expression, Resource};
use crate::validation::Violations;
use regex::bytes::{Regex, RegexBuilder};
use sidecarset_api::v1beta1::{self, ResourceListExpressions};
use std::fmt::{self, Display};

/// How much memory a compiled regular expression may take, in bytes.
const LARGEST_REGEX: usize = 256 * 1024;
/// The longest text of a regular expression, in bytes: it is read whole before its size is known.
const LONGEST_REGEX: usize = 8 * 1024;

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
#[derive(Debug, Clone)]
pub struct ContainerNames(Regex);

/// Why a text is not a regular expression for names of containers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseContainerNamesError {
    /// There is no text.
    #[error("must not be empty")]
    Empty,
    /// It is not a regular expression.
    #[error("is not a regular expression: {0}")]
    Syntax(String),
    /// Matching it would take too much memory.
    #[error("is too large")]
    TooLarge,
}

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
    /// Reads a regular expression. Its classes are those of Go: `\d` and `\w` are ASCII.
    ///
    /// # Errors
    /// It cannot be read, or is too large.
    pub fn parse(text: &str) -> Result<Self, ParseContainerNamesError> {
        if text.is_empty() {
            return Err(ParseContainerNamesError::Empty);
        }
        if text.len() > LONGEST_REGEX {
            return Err(ParseContainerNamesError::TooLarge);
        }
        let mut builder = RegexBuilder::new(text);
        builder.unicode(false).size_limit(LARGEST_REGEX).dfa_size_limit(LARGEST_REGEX);
        builder.build().map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => ParseContainerNamesError::TooLarge,
            // The message draws the place in lines of its own; what is wrong is in the last one.
            other => {
                let message = other.to_string();
                let last = message.lines().last().unwrap_or_default();
                ParseContainerNamesError::Syntax(last.trim_start_matches("error: ").to_owned())
            }
        })
    }

    /// Says whether some part of a name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name.as_bytes())
    }
}

impl PartialEq for ContainerNames {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Display for ContainerNames {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching<'a>(regex: &str, names: &[&'a str]) -> Vec<&'a str> {
        let targets = ContainerNames::parse(regex).unwrap();
        names.iter().copied().filter(|name| targets.matches(name)).collect()
    }

    fn refusal(regex: &str) -> String {
        ContainerNames::parse(regex).unwrap_err().to_string()
    }

    #[test]
    fn a_part_of_the_name_is_enough() {
        let names = ["web", "web-1", "my-web", "db"];

        assert_eq!(matching("web", &names), ["web", "web-1", "my-web"]);
        assert_eq!(matching("^web$", &names), ["web"]);
        assert_eq!(matching("^(web|db)$", &names), ["web", "db"]);
        assert_eq!(matching(r"-\d$", &names), ["web-1"]);
        assert_eq!(matching(".*", &names), names);
    }

    #[test]
    fn a_regular_expression_that_cannot_be_read_is_refused_in_one_line() {
        assert_eq!(refusal(""), "must not be empty");
        assert_eq!(refusal("("), "is not a regular expression: unclosed group");
        assert_eq!(
            refusal("(?=a)"),
            "is not a regular expression: look-around, including look-ahead and look-behind, is not supported"
        );
    }

    #[test]
    fn what_only_go_understands_is_refused() {
        for regex in ["web{", "[[web]", r"\Qweb\E", r"\167eb", r"\pLeb"] {
            assert!(refusal(regex).starts_with("is not a regular expression: "), "{regex}");
        }
        assert_eq!(matching(r"^(?i)WEB[[:digit:]]?$|^(?P<db>db)\z", &["web1", "db"]), ["web1", "db"]);
    }

    #[test]
    fn a_regular_expression_that_would_take_too_much_memory_is_refused() {
        for regex in ["((a{100}){100}){100}", "[a-z]{1000000}"] {
            assert_eq!(refusal(regex), "is too large");
        }
        assert!(refusal(&"(".repeat(8192)).starts_with("is not a regular expression: "));
    }

    #[test]
    fn a_regular_expression_of_more_than_8_kib_is_not_read() {
        assert_eq!(refusal(&"(".repeat(8193)), "is too large");
        assert_eq!(matching(&format!("(?x)^web$#{}", "a".repeat(8182)), &["web"]), ["web"]);
    }

    #[test]
    fn a_name_of_any_length_that_kubernetes_allows_can_be_described() {
        assert_eq!(matching("^[a-z0-9][-a-z0-9]{0,61}[a-z0-9]$", &["web-1", "-"]), ["web-1"]);
        assert_eq!(matching(r"^\w{1,63}$", &["web", "web-1"]), ["web"]);
    }
}
