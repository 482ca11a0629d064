//! Through which of our webhooks the API server calls about a new Pod.

use super::FailurePolicy;
use crate::selection::SelectorDigest;
use std::fmt;

/// For which sets the API server calls, and what it has found out about the namespace of the Pod before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// For whatever set there may be: nothing was looked at.
    Any,
    /// For those that depend on labels of namespaces, which the API server has not looked at.
    Unjudged,
    /// For those that require this of the labels of the namespace. It is so, as far as the API server knows.
    Matching(SelectorDigest),
    /// For those that depend on no label of a namespace but its name.
    Named,
}

/// A call of the API server about a new Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// For which sets.
    pub scope: Scope,
    /// What the API server does with the Pod where it gets no answer: the policy of these sets.
    pub failure_policy: FailurePolicy,
}

impl Call {
    /// Reads a call from the two segments of a path by which [`Call`] is written. Those of another version of the
    /// operator may mean something that this one does not know.
    #[must_use]
    pub fn parse(failure_policy: &str, scope: &str) -> Option<Self> {
        let failure_policy = match failure_policy {
            "fail" => FailurePolicy::Fail,
            "ignore" => FailurePolicy::Ignore,
            _ => return None,
        };
        let scope = match scope {
            "any" => Scope::Any,
            "unjudged" => Scope::Unjudged,
            "named" => Scope::Named,
            digest => Scope::Matching(digest.parse().ok()?),
        };
        Some(Self { scope, failure_policy })
    }
}

/// As two segments of a path: the API server takes lower case letters, digits and dashes there.
impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = match self.failure_policy {
            FailurePolicy::Fail => "fail",
            FailurePolicy::Ignore => "ignore",
        };
        match self.scope {
            Scope::Any => write!(out, "{policy}/any"),
            Scope::Unjudged => write!(out, "{policy}/unjudged"),
            Scope::Matching(digest) => write!(out, "{policy}/{digest}"),
            Scope::Named => write!(out, "{policy}/named"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_as_it_is_written() {
        let digest = "0123456789abcdef".parse().unwrap();

        for scope in [Scope::Any, Scope::Unjudged, Scope::Matching(digest), Scope::Named] {
            for failure_policy in [FailurePolicy::Fail, FailurePolicy::Ignore] {
                let call = Call { scope, failure_policy };
                let text = call.to_string();
                let (policy, scope) = text.split_once('/').unwrap();
                assert_eq!(Call::parse(policy, scope), Some(call), "{text}");
            }
        }
    }

    #[test]
    fn what_another_version_means_is_not_guessed() {
        assert_eq!(Call::parse("warn", "named"), None);
        assert_eq!(Call::parse("fail", "0123"), None);
    }
}
