//! The two hashes of a SidecarSet's containers.

use super::encoding;
use sha2::{Digest, Sha256};
use sidecarset_api::v1beta1::SidecarContainer;
use std::sync::Arc;

/// The letters that hexadecimal digits are spelled with, as in Kruise.
pub(super) const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// The two hashes of a SidecarSet's containers. They are equal to Kruise's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    /// Differs whenever a container differs.
    pub full: Arc<str>,
    /// Differs whenever a container differs in anything but its image.
    pub without_image: Arc<str>,
}

/// Whether the images of the containers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Images {
    Kept,
    Removed,
}

/// Hashes containers that are already defaulted. Init containers count, all of them, once one of them is a native
/// sidecar. A field that this build does not know counts too.
pub fn hashes(containers: Option<&[SidecarContainer]>, init_containers: Option<&[SidecarContainer]>) -> Hashes {
    let init_containers = counted(init_containers);
    let hash = |images| safe_encoded(&Sha256::digest(document(containers, init_containers, images)));
    Hashes { full: hash(Images::Kept).into(), without_image: hash(Images::Removed).into() }
}

/// Returns the init containers if they count.
pub(super) fn counted(init_containers: Option<&[SidecarContainer]>) -> Option<&[SidecarContainer]> {
    init_containers.filter(|list| list.iter().any(is_native_sidecar))
}

pub(super) fn is_native_sidecar(container: &SidecarContainer) -> bool {
    container.container.get("restartPolicy").is_some_and(|policy| policy == "Always")
}

