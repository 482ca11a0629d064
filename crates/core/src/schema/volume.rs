//! The fields of a volume.

use super::Kind::{Anything, Flag, Integer, List, Map, Object, Quantity, Text};
use super::{FIELD_REFERENCE, Field, RESOURCE_FIELD_REFERENCE, always, if_given, one_of, or_null, unless_empty};

/// A volume. Its source is one of many.
pub(crate) const VOLUME: &[Field] = &[
    always("name", Text),
    one_of("hostPath", HOST_PATH),
    one_of("emptyDir", EMPTY_DIR),
    one_of("gcePersistentDisk", GCE_PERSISTENT_DISK),
    one_of("awsElasticBlockStore", AWS_ELASTIC_BLOCK_STORE),
    one_of("gitRepo", GIT_REPO),
    one_of("secret", SECRET),
    one_of("nfs", NFS),
    one_of("iscsi", ISCSI),
    one_of("glusterfs", GLUSTERFS),
    one_of("persistentVolumeClaim", CLAIM),
    one_of("rbd", RBD),
    one_of("flexVolume", FLEX),
    one_of("cinder", CINDER),
    one_of("cephfs", CEPH_FS),
    one_of("flocker", FLOCKER),
    one_of("downwardAPI", DOWNWARD_API),
    one_of("fc", FC),
    one_of("azureFile", AZURE_FILE),
    one_of("configMap", CONFIG_MAP),
    one_of("vsphereVolume", VSPHERE),
    one_of("quobyte", QUOBYTE),
    one_of("azureDisk", AZURE_DISK),
    one_of("photonPersistentDisk", PHOTON_PERSISTENT_DISK),
    one_of("projected", PROJECTED),
    one_of("portworxVolume", PORTWORX),
    one_of("scaleIO", SCALE_IO),
    one_of("storageos", STORAGE_OS),
    one_of("csi", CSI),
    one_of("ephemeral", EPHEMERAL),
    one_of("image", IMAGE),
];

const HOST_PATH: &[Field] = &[always("path", Text), if_given("type", Text)];

const EMPTY_DIR: &[Field] = &[unless_empty("medium", Text), if_given("sizeLimit", Quantity), if_given("mode", Integer)];

const GCE_PERSISTENT_DISK: &[Field] = &[
    always("pdName", Text),
    unless_empty("fsType", Text),
    unless_empty("partition", Integer),
    unless_empty("readOnly", Flag),
];

const AWS_ELASTIC_BLOCK_STORE: &[Field] = &[
    always("volumeID", Text),
    unless_empty("fsType", Text),
    unless_empty("partition", Integer),
    unless_empty("readOnly", Flag),
];

const GIT_REPO: &[Field] =
    &[always("repository", Text), unless_empty("revision", Text), unless_empty("directory", Text)];

const SECRET: &[Field] = &[
    unless_empty("secretName", Text),
    unless_empty("items", List(&Object(KEY_TO_PATH))),
    if_given("defaultMode", Integer),
    if_given("optional", Flag),
    if_given("defaultUser", Integer),
];

const KEY_TO_PATH: &[Field] =
    &[always("key", Text), always("path", Text), if_given("mode", Integer), if_given("user", Integer)];

const NFS: &[Field] = &[always("server", Text), always("path", Text), unless_empty("readOnly", Flag)];

const ISCSI: &[Field] = &[
    always("targetPortal", Text),
    always("iqn", Text),
    always("lun", Integer),
    unless_empty("iscsiInterface", Text),
    unless_empty("fsType", Text),
    unless_empty("readOnly", Flag),
    unless_empty("portals", List(&Text)),
    unless_empty("chapAuthDiscovery", Flag),
    unless_empty("chapAuthSession", Flag),
    if_given("secretRef", Object(LOCAL_REFERENCE)),
    if_given("initiatorName", Text),
];

/// The name of a Secret.
pub(crate) const LOCAL_REFERENCE: &[Field] = &[unless_empty("name", Text)];

const GLUSTERFS: &[Field] = &[always("endpoints", Text), always("path", Text), unless_empty("readOnly", Flag)];

const CLAIM: &[Field] = &[always("claimName", Text), unless_empty("readOnly", Flag)];

const RBD: &[Field] = &[
    or_null("monitors", List(&Text)),
    always("image", Text),
    unless_empty("fsType", Text),
    unless_empty("pool", Text),
    unless_empty("user", Text),
    unless_empty("keyring", Text),
    if_given("secretRef", Object(LOCAL_REFERENCE)),
    unless_empty("readOnly", Flag),
];

const FLEX: &[Field] = &[
    always("driver", Text),
    unless_empty("fsType", Text),
    if_given("secretRef", Object(LOCAL_REFERENCE)),
    unless_empty("readOnly", Flag),
    unless_empty("options", Map(&Text)),
];

