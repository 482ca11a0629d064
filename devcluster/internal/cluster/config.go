package cluster

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"sidecarset.dev/devcluster/internal/standin"
)

// writeConfigs writes the configuration file of every component, and the kubeconfigs.
func (r Record) writeConfigs(layout Layout) error {
	for _, who := range r.identities() {
		path := layout.userConfig(who.file)
		if who.file == "admin" {
			path = layout.Kubeconfig()
		}
		content, err := r.kubeconfig(layout, who.file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return fmt.Errorf("failed to write %s: %w", path, err)
		}
	}
	if r.Mode == Simulated {
		return nil
	}
	files := map[string]string{
		layout.config("containerd.toml"):                    r.containerdConfig(layout, r.snapshotter(layout)),
		layout.path("registries", "_default", "hosts.toml"): registriesConfig(),
		layout.config("docker-registry.yaml"):               registryConfig(layout),
		layout.config("kubelet.yaml"):                       r.kubeletConfig(layout),
		layout.config("kube-proxy.yaml"):                    r.kubeProxyConfig(layout),
		layout.path("cni", "10-devcluster.conflist"):        r.cniConfig(layout),
	}
	for path, content := range files {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return fmt.Errorf("failed to write %s: %w", path, err)
		}
	}
	return nil
}

// snapshotter chooses how containerd stacks layers. A limited image store is a file system of its
// own, on which an overlay can lie whatever the directory lies on; copies would soon fill it.
func (r Record) snapshotter(layout Layout) string {
	if r.ImageStore != 0 {
		return "overlayfs"
	}
	return snapshotter(layout.Dir)
}

// kubeconfig holds the keys themselves, so that the file can be carried elsewhere.
func (r Record) kubeconfig(layout Layout, user string) (string, error) {
	var encoded []any
	for _, path := range []string{layout.cert("ca"), layout.cert(user), layout.key(user)} {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("failed to read %s for the kubeconfig of %s: %w", path, user, err)
		}
		encoded = append(encoded, base64.StdEncoding.EncodeToString(content))
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: %[1]s
  cluster:
    server: %[2]s
    certificate-authority-data: %[4]s
users:
- name: %[3]s
  user:
    client-certificate-data: %[5]s
    client-key-data: %[6]s
contexts:
- name: %[1]s
  context:
    cluster: %[1]s
    user: %[3]s
current-context: %[1]s
`, append([]any{r.Name, r.apiServer(), user}, encoded...)...), nil
}

// Settings that are not obvious:
//   - restrict_oom_score_adj: without CAP_SYS_RESOURCE every sandbox would fail to start.
//   - registry: see registriesConfig.
//   - netns_mounts_under_state_dir, opt: nothing may lie outside the cluster's directory.
func (r Record) containerdConfig(layout Layout, snapshotter string) string {
	return fmt.Sprintf(`version = 2
root = %[1]q
state = %[2]q
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
  address = %[3]q

[plugins."io.containerd.internal.v1.opt"]
  path = %[4]q

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[5]q
  stream_server_address = "127.0.0.1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  netns_mounts_under_state_dir = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %[6]q
    conf_dir = %[7]q

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = %[8]q

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = %[9]q
`, layout.imageStore(), layout.path("run"), layout.ContainerdSocket(), layout.path("opt"), standin.Pause,
		cniPlugins, layout.path("cni"), snapshotter, layout.path("registries"))
}

// The local registry is every host's server, so that pulls, and pulls that fail, are real
// without the outside world, and a failure says "not found" rather than "unreachable".
func registriesConfig() string {
	// containerd 1.6 ignores a file that has no [host].
	// Asked on loopback, because it cannot read an address of IPv6 there.
	return fmt.Sprintf("server = %[1]q\n\n[host.%[1]q]\n  capabilities = [\"pull\", \"resolve\"]\n", "http://127.0.0.1:"+registryPort)
}

func registryConfig(layout Layout) string {
	return fmt.Sprintf(`version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: %s
http:
  addr: :%s
`, layout.path("registry"), registryPort)
}

// A cable per pod (ptp) needs no bridge, and passes each packet through the node's iptables
// even between two pods; on a bridge that would need the kernel module br_netfilter.
func (r Record) cniConfig(layout Layout) string {
	var ranges, routes []string
	for _, one := range r.networks() {
		ranges = append(ranges, fmt.Sprintf(`[{"subnet": %q}]`, one.pods))
		routes = append(routes, fmt.Sprintf(`{"dst": %q}`, one.all))
	}
	return fmt.Sprintf(`{
  "cniVersion": "0.4.0",
  "name": "devcluster",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": true,
      "ipam": {
        "type": "host-local",
        "dataDir": %q,
        "ranges": [%s],
        "routes": [%s]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`, layout.path("ipam"), strings.Join(ranges, ", "), strings.Join(routes, ", "))
}

// Settings that are not obvious:
//   - failCgroupV1: from 1.35 on, a kubelet refuses a cgroup v1 host unless told otherwise.
//   - oomScoreAdj: the default needs CAP_SYS_RESOURCE.
//   - evictionHard, imageGC*: a developer's disk is always nearly full.
//   - podLogsDir, volumePluginDir: the defaults would outlive the cluster.
func (r Record) kubeletConfig(layout Layout) string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: %[1]q
tlsCertFile: %[2]s
tlsPrivateKeyFile: %[3]s
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: false}
  x509: {clientCAFile: %[4]s}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix://%[5]s
cgroupDriver: cgroupfs
cgroupRoot: /%[6]s
enforceNodeAllocatable: [none]
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
makeIPTablesUtilChains: false
evictionHard:
  memory.available: 1Mi
  nodefs.available: 1Mi
  nodefs.inodesFree: "1"
  imagefs.available: 1Mi
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
serializeImagePulls: false
registryPullQPS: 0
kubeAPIQPS: 100
kubeAPIBurst: 200
maxPods: 200
syncFrequency: 10s
resolvConf: ""
clusterDomain: cluster.local
clusterDNS: [%[7]q]
podLogsDir: %[8]s
volumePluginDir: %[9]s
`, r.nodeAddress(), layout.cert("kubelet-serving"), layout.key("kubelet-serving"), layout.cert("ca"),
		layout.ContainerdSocket(), r.Slot.Cgroup(), r.primary().dnsService().String(),
		layout.path("pod-logs"), layout.path("volume-plugins"))
}

func (r Record) kubeProxyConfig(layout Layout) string {
	return fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
bindAddress: %[1]q
hostnameOverride: %[2]s
clusterCIDR: %[3]q
clientConnection: {kubeconfig: %[4]s}
iptables: {minSyncPeriod: 200ms}
nodePortAddresses: [primary]
oomScoreAdj: 0
conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`, r.nodeAddress(), r.Name, joined(r.networks(), func(n network) netip.Prefix { return n.pods }), layout.userConfig("kube-proxy"))
}
