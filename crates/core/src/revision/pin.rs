//! The past revision that new Pods get in place of the present definition.

use super::{Revision, Revisions};
use crate::normalize::{CanonicalSet, normalize};
use crate::validation::{Violations, is_dns_subdomain, is_label_value};
use sidecarset_api::markers;
use sidecarset_api::v1beta1::{InjectionRevision, SidecarSet, SidecarSetSpec};
use std::fmt;
use std::sync::Arc;

/// Where a set says it.
pub(crate) const PATH: &str = "spec.injectionStrategy.revision";

/// The past revision that new Pods get in place of the present definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Pin {
    /// Which revision that is.
    pub asked: Asked,
    /// Which new Pods get it.
    pub policy: PinPolicy,
    /// The set as it was then. The catalog fills it in, as soon as it knows the revision.
    pub past: Result<Arc<CanonicalSet>, Unusable>,
}

/// What a revision is asked for by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Its name.
    Name(Arc<str>),
    /// The version that the author of the set gave it; the newest one where several have it.
    CustomVersion(Arc<str>),
}

/// Which new Pods get a past revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinPolicy {
    /// Each of them.
    Always,
    /// Those that the rollout would leave on it.
    Partial,
}

/// A past revision that cannot be injected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{asked}: {why}")]
pub struct Unusable {
    /// What it was asked for by.
    pub asked: Asked,
    /// Why it cannot be.
    pub why: Why,
}

/// Why a past revision cannot be injected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// There is none, or it is another set's.
    #[error("no such revision belongs to this SidecarSet")]
    Missing,
    /// It does not hold the definition of a set.
    #[error("revision {revision:?} cannot be read: {why}")]
    Unreadable {
        /// The name of the revision.
        revision: Arc<str>,
        /// What is wrong with it.
        why: super::Unreadable,
    },
    /// Running Pods cannot return to it.
    #[error("revision {revision:?} does not differ in images alone")]
    Unfit {
        /// The name of the revision.
        revision: Arc<str>,
    },
    /// It holds annotations that the cluster does not allow.
    #[error("revision {revision:?} is not allowed: {why}")]
    NotAllowed {
        /// The name of the revision.
        revision: Arc<str>,
        /// What is not allowed.
        why: Arc<str>,
    },
    /// It holds a definition that cannot be acted on.
    #[error("revision {revision:?} is not valid: {violations}")]
    Invalid {
        /// The name of the revision.
        revision: Arc<str>,
        /// What is wrong with it.
        violations: Violations,
    },
}

impl Pin {
    /// Reads what a spec asks for. Nothing is returned where it asks for no revision, or for one that cannot be.
    pub(crate) fn parse(spec: &SidecarSetSpec, violations: &mut Violations) -> Option<Self> {
        let source = spec.injection_strategy.as_ref()?.revision.as_ref()?;
        let asked = Asked::parse(source, violations);
        let policy = PinPolicy::parse(source.policy.as_deref(), violations);
        let asked = asked?;
        let past = Err(Unusable { asked: asked.clone(), why: Why::Missing });
        Some(Self { asked, policy: policy?, past })
    }

    /// Returns the set as it was then: the definition of the revision that is asked for, with everything else as it
    /// is in `set`. `forbid` says why a set may not write its annotations, where it may not.
    ///
    /// # Errors
    /// There is no such revision, or it cannot be injected.
    pub fn resolve(
        &self,
        set: &SidecarSet,
        revisions: &Revisions,
        forbid: impl Fn(&CanonicalSet) -> Option<Arc<str>>,
    ) -> Result<CanonicalSet, Unusable> {
        let name = set.metadata.name.as_deref().unwrap_or_default();
        let history = revisions.of(name, set.metadata.uid.as_deref());
        let revision = history.asked(&self.asked).ok_or(Why::Missing);
        let past = revision.and_then(|revision| past(set, revision, forbid));
        past.map_err(|why| Unusable { asked: self.asked.clone(), why })
    }
}

impl Asked {
    fn parse(source: &InjectionRevision, violations: &mut Violations) -> Option<Self> {
        let said = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(Arc::<str>::from);
        let (name, version) = (said(&source.revision_name), said(&source.custom_version));
        if let Some(name) = name.as_deref().filter(|name| !is_dns_subdomain(name)) {
            violations.add(format!("{PATH}.revisionName"), format!("{name:?} is not the name of an object"));
        }
        if let Some(version) = version.as_deref().filter(|version| !is_label_value(version)) {
            violations.add(format!("{PATH}.customVersion"), format!("{version:?} is not a label value"));
        }
        let asked = name.map(Self::Name).or(version.map(Self::CustomVersion));
        if asked.is_none() {
            violations.add(PATH, "must have a revisionName or a customVersion");
        }
        asked
    }
}

