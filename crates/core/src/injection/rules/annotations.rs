//! The annotations of a Pod have rules of their own, and a set may add some.

use super::super::edit::PodEdit;
use super::super::spec::List;
use super::Whole;
use super::security::{PROFILES, says_the_same, windows_ignores};
use crate::json::Json;
use crate::normalize::CanonicalSet;
use crate::validation::{APP_ARMOR_PREFIX, SECCOMP_OF_POD};

/// The most bytes that the API server takes as keys and values of all annotations.
const LARGEST: usize = 256 * 1024;

pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    let own = whole.pod.at("metadata").at("annotations");
    // Counting is for those that come near.
    if own.raw().len() + edit.length_of_annotations() > LARGEST {
        check_size(whole, edit);
    }
    for set in whole.sets {
        for key in set.metadata.iter().map(|patch| &patch.key) {
            let container = key.strip_prefix(APP_ARMOR_PREFIX).filter(|name| !whole.has_container(name));
            if let Some(container) = container.filter(|_| edit.annotation(key).is_some()) {
                let message = format!("the Pod has no container {container}");
                edit.reject_for(set, path_of(key), message);
            }
            check_profile(whole, set, key, edit);
        }
    }
}

/// Checks that an annotation with a profile, which a set writes, says what the Pod itself says.
fn check_profile(whole: &Whole<'_>, set: &CanonicalSet, key: &str, edit: &mut PodEdit<'_>) {
    let Some((owner, profile)) = whole.profile_for(key) else { return };
    let is_other = |annotation| profile.is_object() && !says_the_same(annotation, profile);
    if edit.sets_annotation(key) && edit.annotation(key).is_some_and(is_other) {
        edit.reject_for(set, path_of(key), format_args!("is not what securityContext of {owner} says"));
    }
}

fn path_of(key: &str) -> String {
    format!("spec.patchPodMetadata: annotation {key}")
}

fn check_size(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    let own = whole.pod.at("metadata").at("annotations").passing_members();
    let stay = own.filter(|(key, _)| !edit.sets_annotation(key));
    let own: usize = stay.map(|(key, value)| key.len() + value.passing_str().map_or(0, |value| value.len())).sum();
    let size = own + edit.length_of_annotations();
    if size > LARGEST {
        for set in whole.sets {
            let message = format!(
                "the annotations of the Pod come to {size} bytes with those of the sidecars: {LARGEST} are allowed"
            );
            edit.reject_for(set, "metadata.annotations".to_owned(), message);
        }
    }
}

impl<'a> Whole<'a> {
    /// Returns the profile that the Pod itself has where an annotation may say the same, and whose it is.
    fn profile_for(&self, key: &str) -> Option<(String, Json<'a>)> {
        if key == SECCOMP_OF_POD {
            return Some(("the Pod".to_owned(), self.spec.security_context.at("seccompProfile")));
        }
        let known = PROFILES.iter().filter(|(_, field)| !windows_ignores(self, field));
        let (name, field) = known.into_iter().find_map(|(prefix, field)| Some((key.strip_prefix(prefix)?, *field)))?;
        let mut own = List::ALL.into_iter().flat_map(|list| self.layout.staying(list));
        let container = own.find(|own| own.at("name").is(name))?;
        Some((format!("container {name}"), container.at("securityContext").at(field)))
    }

    fn has_container(&self, name: &str) -> bool {
        let is_it = |list| self.layout.staying(list).any(|own| own.at("name").is(name));
        self.layout.is_due(name) || List::ALL.into_iter().any(is_it)
    }
}
