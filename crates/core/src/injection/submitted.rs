//! What a request to create a Pod came with, as the API server tells.

use super::spec::List;
use crate::json::Json;

/// The fields that a Pod came with. The API server lists them in `managedFields` before it calls the first webhook, whatever the
/// request says there itself, and adds nothing that webhooks do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Submitted<'a> {
    managed: Json<'a>,
}

impl<'a> Submitted<'a> {
    pub(super) fn of(pod: Json<'a>) -> Self {
        Self { managed: pod.at("metadata").at("managedFields") }
    }

    /// Says whether a container of this name was in a list of the Pod. Where nothing is told of any field, none was.
    pub(super) fn has(self, list: List, name: &str) -> bool {
        let lists = self.managed.items().map(|manager| manager.at("fieldsV1").at("f:spec").at(list.managed_name()));
        lists.flat_map(Json::members).any(|(key, _)| container_of(key) == Some(name))
    }
}

/// Returns the name in the key of an item of a list of containers.
// Names of containers have no characters that JSON would escape.
fn container_of(key: &str) -> Option<&str> {
    key.strip_prefix(r#"k:{"name":""#)?.strip_suffix(r#""}"#)
}
