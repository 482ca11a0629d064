package cluster

import (
	"fmt"
	"net/netip"
)

// slots is how many clusters can run side by side on a machine.
const slots = 64

// Slot numbers the clusters of this machine; addresses, interfaces and cgroups follow from it.
type Slot int

// Link is the host's end of the cable between the host and the cluster's namespace.
func (s Slot) Link() string { return fmt.Sprintf("devc%d", int(s)) }

// NodeLink is the other end, inside the namespace.
func (s Slot) NodeLink() string { return "node0" }

// Cgroup is the cgroup, below every hierarchy's root, that holds the cluster's pods.
func (s Slot) Cgroup() string { return fmt.Sprintf("devcluster-%d", int(s)) }

// HostAddress is the host as the cluster sees it.
func (s Slot) HostAddress() netip.Addr { return s.address(213, 1) }

// NodeAddress is the node, and so the API server, as the host sees it.
func (s Slot) NodeAddress() netip.Addr { return s.address(213, 2) }

// LinkRange holds the host's and the node's address.
func (s Slot) LinkRange() netip.Prefix { return netip.PrefixFrom(s.address(213, 0), 24) }

// PodRange holds the pods' addresses.
func (s Slot) PodRange() netip.Prefix { return netip.PrefixFrom(s.address(214, 0), 24) }

// ServiceRange holds the services' addresses.
func (s Slot) ServiceRange() netip.Prefix { return netip.PrefixFrom(s.address(215, 0), 24) }

// KubernetesService is the API server's own service: the first address of the range.
func (s Slot) KubernetesService() netip.Addr { return s.address(215, 1) }

// DNSService is where pods are told to ask for names. Nothing answers there.
func (s Slot) DNSService() netip.Addr { return s.address(215, 10) }

func (s Slot) address(net, host byte) netip.Addr {
	return netip.AddrFrom4([4]byte{10, net, byte(s), host})
}

// isFree reports whether no address of the machine lies in the slot's ranges.
func (s Slot) isFree(inUse []netip.Addr) bool {
	for _, address := range inUse {
		for _, prefix := range []netip.Prefix{s.LinkRange(), s.PodRange(), s.ServiceRange()} {
			if prefix.Contains(address) {
				return false
			}
		}
	}
	return true
}

// chooseSlot returns the lowest slot that no cluster holds and no address of the machine lies in.
func chooseSlot(taken map[Slot]bool, inUse []netip.Addr) (Slot, error) {
	for slot := Slot(0); slot < slots; slot++ {
		if !taken[slot] && slot.isFree(inUse) {
			return slot, nil
		}
	}
	return 0, fmt.Errorf("all %d slots for clusters on this machine are taken", slots)
}