/// Returns the JSON text that is hashed.
fn document(
    containers: Option<&[SidecarContainer]>,
    init_containers: Option<&[SidecarContainer]>,
    images: Images,
) -> String {
    // As in Kruise: containers that are absent are `null`, init containers that do not count are not mentioned.
    let containers = containers.map_or_else(|| "null".to_owned(), |list| text_of_list(list, images));
    let init_containers =
        init_containers.map(|list| format!(r#","initContainers":{}"#, text_of_list(list, images))).unwrap_or_default();
    format!(r#"{{"containers":{containers}{init_containers}}}"#)
}

/// Returns the JSON text of a list of containers.
pub(super) fn list_text(containers: &[SidecarContainer]) -> String {
    text_of_list(containers, Images::Kept)
}

fn text_of_list(containers: &[SidecarContainer], images: Images) -> String {
    let texts: Vec<String> = containers
        .iter()
        .map(|container| match images {
            Images::Kept => encoding::encoded(container),
            Images::Removed => encoding::encoded_without_image(container),
        })
        .collect();
    format!("[{}]", texts.join(","))
}

/// Spells a digest in lower-case hexadecimal, and each of those digits as a letter of the alphabet.
fn safe_encoded(digest: &[u8]) -> String {
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| HEX[usize::from(digit)]);
    digits.map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = r#"{"name": "container1", "image": "test-image"}"#;
    const BARE_NATIVE: &str = r#"{"name": "container1", "image": "test-image", "restartPolicy": "Always"}"#;

    /// A container with something of every kind.
    const RICH: &str = r#"
        {
            "tty": true, "name": "mesh-proxy", "image": "registry.example.com:5000/mesh/proxy:v1.4.2",
            "command": ["/bin/sh", "-c"],
            "args": ["exec proxy --filter 'a < b && c > d' --name \"$(POD_NAME)\""], "workingDir": "/",
            "ports": [
                {"name": "http", "containerPort": 15001, "protocol": "TCP"},
                {"containerPort": 15090, "hostPort": 0, "hostIP": "127.0.0.1", "protocol": "TCP"}
            ],
            "envFrom": [
                {"secretRef": {"optional": false, "name": "mesh"}},
                {"prefix": "P_", "configMapRef": {}}
            ],
            "env": [
                {"name": "EMPTY", "value": ""},
                {
                    "name": "POD_NAME",
                    "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}
                },
                {
                    "name": "CPU",
                    "valueFrom": {
                        "resourceFieldRef": {"resource": "limits.cpu", "containerName": "mesh-proxy"}
                    }
                },
                {
                    "name": "MEM",
                    "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1024Ki"}}
                },
                {
                    "name": "TOKEN",
                    "valueFrom": {"secretKeyRef": {"key": "token", "name": "mesh", "optional": true}}
                }
            ],
            "resources": {
                "requests": {"memory": "0.5Gi", "cpu": "0.1", "example.com/gpu": 1},
                "limits": {"memory": "1.5Gi", "cpu": 2}, "claims": [{"name": "net", "request": ""}]
            },
            "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
            "volumeMounts": [
                {
                    "mountPath": "/etc/mesh", "name": "config", "readOnly": true, "recursiveReadOnly": "Enabled",
                    "subPath": ""
                },
                {
                    "name": "data", "mountPath": "/data", "mountPropagation": "HostToContainer",
                    "subPathExpr": "$(POD_NAME)"
                }
            ],
            "volumeDevices": [{"devicePath": "/dev/xvda", "name": "raw"}],
            "livenessProbe": {
                "httpGet": {
                    "port": "http", "path": "/live", "scheme": "HTTP",
                    "httpHeaders": [{"name": "X-A", "value": ""}]
                },
                "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
                "initialDelaySeconds": 0, "terminationGracePeriodSeconds": 0
            },
            "readinessProbe": {
                "tcpSocket": {"port": 15021}, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1,
                "failureThreshold": 3
            },
            "startupProbe": {"grpc": {"port": 15020}},
            "lifecycle": {"postStart": {"exec": {"command": ["true"]}}, "preStop": {"sleep": {"seconds": 5}}},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
            "securityContext": {
                "runAsUser": 0, "runAsNonRoot": false, "privileged": false,
                "capabilities": {"drop": ["ALL"], "add": []},
                "seccompProfile": {"type": "Localhost", "localhostProfile": "p.json"}, "seLinuxOptions": {},
                "readOnlyRootFilesystem": true
            },
            "stdin": false, "podInjectPolicy": "BeforeAppContainer",
            "upgradeStrategy": {
                "hotUpgradeEmptyImage": "registry.example.com/empty:1", "upgradeType": "HotUpgrade"
            },
            "shareVolumePolicy": {"type": "enabled"}, "shareVolumeDevicePolicy": {"type": "disabled"},
            "transferEnv": [
                {"envName": "A", "sourceContainerName": "main"},
                {
                    "sourceContainerNameFrom": {
                        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.annotations['main']"}
                    },
                    "envNames": ["B", "C"]
                }
            ],
            "resourcesPolicy": {
                "targetContainersMode": "sum", "targetContainersNameRegex": ".*",
                "resourcesExpr": {
                    "limits": {"cpu": "max(cpu*50%, 50m)"}, "requests": {"memory": "memory*0.5", "cpu": ""}
                }
            }
        }"#;

    fn container(text: &str) -> SidecarContainer {
        serde_json::from_str(text).unwrap()
    }

    fn expected(full: &str, without_image: &str) -> Hashes {
        Hashes { full: full.into(), without_image: without_image.into() }
    }

    #[test]
    fn a_bare_container_has_the_hashes_of_kruise() {
        let hashes = hashes(Some(&[container(BARE)]), None);

        assert_eq!(
            hashes,
            expected(
                "w26c4x8fz245642fdv499b464248f974xddx4x55z5dw55bc6x66464fxz77dc78",
                "8wzddb4dvv9c6x8zdc77z4z75987424f457dfv6724ddw6zbdx467wz5x24fc759",
            )
        );
    }

    #[test]
    fn a_native_sidecar_counts() {
        let hashes = hashes(Some(&[container(BARE)]), Some(&[container(BARE_NATIVE)]));

        assert_eq!(
            hashes,
            expected(
                "4xwx4d4844vd4v9x79wb4xbxf4xb29475cc4446v8cz2c2f2f5c5bw448vd42z8w",
                "5725fw8bwbx249bw57v5892c847dzf48bww9zb7c86xb95264fdz26654847b2c8",
            )
        );
    }

    #[test]
    fn an_ordinary_init_container_does_not_count_alone() {
        let with = hashes(Some(&[container(BARE)]), Some(&[container(BARE)]));

        assert_eq!(with, hashes(Some(&[container(BARE)]), None));
    }

    #[test]
    fn an_ordinary_init_container_counts_beside_a_native_sidecar() {
        let setup = container(r#"{"name": "setup", "image": "busybox"}"#);
        let logs = container(
            r#"{"name": "logs", "image": "日志:<1>", "restartPolicy": "Always", "command": [],
                "resources": {"limits": {}, "requests": {"cpu": "1.234"}}, "lifecycle": {}}"#,
        );

        let hashes = hashes(Some(&[]), Some(&[setup, logs]));

        assert_eq!(
            hashes,
            expected(
                "wcxwxfz78546cdf4bb264z9dwzbvddcf8ww6bb465826v5d545dzw88xddz78xxw",
                "4wxz4v227v449985x7zzv8wfbcv9b45b564wf9cfd499z444dvcv7d84x4wdc246",
            )
        );
    }

    #[test]
    fn a_defaulted_container_has_the_hashes_of_kruise() {
        let container = container(
            r#"{"name": "agent", "image": "busybox:1.36", "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent",
                "podInjectPolicy": "BeforeAppContainer", "upgradeStrategy": {"upgradeType": "ColdUpgrade"},
                "shareVolumePolicy": {"type": "disabled"}}"#,
        );

        let hashes = hashes(Some(&[container]), None);

        assert_eq!(
            hashes,
            expected(
                "vcv9449744252484czf45xb572z8zbcwvc7c5b5cx85c44f2wf2964d88c5zd944",
                "62258bb8d4vv7w584244bd5df277d4vw9fbf49c99967447fxw5z4f4956b97fz4",
            )
        );
    }

    #[test]
    fn absent_containers_are_null() {
        let hash = "x5vwx9w6vv4dv72c9w4c2f6v74fbwx545b45bbfz6z2dvf8w887xw86fvcb4cf48";

        assert_eq!(hashes(None, None), expected(hash, hash));
    }

    #[test]
    fn a_rich_container_has_the_hashes_that_go_computes() {
        let hashes = hashes(Some(&[container(RICH)]), None);

        assert_eq!(
            hashes,
            expected(
                "5vz797vb72vf6cfcxvwf4zz4dzbwvxb6f2d475v466ddwcz9cczvv9zxxv4cv265",
                "54f54wb58d42v4wwxddcv98b5fcvv6cx4z72585zv822d24xbcvw7xwf5774xz52",
            )
        );
    }

    #[test]
    fn a_field_of_a_newer_kubernetes_counts() {
        let hash = |text| hashes(Some(&[container(text)]), None).without_image;

        assert_ne!(hash(r#"{"name": "a", "ofTheFuture": 1}"#), hash(r#"{"name": "a", "ofTheFuture": 2}"#));
    }
}
