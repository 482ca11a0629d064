//! Where each webhook is. The paths are those of Kruise.

/// What a new Pod gets.
pub const POD: &str = "/mutate-pod";

/// What is filled in for a SidecarSet.
pub const MUTATE_SET: &str = "/mutate-apps-kruise-io-sidecarset";

/// Whether a SidecarSet is refused.
pub const VALIDATE_SET: &str = "/validate-apps-kruise-io-sidecarset";
