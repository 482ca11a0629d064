//! The fields of containers and volumes in the order in which Go writes them. The order and the presence of each are part
//! of the hash, and of the data of a revision: a row may be added where Kubernetes adds a field, but none may be moved.

mod volume;

pub(crate) use volume::{DOWNWARD_FILE, LOCAL_REFERENCE, PROJECTION, VOLUME};

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) presence: Presence,
    /// Whether it is one of several of which an object has just one.
    pub(crate) is_choice: bool,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Kind {
    Text,
    Flag,
    Integer,
    IntOrString,
    Quantity,
    List(&'static Kind),
    Map(&'static Kind),
    Object(&'static [Field]),
    /// No type is known.
    Anything,
}

/// When a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Always; absence is written as the zero of its kind.
    Always,
    /// Always; absence is written as null.
    OrNull,
    /// Unless it is the zero of its kind.
    UnlessEmpty,
    /// Wherever it is given, even as the zero of its kind.
    IfGiven,
}

use Kind::{Flag, IntOrString, Integer, List, Map, Object, Quantity, Text};

const fn always(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, presence: Presence::Always, is_choice: false }
}

const fn or_null(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, presence: Presence::OrNull, is_choice: false }
}

const fn unless_empty(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, presence: Presence::UnlessEmpty, is_choice: false }
}

const fn if_given(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, presence: Presence::IfGiven, is_choice: false }
}

const fn one_of(name: &'static str, fields: &'static [Field]) -> Field {
    Field { name, kind: Object(fields), presence: Presence::IfGiven, is_choice: true }
}

/// A container, and what SidecarSet adds to it.
pub(crate) const CONTAINER: &[Field] = &[
    always("name", Text),
    unless_empty("image", Text),
    unless_empty("command", List(&Text)),
    unless_empty("args", List(&Text)),
    unless_empty("workingDir", Text),
    unless_empty("ports", List(&Object(PORT))),
    unless_empty("envFrom", List(&Object(ENV_FROM))),
    unless_empty("env", List(&Object(ENV))),
    always("resources", Object(RESOURCES)),
    unless_empty("resizePolicy", List(&Object(RESIZE_POLICY))),
    if_given("restartPolicy", Text),
    unless_empty("restartPolicyRules", List(&Object(RESTART_RULE))),
    unless_empty("volumeMounts", List(&Object(VOLUME_MOUNT))),
    unless_empty("volumeDevices", List(&Object(VOLUME_DEVICE))),
    if_given("livenessProbe", Object(PROBE)),
    if_given("readinessProbe", Object(PROBE)),
    if_given("startupProbe", Object(PROBE)),
    if_given("lifecycle", Object(LIFECYCLE)),
    unless_empty("terminationMessagePath", Text),
    unless_empty("terminationMessagePolicy", Text),
    unless_empty("imagePullPolicy", Text),
    if_given("securityContext", Object(SECURITY_CONTEXT)),
    unless_empty("stdin", Flag),
    unless_empty("stdinOnce", Flag),
    unless_empty("tty", Flag),
    unless_empty("podInjectPolicy", Text),
    always("upgradeStrategy", Object(UPGRADE_STRATEGY)),
    always("shareVolumePolicy", Object(SHARE_POLICY)),
    if_given("shareVolumeDevicePolicy", Object(SHARE_POLICY)),
    unless_empty("transferEnv", List(&Object(TRANSFER_ENV))),
    if_given("resourcesPolicy", Object(RESOURCES_POLICY)),
];

const PORT: &[Field] = &[
    unless_empty("name", Text),
    unless_empty("hostPort", Integer),
    always("containerPort", Integer),
    unless_empty("protocol", Text),
    unless_empty("hostIP", Text),
];

pub(crate) const ENV_FROM: &[Field] = &[
    unless_empty("prefix", Text),
    one_of("configMapRef", OPTIONAL_REFERENCE),
    one_of("secretRef", OPTIONAL_REFERENCE),
];

const OPTIONAL_REFERENCE: &[Field] = &[unless_empty("name", Text), if_given("optional", Flag)];

const ENV: &[Field] = &[always("name", Text), unless_empty("value", Text), if_given("valueFrom", Object(ENV_SOURCE))];

pub(crate) const ENV_SOURCE: &[Field] = &[
    one_of("fieldRef", FIELD_REFERENCE),
    one_of("resourceFieldRef", RESOURCE_FIELD_REFERENCE),
    one_of("configMapKeyRef", KEY_REFERENCE),
    one_of("secretKeyRef", KEY_REFERENCE),
    one_of("fileKeyRef", FILE_KEY_REFERENCE),
];

const FIELD_REFERENCE: &[Field] = &[unless_empty("apiVersion", Text), always("fieldPath", Text)];

const RESOURCE_FIELD_REFERENCE: &[Field] =
    &[unless_empty("containerName", Text), always("resource", Text), always("divisor", Quantity)];

const KEY_REFERENCE: &[Field] = &[unless_empty("name", Text), always("key", Text), if_given("optional", Flag)];

const FILE_KEY_REFERENCE: &[Field] =
    &[always("volumeName", Text), always("path", Text), always("key", Text), if_given("optional", Flag)];

const RESOURCES: &[Field] = &[
    unless_empty("limits", Map(&Quantity)),
    unless_empty("requests", Map(&Quantity)),
    unless_empty("claims", List(&Object(CLAIM))),
];

