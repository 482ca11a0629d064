package cluster

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
)

// space says which namespaces a component runs in.
type space int

const (
	// hostSpace is the machine's own.
	hostSpace space = iota
	// networkSpace is the cluster's network, with the machine's mounts.
	networkSpace
	// nodeSpace is the cluster's network and containerd's mounts.
	nodeSpace
)

// component is a process of a cluster.
type component struct {
	name string
	// args are those of the program itself, or of `program` when that is another one.
	args    []string
	program string
	space   space
}

// Components names every process a cluster may have, in the order they start.
func Components() []string {
	return []string{
		"etcd", "kube-apiserver", "docker-registry", "containerd", "kube-controller-manager",
		"kube-scheduler", "kubelet", "kube-proxy", "fake-kubelet",
	}
}

func (r Record) controlSpace() space {
	if r.Mode == Real {
		return networkSpace
	}
	return hostSpace
}

func (r Record) etcd(layout Layout) component {
	client := r.etcdClient()
	peer := fmt.Sprintf("http://127.0.0.1:%d", r.Ports.EtcdPeer)
	return component{name: "etcd", space: r.controlSpace(), args: []string{
		"etcd",
		"--name=" + string(r.Name),
		"--data-dir=" + layout.path("etcd"),
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=" + string(r.Name) + "=" + peer,
		// The data does not outlive the cluster, so it need not survive a power cut.
		"--unsafe-no-fsync",
		// The default of 2 GiB is soon full where ten thousands of pods change all the time.
		"--quota-backend-bytes=8589934592",
		"--log-level=warn",
	}}
}

func (r Record) apiServerComponent(layout Layout) component {
	args := []string{
		"kube-apiserver",
		"--etcd-servers=" + r.etcdClient(),
		"--bind-address=" + r.nodeAddress(),
		"--advertise-address=" + r.nodeAddress(),
		fmt.Sprintf("--secure-port=%d", r.Ports.APIServer),
		"--tls-cert-file=" + layout.cert("apiserver"),
		"--tls-private-key-file=" + layout.key("apiserver"),
		"--client-ca-file=" + layout.cert("ca"),
		"--requestheader-client-ca-file=" + layout.cert("front-proxy-ca"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + layout.cert("front-proxy"),
		"--proxy-client-key-file=" + layout.key("front-proxy"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + layout.key("service-accounts"),
		"--service-account-signing-key-file=" + layout.key("service-accounts"),
		"--service-cluster-ip-range=" + joined(r.networks(), func(n network) netip.Prefix { return n.services }),
		"--authorization-mode=Node,RBAC",
		"--allow-privileged=true",
	}
	if r.Mode == Real {
		args = append(args,
			"--kubelet-certificate-authority="+layout.cert("ca"),
			"--kubelet-client-certificate="+layout.cert("kubelet-client"),
			"--kubelet-client-key="+layout.key("kubelet-client"),
			"--kubelet-preferred-address-types=InternalIP")
	} else {
		args = append(args,
			// A loopback address may not be the endpoint of a service.
			"--endpoint-reconciler-type=none",
			// Nothing routes service addresses here, so the API server dials endpoints itself.
			"--enable-aggregator-routing=true")
	}
	args = append(args, r.APIServerArguments...)
	return component{name: "kube-apiserver", space: r.controlSpace(), args: args}
}

func (r Record) controllerManager(layout Layout) component {
	kubeconfig := layout.userConfig("kube-controller-manager")
	return component{name: "kube-controller-manager", space: r.controlSpace(), args: []string{
		"kube-controller-manager",
		"--kubeconfig=" + kubeconfig,
		"--secure-port=0",
		"--leader-elect=false",
		"--use-service-account-credentials",
		"--service-account-private-key-file=" + layout.key("service-accounts"),
		"--root-ca-file=" + layout.cert("ca"),
		"--cluster-signing-cert-file=" + layout.cert("ca"),
		"--cluster-signing-key-file=" + layout.key("ca"),
		// The default is a directory below /usr, which would outlive the cluster.
		"--flex-volume-plugin-dir=" + layout.path("volume-plugins"),
		"--kube-api-qps=200",
		"--kube-api-burst=400",
	}}
}

func (r Record) scheduler(layout Layout) component {
	return component{name: "kube-scheduler", space: r.controlSpace(), args: []string{
		"kube-scheduler",
		"--kubeconfig=" + layout.userConfig("kube-scheduler"),
		"--secure-port=0",
		"--leader-elect=false",
	}}
}

func (r Record) registry(layout Layout) component {
	return component{
		name: "docker-registry", program: "docker-registry", space: networkSpace,
		args: []string{"serve", layout.config("docker-registry.yaml")},
	}
}

// containerd is started through ourselves, to give it mounts of its own first.
func (r Record) containerd(layout Layout) component {
	return component{name: "containerd", space: networkSpace, args: []string{"containerd", layout.Dir}}
}

func (r Record) kubelet(layout Layout) component {
	return component{name: "kubelet", space: nodeSpace, args: []string{
		"kubelet",
		"--config=" + layout.config("kubelet.yaml"),
		"--kubeconfig=" + layout.userConfig("kubelet"),
		"--root-dir=" + layout.path("kubelet"),
		"--cert-dir=" + layout.path("kubelet", "pki"),
		"--hostname-override=" + string(r.Name),
		"--node-ip=" + joined(r.networks(), network.node),
	}}
}

func (r Record) kubeProxy(layout Layout) component {
	return component{name: "kube-proxy", space: nodeSpace, args: []string{
		"kube-proxy", "--config=" + layout.config("kube-proxy.yaml"),
	}}
}

func (r Record) fakeKubelet(layout Layout) component {
	return component{name: "fake-kubelet", space: hostSpace, args: []string{
		"fake-kubelet",
		"--kubeconfig=" + layout.userConfig("fake-kubelet"),
		fmt.Sprintf("--nodes=%d", r.Simulation.Nodes),
		"--delay=" + r.Simulation.Delay.String(),
		fmt.Sprintf("--ipv6=%t", r.Family == IPv6),
	}}
}

// isComponent reports whether a command line is that of a process of the cluster in `dir`.
// A person's own command that merely names a file of the cluster is not.
func isComponent(argv []string, dir string) bool {
	if len(argv) < 2 || !slices.ContainsFunc(argv[1:], func(arg string) bool { return mentions(arg, dir) }) {
		return false
	}
	switch filepath.Base(argv[0]) {
	case "containerd", "containerd-shim-runc-v2", "docker-registry":
		return true
	}
	return slices.Contains(Components(), argv[1])
}

// mentions reports whether an argument holds the path `dir`, alone or as a parent.
func mentions(arg, dir string) bool {
	for start := 0; start+len(dir) <= len(arg); start++ {
		if arg[start:start+len(dir)] != dir {
			continue
		}
		if rest := arg[start+len(dir):]; rest == "" || rest[0] == '/' {
			return true
		}
	}
	return false
}
