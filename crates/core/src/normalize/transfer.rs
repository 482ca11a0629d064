//! Environment variables that a sidecar copies from the Pod's own containers.

use crate::validation::is_qualified_name;
use sidecarset_api::v1beta1::{FieldReference, TransferEnv};
use std::collections::BTreeSet;

/// Variables that are copied from one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvTransfer {
    /// The names of the variables.
    pub names: BTreeSet<String>,
    /// The container.
    pub source: EnvSource,
}

/// How the container is named that variables are copied from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvSource {
    /// By the set.
    Container(String),
    /// By the value of this label of the Pod.
    Label(String),
    /// By the value of this annotation of the Pod.
    Annotation(String),
}

/// A field of a Pod that cannot name a container.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFieldPathError {
    /// Only version v1 of a Pod is known.
    #[error("apiVersion must be v1, not {0:?}")]
    Version(String),
    /// Only labels and annotations can be referred to.
    #[error("{0:?} is not metadata.annotations['KEY'] or metadata.labels['KEY']")]
    Path(String),
    /// What is between the quotes is no key.
    #[error("{0:?} is not the key of a label or an annotation")]
    Key(String),
}

impl EnvTransfer {
    /// Reads a transfer. A reference to a field of the Pod wins over a name.
    ///
    /// # Errors
    /// The field cannot name a container.
    pub fn parse(source: &TransferEnv) -> Result<Self, ParseFieldPathError> {
        let names = source.env_name.iter().chain(source.env_names.iter().flatten());
        let names = names.filter(|name| !name.is_empty()).cloned().collect();
        let field = source.source_container_name_from.as_ref().and_then(|from| from.field_ref.as_ref());
        let source = match field {
            Some(field) => EnvSource::parse(field)?,
            None => EnvSource::Container(source.source_container_name.clone().unwrap_or_default()),
        };
        Ok(Self { names, source })
    }
}

impl EnvSource {
    fn parse(field: &FieldReference) -> Result<Self, ParseFieldPathError> {
        if let Some(version) = field.api_version.as_deref().filter(|version| !matches!(*version, "" | "v1")) {
            return Err(ParseFieldPathError::Version(version.to_owned()));
        }
        let path = field.field_path.as_str();
        let key = |prefix| path.strip_prefix(prefix).and_then(|rest| rest.strip_suffix("']"));
        if let Some(key) = key("metadata.annotations['") {
            // As in Kubernetes: the key of an annotation is checked without regard to case.
            let is_key = is_qualified_name(&key.to_ascii_lowercase());
            is_key.then(|| Self::Annotation(key.to_owned())).ok_or_else(|| ParseFieldPathError::Key(key.to_owned()))
        } else if let Some(key) = key("metadata.labels['") {
            let is_key = is_qualified_name(key);
            is_key.then(|| Self::Label(key.to_owned())).ok_or_else(|| ParseFieldPathError::Key(key.to_owned()))
        } else {
            Err(ParseFieldPathError::Path(path.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(source: Value) -> Result<EnvTransfer, String> {
        EnvTransfer::parse(&serde_json::from_value(source).unwrap()).map_err(|error| error.to_string())
    }

    fn from_field(path: &str) -> Result<EnvSource, String> {
        parse(json!({"sourceContainerNameFrom": {"fieldRef": {"fieldPath": path}}})).map(|transfer| transfer.source)
    }

    #[test]
    fn one_name_and_several_names_are_taken_together() {
        let transfer = parse(json!({"sourceContainerName": "main", "envName": "TZ", "envNames": ["B", "A", "", "TZ"]}));

        let transfer = transfer.unwrap();
        assert_eq!(transfer.names.iter().map(String::as_str).collect::<Vec<_>>(), ["A", "B", "TZ"]);
        assert_eq!(transfer.source, EnvSource::Container("main".to_owned()));
    }

    #[test]
    fn a_container_can_be_named_by_a_label_or_an_annotation() {
        assert_eq!(from_field("metadata.labels['main']"), Ok(EnvSource::Label("main".to_owned())));
        assert_eq!(from_field("metadata.annotations['x.io/Main']"), Ok(EnvSource::Annotation("x.io/Main".to_owned())));
    }

    #[test]
    fn other_fields_are_refused() {
        assert_eq!(
            from_field("metadata.name"),
            Err("\"metadata.name\" is not metadata.annotations['KEY'] or metadata.labels['KEY']".to_owned())
        );
        assert_eq!(
            from_field("metadata.labels['!']"),
            Err("\"!\" is not the key of a label or an annotation".to_owned())
        );
        let newer = json!({"sourceContainerNameFrom": {"fieldRef": {"apiVersion": "v2", "fieldPath": "x"}}});
        assert_eq!(parse(newer), Err("apiVersion must be v1, not \"v2\"".to_owned()));
    }
}
