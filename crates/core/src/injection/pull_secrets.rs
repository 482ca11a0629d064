//! The Secrets with which images are pulled.

use super::edit::PodEdit;
use crate::json::{Json, write_text};
use crate::normalize::CanonicalSet;
use std::collections::BTreeSet;

/// Adds the references that the Pod does not have yet, in the order of the sets.
pub(super) fn merge(own: Json<'_>, sets: &[&CanonicalSet], edit: &mut PodEdit<'_>) {
    let mut known: BTreeSet<&str> = own.items().filter_map(|secret| secret.at("name").as_str()).collect();
    let secrets = sets.iter().flat_map(|set| &set.image_pull_secrets);
    let missing: Vec<String> = secrets.filter(|name| known.insert(name)).map(|name| reference(name)).collect();
    edit.append("imagePullSecrets", &missing);
}

fn reference(name: &str) -> String {
    let mut text = r#"{"name":"#.to_owned();
    write_text(&mut text, name);
    text.push('}');
    text
}
