package cluster

import (
	"fmt"
	"net/netip"
	"strings"
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

// Family is the addresses that a cluster has.
type Family string

// Dual is both, with those of IPv4 first.
const (
	IPv4 Family = "ipv4"
	IPv6 Family = "ipv6"
	Dual Family = "dual"
)

// ParseFamily reads the value of --ip-family.
func ParseFamily(text string) (Family, error) {
	switch family := Family(text); family {
	case IPv4, IPv6, Dual:
		return family, nil
	}
	return "", fmt.Errorf("--ip-family is %q where ipv4, ipv6 or dual is needed", text)
}

// network is the ranges of a slot in one family.
type network struct {
	// link holds the host's and the node's address.
	link     netip.Prefix
	pods     netip.Prefix
	services netip.Prefix
	// all is every address of the family, loopback the machine's own.
	all      netip.Prefix
	loopback netip.Addr
}

func (s Slot) ipv4() network {
	ranged := func(net byte) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, net, byte(s), 0}), 24)
	}
	return network{
		link: ranged(213), pods: ranged(214), services: ranged(215),
		all: netip.PrefixFrom(netip.IPv4Unspecified(), 0), loopback: netip.AddrFrom4([4]byte{127, 0, 0, 1}),
	}
}

// ipv6 has local addresses with the numbers of IPv4 in them, so that a person sees which is which.
func (s Slot) ipv6() network {
	ranged := func(net byte, bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 1: 0xdc, 3: net, 5: byte(s)}), bits)
	}
	return network{
		// An API server takes no more than 2^20 addresses for services.
		link: ranged(0xd, 64), pods: ranged(0xe, 64), services: ranged(0xf, 112),
		all: netip.PrefixFrom(netip.IPv6Unspecified(), 0), loopback: netip.IPv6Loopback(),
	}
}

// networks are those of a cluster of this family, the one that is used where there can be only one first.
func (s Slot) networks(family Family) []network {
	switch family {
	case IPv6:
		return []network{s.ipv6()}
	case Dual:
		return []network{s.ipv4(), s.ipv6()}
	default:
		return []network{s.ipv4()}
	}
}

// host is the host as the cluster sees it.
func (n network) host() netip.Addr { return nth(n.link, 1) }

// node is the node, and so the API server, as the host sees it.
func (n network) node() netip.Addr { return nth(n.link, 2) }

// kubernetesService is the API server's own service: the first address of the range.
func (n network) kubernetesService() netip.Addr { return nth(n.services, 1) }

// dnsService is where pods are told to ask for names. Nothing answers there.
func (n network) dnsService() netip.Addr { return nth(n.services, 10) }

// nth returns an address by its place in a range.
func nth(prefix netip.Prefix, place byte) netip.Addr {
	bytes := prefix.Addr().AsSlice()
	bytes[len(bytes)-1] = place
	address, _ := netip.AddrFromSlice(bytes)
	return address
}

// joined returns something of each network, as components take lists of addresses and ranges.
func joined[T fmt.Stringer](networks []network, part func(network) T) string {
	var parts []string
	for _, one := range networks {
		parts = append(parts, part(one).String())
	}
	return strings.Join(parts, ",")
}

// isFree reports whether no address of the machine lies in the slot's ranges.
func (s Slot) isFree(inUse []netip.Addr) bool {
	for _, address := range inUse {
		for _, network := range s.networks(Dual) {
			if network.link.Contains(address) || network.pods.Contains(address) || network.services.Contains(address) {
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
