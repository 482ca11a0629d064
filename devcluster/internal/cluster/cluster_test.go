package cluster

import (
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestNamesAreShortAndPlain(t *testing.T) {
	for _, name := range []string{"a", "devcluster", "e2e-1", "abcdefghijklmnopqrst"} {
		if _, err := ParseName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "1a", "A", "a-", "a/b", "..", "abcdefghijklmnopqrstu"} {
		if _, err := ParseName(name); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestTheLowestFreeSlotIsChosen(t *testing.T) {
	slot, err := chooseSlot(map[Slot]bool{0: true, 2: true}, nil)

	if err != nil || slot != 1 {
		t.Errorf("got %d, %v", slot, err)
	}
}

func TestASlotWhoseAddressesTheMachineUsesIsPassedOver(t *testing.T) {
	inUse := []netip.Addr{netip.MustParseAddr("10.213.0.1"), netip.MustParseAddr("10.215.1.77"), netip.MustParseAddr("192.168.0.2")}

	slot, err := chooseSlot(nil, inUse)

	if err != nil || slot != 2 {
		t.Errorf("got %d, %v", slot, err)
	}
}

func TestWhenAllSlotsAreTakenTheReasonIsGiven(t *testing.T) {
	taken := map[Slot]bool{}
	for slot := range Slot(slots) {
		taken[slot] = true
	}

	_, err := chooseSlot(taken, nil)

	if err == nil || err.Error() != "all 64 slots for clusters on this machine are taken" {
		t.Errorf("got %v", err)
	}
}

func TestNoTwoSlotsShareAnAddressOrAnInterface(t *testing.T) {
	seen := map[string]bool{}
	for slot := range Slot(slots) {
		parts := []string{slot.Link(), slot.Cgroup()}
		for _, one := range slot.networks(Dual) {
			parts = append(parts, one.link.String(), one.pods.String(), one.services.String())
		}
		for _, part := range parts {
			if seen[part] {
				t.Errorf("%s is given out twice", part)
			}
			seen[part] = true
		}
		if len(slot.Link()) > 15 {
			t.Errorf("%s is too long for an interface", slot.Link())
		}
	}
}

func TestSocketsFitIntoTheirLimit(t *testing.T) {
	home := Home(strings.Repeat("h", maxHome))
	socket := home.Layout("abcdefghijklmnopqrst").ContainerdSocket() + ".ttrpc"

	if len(socket) > 107 {
		t.Errorf("%d characters", len(socket))
	}
}

func TestOnlyAClustersOwnProcessesAreItsComponents(t *testing.T) {
	const dir = "/var/lib/x/a"
	for line, want := range map[string]bool{
		"/bin/devcluster etcd --data-dir=/var/lib/x/a/etcd":                             true,
		"/bin/devcluster kubelet --config=/var/lib/x/a/config/kubelet.yaml":             true,
		"containerd --config /var/lib/x/a/config/containerd.toml":                       true,
		"/usr/bin/containerd-shim-runc-v2 -address /var/lib/x/a/containerd.sock":        true,
		"nsenter --net=/var/lib/x/a/netns -- /bin/devcluster containerd /var/lib/x/a":   true,
		"/bin/devcluster etcd --data-dir=/var/lib/x/ab/etcd":                            false,
		"/bin/devcluster kubectl --kubeconfig /var/lib/x/a/kubeconfig get pods --watch": false,
		"tail -f /var/lib/x/a/logs/etcd.log":                                            false,
		"":                                                                              false,
	} {
		if got := isOwnArgv(strings.Fields(line), dir); got != want {
			t.Errorf("%q: got %t", line, got)
		}
	}
}

func TestPodsOfClustersStayApart(t *testing.T) {
	one, other := Record{Name: "a", Mode: Real, Slot: 1}, Record{Name: "b", Mode: Real, Slot: 2}
	layout := Layout{Dir: "/h/a"}

	config := one.kubeletConfig(layout)

	for _, want := range []string{"cgroupRoot: /devcluster-1\n", "address: \"10.213.1.2\"\n", "podLogsDir: /h/a/pod-logs\n", "containerRuntimeEndpoint: unix:///h/a/containerd.sock\n"} {
		if !strings.Contains(config, want) {
			t.Errorf("%q is missing in\n%s", want, config)
		}
	}
	if one.cniConfig(layout) == other.cniConfig(layout) {
		t.Error("the networks of pods are the same")
	}
}

func TestALimitedImageStoreHoldsOverlaysAndNoCopies(t *testing.T) {
	if got := (Record{ImageStore: 1 << 28}).snapshotter(Layout{Dir: "/h/a"}); got != "overlayfs" {
		t.Errorf("got %q", got)
	}
}

func TestTheNetworkOfPodsIsValidJSON(t *testing.T) {
	config := Record{Slot: 3}.cniConfig(Layout{Dir: "/h/a"})

	if !json.Valid([]byte(config)) || !strings.Contains(config, `"10.214.3.0/24"`) {
		t.Error(config)
	}
}

func TestContainerdWritesOnlyBelowItsCluster(t *testing.T) {
	config := Record{Slot: 3}.containerdConfig(Layout{Dir: "/h/a"}, "overlayfs")

	for _, line := range []string{`root = "/h/a/containerd"`, `state = "/h/a/run"`, `path = "/h/a/opt"`, `restrict_oom_score_adj = true`, `config_path = "/h/a/registries"`} {
		if !strings.Contains(config, line) {
			t.Errorf("%q is missing in\n%s", line, config)
		}
	}
}

func TestASimulatedClusterStaysOnLoopback(t *testing.T) {
	record := Record{Name: "a", Mode: Simulated, Ports: Ports{Etcd: 1, EtcdPeer: 2, APIServer: 3}}
	layout := Layout{Dir: "/h/a"}

	server := strings.Join(record.apiServerComponent(layout).args, " ")

	if record.apiServer() != "https://127.0.0.1:3" || !strings.Contains(server, "--bind-address=127.0.0.1 ") || !strings.Contains(server, "--etcd-servers=http://127.0.0.1:1 ") {
		t.Errorf("%s: %s", record.apiServer(), server)
	}
	if record.apiServerComponent(layout).space != hostSpace {
		t.Error("it wants a namespace")
	}
}

func TestAClusterHasTheAddressesOfItsFamily(t *testing.T) {
	layout := Layout{Dir: "/h/a"}
	for _, example := range []struct {
		family                                     Family
		server, nodeIP, services, pods, proxy, dns string
	}{
		{"", "https://10.213.5.2:6443", "10.213.5.2", "10.215.5.0/24", `[{"subnet": "10.214.5.0/24"}]`, `"10.214.5.0/24"`, "10.215.5.10"},
		{IPv6, "https://[fddc:d:5::2]:6443", "fddc:d:5::2", "fddc:f:5::/112", `[{"subnet": "fddc:e:5::/64"}]`, `"fddc:e:5::/64"`, "fddc:f:5::a"},
		{
			Dual, "https://10.213.5.2:6443", "10.213.5.2,fddc:d:5::2", "10.215.5.0/24,fddc:f:5::/112",
			`[{"subnet": "10.214.5.0/24"}], [{"subnet": "fddc:e:5::/64"}]`, `"10.214.5.0/24,fddc:e:5::/64"`, "10.215.5.10",
		},
	} {
		record := Record{Name: "a", Mode: Real, Slot: 5, Family: example.family, Ports: usualPorts}

		if server := record.apiServer(); server != example.server {
			t.Errorf("%s: the API server is at %s", example.family, server)
		}
		for where, want := range map[string][2]string{
			"kubelet":        {strings.Join(record.kubelet(layout).args, " "), "--node-ip=" + example.nodeIP},
			"kube-apiserver": {strings.Join(record.apiServerComponent(layout).args, " "), "--service-cluster-ip-range=" + example.services + " "},
			"cni":            {record.cniConfig(layout), `"ranges": [` + example.pods + `],`},
			"kube-proxy":     {record.kubeProxyConfig(layout), "clusterCIDR: " + example.proxy + "\n"},
			"dns":            {record.kubeletConfig(layout), `clusterDNS: ["` + example.dns + `"]`},
		} {
			if !strings.Contains(want[0], want[1]) {
				t.Errorf("%s: %s has no %s:\n%s", example.family, where, want[1], want[0])
			}
		}
		if !json.Valid([]byte(record.cniConfig(layout))) {
			t.Errorf("%s: %s", example.family, record.cniConfig(layout))
		}
	}
}

func TestTheAPIServerIsToldWhatAPersonWantsOfIt(t *testing.T) {
	record := Record{Name: "a", Mode: Real, APIServerArguments: []string{"--v=4"}}

	if args := record.restartable(Layout{Dir: "/h/a"})["kube-apiserver"].args; args[len(args)-1] != "--v=4" {
		t.Errorf("it is told %q", args)
	}
}

func TestASimulatedClusterOfIPv6StaysOnItsLoopback(t *testing.T) {
	record := Record{Name: "a", Mode: Simulated, Family: IPv6, Ports: Ports{Etcd: 1, EtcdPeer: 2, APIServer: 3}}

	if server := record.apiServer(); server != "https://[::1]:3" || record.hostAddress() != "::1" {
		t.Errorf("%s, %s", server, record.hostAddress())
	}
}

func TestSimulatedNodesAreAsManyAndAsSlowAsAskedFor(t *testing.T) {
	record := Record{Name: "a", Mode: Simulated, Simulation: Simulation{Nodes: 20, Delay: 250 * time.Millisecond}}

	kubelet := strings.Join(record.fakeKubelet(Layout{Dir: "/h/a"}).args, " ")

	if want := "fake-kubelet --kubeconfig=/h/a/config/fake-kubelet.kubeconfig --nodes=20 --delay=250ms --ipv6=false"; kubelet != want {
		t.Errorf("got %s", kubelet)
	}
}

func TestTheControlPlaneCanBeRestartedAndTheNodeCannot(t *testing.T) {
	parts := Record{Name: "a", Mode: Real, Ports: usualPorts}.restartable(Layout{Dir: "/h/a"})

	for _, component := range Components() {
		_, got := parts[component]
		want := component == "etcd" || strings.HasPrefix(component, "kube-") && component != "kube-proxy"
		if got != want {
			t.Errorf("%s: got %t", component, got)
		}
	}
}

func TestWhatIsKilledIsTheComponentAndNothingElse(t *testing.T) {
	layout := Layout{Dir: t.TempDir()}
	if err := os.MkdirAll(layout.path("pids"), 0o755); err != nil {
		t.Fatal(err)
	}
	// The number in the file is another program's by now: this one's.
	if err := os.WriteFile(layout.pid("etcd"), []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
		t.Fatal(err)
	}

	if err := kill(layout, "etcd"); err != nil {
		t.Error(err)
	}
}

func TestANodeIsReadyWithoutItsFirstTaint(t *testing.T) {
	const ready = `{"type":"Ready","status":"True"}`
	for list, want := range map[string]string{
		`{}`: "no node has registered",
		`{"items":[{"metadata":{"name":"n"},"status":{"conditions":[` + ready + `]}}]}`:                                                            "",
		`{"items":[{"metadata":{"name":"n"}}]}`:                                                                                                    "node n is not ready: it has not said so yet",
		`{"items":[{"metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready","status":"False","message":"no network"}]}}]}`:                 "node n is not ready: no network",
		`{"items":[{"metadata":{"name":"n"},"spec":{"taints":[{"key":"cordon"}]},"status":{"conditions":[` + ready + `]}}]}`:                       "",
		`{"items":[{"metadata":{"name":"n"},"spec":{"taints":[{"key":"node.kubernetes.io/not-ready"}]},"status":{"conditions":[` + ready + `]}}]}`: "node n is not ready: it still has the taint node.kubernetes.io/not-ready",
	} {
		var nodes nodeList
		if err := json.Unmarshal([]byte(list), &nodes); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := nodes.readiness(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", list, got, want)
		}
	}
}

func TestLastLinesLeaveOutTheNewlineAtTheEnd(t *testing.T) {
	if got := LastLines("a\nb\nc\n", 2); got != "b\nc" {
		t.Errorf("got %q", got)
	}
	if got := LastLines("a\n", 5); got != "a" {
		t.Errorf("got %q", got)
	}
}

func TestAFailureShowsTheEndOfTheLog(t *testing.T) {
	failure := &Failure{Component: "etcd", Reason: "ended", LogPath: "/h/a/logs/etcd.log", LogTail: "no space"}

	if got := failure.Error(); got != "etcd ended; the end of /h/a/logs/etcd.log:\nno space" {
		t.Errorf("got %q", got)
	}
}

func TestAProcessHasEndedWhenOnlyItsExitCodeIsLeft(t *testing.T) {
	command := exec.Command("sleep", "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	pid := command.Process.Pid
	if hasEnded(pid) {
		t.Error("it runs")
	}

	// Nobody asks for its exit code, so it stays as a zombie.
	_ = command.Process.Kill()
	for deadline := time.Now().Add(10 * time.Second); !hasEnded(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not end")
		}
	}

	_ = command.Wait()
	if !hasEnded(pid) {
		t.Error("it is gone")
	}
}