const CINDER: &[Field] = &[
    always("volumeID", Text),
    unless_empty("fsType", Text),
    unless_empty("readOnly", Flag),
    if_given("secretRef", Object(LOCAL_REFERENCE)),
];

const CEPH_FS: &[Field] = &[
    or_null("monitors", List(&Text)),
    unless_empty("path", Text),
    unless_empty("user", Text),
    unless_empty("secretFile", Text),
    if_given("secretRef", Object(LOCAL_REFERENCE)),
    unless_empty("readOnly", Flag),
];

const FLOCKER: &[Field] = &[unless_empty("datasetName", Text), unless_empty("datasetUUID", Text)];

const DOWNWARD_API: &[Field] = &[
    unless_empty("items", List(&Object(DOWNWARD_FILE))),
    if_given("defaultMode", Integer),
    if_given("defaultUser", Integer),
];

/// A file with something that is known of the Pod.
pub(crate) const DOWNWARD_FILE: &[Field] = &[
    always("path", Text),
    one_of("fieldRef", FIELD_REFERENCE),
    one_of("resourceFieldRef", RESOURCE_FIELD_REFERENCE),
    if_given("mode", Integer),
    if_given("user", Integer),
];

const FC: &[Field] = &[
    unless_empty("targetWWNs", List(&Text)),
    if_given("lun", Integer),
    unless_empty("fsType", Text),
    unless_empty("readOnly", Flag),
    unless_empty("wwids", List(&Text)),
];

const AZURE_FILE: &[Field] = &[always("secretName", Text), always("shareName", Text), unless_empty("readOnly", Flag)];

const CONFIG_MAP: &[Field] = &[
    unless_empty("name", Text),
    unless_empty("items", List(&Object(KEY_TO_PATH))),
    if_given("defaultMode", Integer),
    if_given("optional", Flag),
    if_given("defaultUser", Integer),
];

const VSPHERE: &[Field] = &[
    always("volumePath", Text),
    unless_empty("fsType", Text),
    unless_empty("storagePolicyName", Text),
    unless_empty("storagePolicyID", Text),
];

const QUOBYTE: &[Field] = &[
    always("registry", Text),
    always("volume", Text),
    unless_empty("readOnly", Flag),
    unless_empty("user", Text),
    unless_empty("group", Text),
    unless_empty("tenant", Text),
];

const AZURE_DISK: &[Field] = &[
    always("diskName", Text),
    always("diskURI", Text),
    if_given("cachingMode", Text),
    if_given("fsType", Text),
    if_given("readOnly", Flag),
    if_given("kind", Text),
];

const PHOTON_PERSISTENT_DISK: &[Field] = &[always("pdID", Text), unless_empty("fsType", Text)];

const PROJECTED: &[Field] = &[
    or_null("sources", List(&Object(PROJECTION))),
    if_given("defaultMode", Integer),
    if_given("defaultUser", Integer),
];

/// A source of a projected volume.
pub(crate) const PROJECTION: &[Field] = &[
    one_of("secret", SECRET_PROJECTION),
    one_of("downwardAPI", DOWNWARD_API_PROJECTION),
    one_of("configMap", CONFIG_MAP_PROJECTION),
    one_of("serviceAccountToken", SERVICE_ACCOUNT_TOKEN_PROJECTION),
    one_of("clusterTrustBundle", CLUSTER_TRUST_BUNDLE_PROJECTION),
    one_of("podCertificate", POD_CERTIFICATE_PROJECTION),
];

const SECRET_PROJECTION: &[Field] =
    &[unless_empty("name", Text), unless_empty("items", List(&Object(KEY_TO_PATH))), if_given("optional", Flag)];

const DOWNWARD_API_PROJECTION: &[Field] = &[unless_empty("items", List(&Object(DOWNWARD_FILE)))];

const CONFIG_MAP_PROJECTION: &[Field] =
    &[unless_empty("name", Text), unless_empty("items", List(&Object(KEY_TO_PATH))), if_given("optional", Flag)];

const SERVICE_ACCOUNT_TOKEN_PROJECTION: &[Field] = &[
    unless_empty("audience", Text),
    if_given("expirationSeconds", Integer),
    always("path", Text),
    if_given("user", Integer),
];

const CLUSTER_TRUST_BUNDLE_PROJECTION: &[Field] = &[
    if_given("name", Text),
    if_given("signerName", Text),
    if_given("labelSelector", Object(SELECTOR)),
    if_given("optional", Flag),
    always("path", Text),
    if_given("user", Integer),
];

