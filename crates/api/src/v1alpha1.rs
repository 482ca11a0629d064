//! The older version of the API. It has the same schema as [`crate::v1beta1`], so nothing is converted and a
//! SidecarSet can be read while the operator is away; its older spellings (`spec.namespace`, `spec.paused`,
//! `spec.strategy`) are members of [`crate::v1beta1::SidecarSetSpec`].

/// The name of this version.
pub const VERSION: &str = "v1alpha1";