impl PinPolicy {
    fn parse(text: Option<&str>, violations: &mut Violations) -> Option<Self> {
        match text {
            None | Some("" | "Always") => Some(Self::Always),
            Some("Partial") => Some(Self::Partial),
            Some(other) => {
                violations.add(format!("{PATH}.policy"), format!("{other:?} is not one of Always, Partial"));
                None
            }
        }
    }
}

/// Returns a set as it was at a revision.
pub(super) fn past(
    set: &SidecarSet,
    revision: &Revision,
    forbid: impl Fn(&CanonicalSet) -> Option<Arc<str>>,
) -> Result<CanonicalSet, Why> {
    let name = || Arc::clone(&revision.name);
    let then = revision.definition().map_err(|why| Why::Unreadable { revision: name(), why })?;
    let spec = SidecarSetSpec {
        containers: then.containers,
        init_containers: then.init_containers,
        volumes: then.volumes,
        image_pull_secrets: then.image_pull_secrets,
        patch_pod_metadata: then.patch_pod_metadata,
        injection_strategy: None,
        ..set.spec.clone()
    };
    let mut metadata = set.metadata.clone();
    if let Some(annotations) = &mut metadata.annotations {
        // What is recorded on the set is about its present.
        annotations.retain(|key, _| ![markers::HASH, markers::HASH_WITHOUT_IMAGE].contains(&key.as_str()));
    }
    let set = SidecarSet { metadata, spec, status: None };
    let past = normalize(&set).map_err(|violations| Why::Invalid { revision: name(), violations })?;
    if let Some(why) = forbid(&past) {
        return Err(Why::NotAllowed { revision: name(), why });
    }
    // A release of Kruise may have hashed the containers as they were defaulted then: what its Pods say stays true.
    let hashes = revision.hashes.clone().unwrap_or_else(|| past.hashes.clone());
    Ok(CanonicalSet { hashes, revision: Some(name()), ..past })
}

impl fmt::Display for Asked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(out, "revisionName {name:?}"),
            Self::CustomVersion(version) => write!(out, "customVersion {version:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(revision: &Value) -> Result<Pin, String> {
        let spec = serde_json::from_value(json!({"injectionStrategy": {"revision": revision}})).unwrap();
        let mut violations = Violations::default();
        Pin::parse(&spec, &mut violations).ok_or_else(|| violations.to_string())
    }

    fn violations(revision: &Value) -> String {
        let spec = serde_json::from_value(json!({"injectionStrategy": {"revision": revision}})).unwrap();
        let mut violations = Violations::default();
        Pin::parse(&spec, &mut violations);
        violations.to_string()
    }

    #[test]
    fn the_name_wins_over_the_custom_version() {
        let both = parse(&json!({"revisionName": "log-sc-1", "customVersion": "v1"})).unwrap();

        assert_eq!(both.asked, Asked::Name("log-sc-1".into()));
        let version = parse(&json!({"revisionName": "", "customVersion": "v1", "policy": "Partial"})).unwrap();
        assert_eq!((version.asked, version.policy), (Asked::CustomVersion("v1".into()), PinPolicy::Partial));
    }

    #[test]
    fn every_new_pod_gets_the_revision_where_nothing_else_is_said() {
        for policy in [json!(null), json!(""), json!("Always")] {
            let pin = parse(&json!({"revisionName": "log-sc-1", "policy": policy})).unwrap();

            assert_eq!(pin.policy, PinPolicy::Always);
        }
    }

    #[test]
    fn a_revision_has_to_be_asked_for_by_something() {
        let refused = "spec.injectionStrategy.revision: must have a revisionName or a customVersion";

        assert_eq!(violations(&json!({})), refused);
        assert_eq!(violations(&json!({"revisionName": "", "customVersion": ""})), refused);
    }

    #[test]
    fn a_policy_that_is_none_is_refused() {
        assert_eq!(
            violations(&json!({"revisionName": "x", "policy": "Sometimes"})),
            "spec.injectionStrategy.revision.policy: \"Sometimes\" is not one of Always, Partial"
        );
    }

    #[test]
    fn what_can_be_no_revision_is_refused() {
        assert_eq!(
            violations(&json!({"revisionName": "A_b", "customVersion": "a b"})),
            "spec.injectionStrategy.revision.revisionName: \"A_b\" is not the name of an object, \
             spec.injectionStrategy.revision.customVersion: \"a b\" is not a label value"
        );
    }

    #[test]
    fn a_spec_without_a_revision_is_not_pinned() {
        assert_eq!(parse(&Value::Null), Err(String::new()));
    }
}