const SELECTOR: &[Field] =
    &[unless_empty("matchLabels", Map(&Text)), unless_empty("matchExpressions", List(&Object(SELECTOR_REQUIREMENT)))];

const SELECTOR_REQUIREMENT: &[Field] =
    &[always("key", Text), always("operator", Text), unless_empty("values", List(&Text))];

const POD_CERTIFICATE_PROJECTION: &[Field] = &[
    unless_empty("signerName", Text),
    unless_empty("keyType", Text),
    if_given("maxExpirationSeconds", Integer),
    unless_empty("credentialBundlePath", Text),
    unless_empty("keyPath", Text),
    unless_empty("certificateChainPath", Text),
    unless_empty("userAnnotations", Map(&Text)),
    if_given("user", Integer),
];

const PORTWORX: &[Field] = &[always("volumeID", Text), unless_empty("fsType", Text), unless_empty("readOnly", Flag)];

const SCALE_IO: &[Field] = &[
    always("gateway", Text),
    always("system", Text),
    or_null("secretRef", Object(LOCAL_REFERENCE)),
    unless_empty("sslEnabled", Flag),
    unless_empty("protectionDomain", Text),
    unless_empty("storagePool", Text),
    unless_empty("storageMode", Text),
    unless_empty("volumeName", Text),
    unless_empty("fsType", Text),
    unless_empty("readOnly", Flag),
];

const STORAGE_OS: &[Field] = &[
    unless_empty("volumeName", Text),
    unless_empty("volumeNamespace", Text),
    unless_empty("fsType", Text),
    unless_empty("readOnly", Flag),
    if_given("secretRef", Object(LOCAL_REFERENCE)),
];

const CSI: &[Field] = &[
    always("driver", Text),
    if_given("readOnly", Flag),
    if_given("fsType", Text),
    unless_empty("volumeAttributes", Map(&Text)),
    if_given("nodePublishSecretRef", Object(LOCAL_REFERENCE)),
];

const EPHEMERAL: &[Field] = &[if_given("volumeClaimTemplate", Object(CLAIM_TEMPLATE))];

const CLAIM_TEMPLATE: &[Field] = &[always("metadata", Object(METADATA)), always("spec", Object(CLAIM_SPEC))];

const METADATA: &[Field] = &[
    unless_empty("name", Text),
    unless_empty("generateName", Text),
    unless_empty("namespace", Text),
    unless_empty("selfLink", Text),
    unless_empty("uid", Text),
    unless_empty("resourceVersion", Text),
    unless_empty("generation", Integer),
    or_null("creationTimestamp", Text),
    if_given("deletionTimestamp", Text),
    if_given("deletionGracePeriodSeconds", Integer),
    unless_empty("labels", Map(&Text)),
    unless_empty("annotations", Map(&Text)),
    unless_empty("ownerReferences", List(&Object(OWNER_REFERENCE))),
    unless_empty("finalizers", List(&Text)),
    unless_empty("managedFields", List(&Object(MANAGED_FIELDS_ENTRY))),
];

const OWNER_REFERENCE: &[Field] = &[
    always("apiVersion", Text),
    always("kind", Text),
    always("name", Text),
    always("uid", Text),
    if_given("controller", Flag),
    if_given("blockOwnerDeletion", Flag),
];

const MANAGED_FIELDS_ENTRY: &[Field] = &[
    unless_empty("manager", Text),
    unless_empty("operation", Text),
    unless_empty("apiVersion", Text),
    if_given("time", Text),
    unless_empty("fieldsType", Text),
    if_given("fieldsV1", Anything),
    unless_empty("subresource", Text),
];

const CLAIM_SPEC: &[Field] = &[
    unless_empty("accessModes", List(&Text)),
    if_given("selector", Object(SELECTOR)),
    always("resources", Object(CLAIM_RESOURCES)),
    unless_empty("volumeName", Text),
    if_given("storageClassName", Text),
    if_given("volumeMode", Text),
    if_given("dataSource", Object(TYPED_LOCAL_OBJECT_REFERENCE)),
    if_given("dataSourceRef", Object(TYPED_OBJECT_REFERENCE)),
    if_given("volumeAttributesClassName", Text),
];

const CLAIM_RESOURCES: &[Field] = &[unless_empty("limits", Map(&Quantity)), unless_empty("requests", Map(&Quantity))];

const TYPED_LOCAL_OBJECT_REFERENCE: &[Field] = &[or_null("apiGroup", Text), always("kind", Text), always("name", Text)];

const TYPED_OBJECT_REFERENCE: &[Field] =
    &[or_null("apiGroup", Text), always("kind", Text), always("name", Text), if_given("namespace", Text)];

const IMAGE: &[Field] = &[unless_empty("reference", Text), unless_empty("pullPolicy", Text)];