const CLAIM: &[Field] = &[always("name", Text), unless_empty("request", Text)];

const RESIZE_POLICY: &[Field] = &[always("resourceName", Text), always("restartPolicy", Text)];

const RESTART_RULE: &[Field] = &[unless_empty("action", Text), if_given("exitCodes", Object(EXIT_CODES))];

const EXIT_CODES: &[Field] = &[unless_empty("operator", Text), unless_empty("values", List(&Integer))];

const VOLUME_MOUNT: &[Field] = &[
    always("name", Text),
    unless_empty("readOnly", Flag),
    if_given("recursiveReadOnly", Text),
    always("mountPath", Text),
    unless_empty("subPath", Text),
    if_given("mountPropagation", Text),
    unless_empty("subPathExpr", Text),
    unless_empty("bindMountOptions", List(&Text)),
];

const VOLUME_DEVICE: &[Field] = &[always("name", Text), always("devicePath", Text)];

pub(crate) const PROBE: &[Field] = &[
    one_of("exec", EXEC),
    one_of("httpGet", HTTP_GET),
    one_of("tcpSocket", TCP_SOCKET),
    one_of("grpc", GRPC),
    unless_empty("initialDelaySeconds", Integer),
    unless_empty("timeoutSeconds", Integer),
    unless_empty("periodSeconds", Integer),
    unless_empty("successThreshold", Integer),
    unless_empty("failureThreshold", Integer),
    if_given("terminationGracePeriodSeconds", Integer),
];

const LIFECYCLE: &[Field] =
    &[if_given("postStart", Object(HANDLER)), if_given("preStop", Object(HANDLER)), if_given("stopSignal", Text)];

pub(crate) const HANDLER: &[Field] =
    &[one_of("exec", EXEC), one_of("httpGet", HTTP_GET), one_of("tcpSocket", TCP_SOCKET), one_of("sleep", SLEEP)];

const EXEC: &[Field] = &[unless_empty("command", List(&Text))];

const HTTP_GET: &[Field] = &[
    unless_empty("path", Text),
    always("port", IntOrString),
    unless_empty("host", Text),
    unless_empty("scheme", Text),
    unless_empty("httpHeaders", List(&Object(HTTP_HEADER))),
    if_given("protocol", Text),
];

const HTTP_HEADER: &[Field] = &[always("name", Text), always("value", Text)];

const TCP_SOCKET: &[Field] = &[always("port", IntOrString), unless_empty("host", Text)];

const GRPC: &[Field] = &[always("port", Integer), or_null("service", Text), if_given("mode", Text)];

const SLEEP: &[Field] = &[always("seconds", Integer)];

const SECURITY_CONTEXT: &[Field] = &[
    if_given("capabilities", Object(CAPABILITIES)),
    if_given("privileged", Flag),
    if_given("seLinuxOptions", Object(SE_LINUX_OPTIONS)),
    if_given("windowsOptions", Object(WINDOWS_OPTIONS)),
    if_given("runAsUser", Integer),
    if_given("runAsGroup", Integer),
    if_given("runAsNonRoot", Flag),
    if_given("readOnlyRootFilesystem", Flag),
    if_given("allowPrivilegeEscalation", Flag),
    if_given("procMount", Text),
    if_given("seccompProfile", Object(PROFILE)),
    if_given("appArmorProfile", Object(PROFILE)),
];

const CAPABILITIES: &[Field] = &[unless_empty("add", List(&Text)), unless_empty("drop", List(&Text))];

const SE_LINUX_OPTIONS: &[Field] =
    &[unless_empty("user", Text), unless_empty("role", Text), unless_empty("type", Text), unless_empty("level", Text)];

const WINDOWS_OPTIONS: &[Field] = &[
    if_given("gmsaCredentialSpecName", Text),
    if_given("gmsaCredentialSpec", Text),
    if_given("runAsUserName", Text),
    if_given("hostProcess", Flag),
];

const PROFILE: &[Field] = &[always("type", Text), if_given("localhostProfile", Text)];

/// Annotations for Pods.
pub(crate) const PATCH_POD_METADATA: &[Field] =
    &[unless_empty("annotations", Map(&Text)), unless_empty("patchPolicy", Text)];

const UPGRADE_STRATEGY: &[Field] = &[unless_empty("upgradeType", Text), unless_empty("hotUpgradeEmptyImage", Text)];

const SHARE_POLICY: &[Field] = &[unless_empty("type", Text)];

const TRANSFER_ENV: &[Field] = &[
    unless_empty("sourceContainerName", Text),
    if_given("sourceContainerNameFrom", Object(SOURCE_CONTAINER_NAME)),
    unless_empty("envName", Text),
    unless_empty("envNames", List(&Text)),
];

const SOURCE_CONTAINER_NAME: &[Field] = &[if_given("fieldRef", Object(FIELD_REFERENCE))];

const RESOURCES_POLICY: &[Field] = &[
    always("targetContainersMode", Text),
    always("targetContainersNameRegex", Text),
    always("resourcesExpr", Object(RESOURCE_EXPRESSIONS)),
];

const RESOURCE_EXPRESSIONS: &[Field] =
    &[if_given("limits", Object(RESOURCE_LIST_EXPRESSIONS)), if_given("requests", Object(RESOURCE_LIST_EXPRESSIONS))];

const RESOURCE_LIST_EXPRESSIONS: &[Field] = &[unless_empty("cpu", Text), unless_empty("memory", Text)];
