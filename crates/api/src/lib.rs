//! What SidecarSet looks like on the wire: the types of `apps.kruise.io`, the annotations on Pods, the
//! custom resource definition. No behaviour: what any of it means is decided in `sidecarset-core`.

pub mod crd;
pub mod item;
pub mod markers;
pub mod v1alpha1;
pub mod v1beta1;

/// The API group of SidecarSet.
pub const GROUP: &str = "apps.kruise.io";

/// The kind of SidecarSet.
pub const KIND: &str = "SidecarSet";
