//! Every annotation, label, environment variable and condition that is shared with other programs, once.

/// On a SidecarSet: the hash of its containers. On a Pod: a JSON object from the SidecarSet's name to what
/// was injected ([`crate::markers::INJECTED_LIST`] names the sets).
pub const HASH: &str = "kruise.io/sidecarset-hash";

/// Like [`HASH`], with every image left out: two sets that differ in images only have this one in common.
pub const HASH_WITHOUT_IMAGE: &str = "kruise.io/sidecarset-hash-without-image";

/// On a SidecarSet: for which containers the two hashes were recorded, as this operator hashes them. It tells hashes that
/// another program computed, and that stay, from hashes of containers that have changed since.
pub const HASH_BASIS: &str = "kruise.io/sidecarset-hash-basis";

/// On a Pod: the names of the SidecarSets injected into it, sorted and joined with commas.
pub const INJECTED_LIST: &str = "kruise.io/sidecarset-injected-list";

/// On a Pod: what each container ran before its last upgrade in place.
pub const IN_PLACE_STATE: &str = "kruise.io/sidecarset-inplace-update-state";

/// On a SidecarSet: `"true"` makes it a canary of the set that [`BASE`] names.
pub const CANARY: &str = "apps.kruise.io/sidecarset-canary";

/// On a SidecarSet that is a canary: the name of the set whose place it takes.
pub const BASE: &str = "apps.kruise.io/sidecarset-base";

/// On a SidecarSet, in the `v1alpha1` spelling, and on its ControllerRevisions: the version its author gives it.
pub const CUSTOM_VERSION: &str = "apps.kruise.io/sidecarset-custom-version";

/// On a Pod: a JSON object from the name of a sidecar that is upgraded hot to that of its container that is at work.
pub const WORKING_CONTAINER: &str = "kruise.io/sidecarset-working-hotupgrade-container";

/// On a Pod, before the name of a container that is upgraded hot: its version.
pub const VERSION_PREFIX: &str = "version.sidecarset.kruise.io/";

/// On a Pod, before the name of a container that is upgraded hot: the version of the other one of the pair.
pub const VERSION_ALT_PREFIX: &str = "versionalt.sidecarset.kruise.io/";

/// The environment variable in which a container that is upgraded hot finds its version.
pub const VERSION_VARIABLE: &str = "SIDECARSET_VERSION";

/// The environment variable in which a container that is upgraded hot finds the version of the other one of the pair.
pub const VERSION_ALT_VARIABLE: &str = "SIDECARSET_VERSION_ALT";

/// The condition of a Pod that says which SidecarSets can be upgraded in it: its message is a JSON object from their names to
/// true or false.
pub const UPGRADABLE: &str = "SidecarSetUpgradable";

/// On a ControllerRevision: the name of the SidecarSet whose past it holds.
pub const REVISION_OF: &str = "kruise.io/sidecarset-name";

/// On a ControllerRevision: the end of its name, which is a hash of its data.
pub const REVISION_HASH: &str = "controller.kubernetes.io/hash";

/// The environment variable by which an injected container is told from the Pod's own.
pub const IS_INJECTED: &str = "IS_INJECTED";

/// On our webhook configuration, before the name of a replica: the sets about which that one was asked, and that are being
/// written.
pub const ARRIVING_PREFIX: &str = "arriving.sidecarset.kruise.io/";

/// The name under which we write: the API server notes it for each field.
pub const FIELD_MANAGER: &str = "sidecarset-operator";

/// The name under which events are written, as Kruise writes them.
pub const EVENT_SOURCE: &str = "sidecarset-controller";

/// The label that the API server puts on every Namespace: its name.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// On a Pod that the kubelet made from a file: it cannot be changed through the API server.
pub const MIRROR_POD: &str = "kubernetes.io/config.mirror";

/// In the operator's namespace: the ConfigMap with what the administrators of the cluster decide.
pub const CONFIGURATION: &str = "kruise-configuration";

/// In [`CONFIGURATION`]: which annotations SidecarSets may write onto Pods.
pub const PATCH_POD_METADATA_WHITELIST: &str = "SidecarSet_PatchPodMetadata_WhiteList";
