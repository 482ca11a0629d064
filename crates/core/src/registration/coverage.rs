//! What has become of what the API server has to know.

use super::WebhookScope;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the API server calls for the Pods of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// For all of them.
    Exact,
    /// For all of them, and for others: they wait for us, too, and are refused where the policy says so.
    Wide,
    /// For none: its selectors cost the API server too much.
    TooManyRequirements,
    /// For none: they are all in the namespace of the operator.
    OperatorNamespace,
    /// For none: the API server has rejected what it had to know.
    Rejected {
        /// Why, in its words.
        message: Arc<str>,
    },
}

/// The scopes that the API server knows of. At first nobody knows which these are: an earlier run of ours may have told it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegisteredScopes(Option<BTreeMap<WebhookScope, Coverage>>);

impl RegisteredScopes {
    /// Returns what is in force once the API server knows of these.
    #[must_use]
    pub fn new(scopes: BTreeMap<WebhookScope, Coverage>) -> Self {
        Self(Some(scopes))
    }

    /// Says whether it is known which these are.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// Returns what has become of a scope, if it is one of them.
    #[must_use]
    pub fn coverage(&self, scope: &WebhookScope) -> Option<&Coverage> {
        self.0.as_ref()?.get(scope)
    }
}
