//! Where each webhook is. The paths are those of Kruise.

/// What a new Pod gets.
pub const POD: &str = "/mutate-pod";

/// The same, with what the API server knows.
pub const POD_OF_CALL: &str = "/mutate-pod/{policy}/{scope}";

/// Whether sets select a namespace whose labels are written.
pub const NAMESPACE: &str = "/validate-namespace";

/// What is filled in for a SidecarSet.
pub const MUTATE_SET: &str = "/mutate-apps-kruise-io-sidecarset";

/// Whether a SidecarSet is refused.
pub const VALIDATE_SET: &str = "/validate-apps-kruise-io-sidecarset";
