package cluster

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// makeNetwork makes the cluster's network namespace and the cable to it. The namespace has
// no way to the outside world: whatever is not the host, a pod or a service is refused at
// once instead of timing out.
func (r Record) makeNetwork(layout Layout) error {
	if err := makeNetworkNamespace(layout.netns()); err != nil {
		return err
	}
	slot := r.Slot
	if err := runTool("", "ip", "link", "add", slot.Link(), "type", "veth", "peer", "name", slot.NodeLink(), "netns", layout.netns()); err != nil {
		return err
	}
	if err := runTool(r.routesInside(), "nsenter", "--net="+layout.netns(), "ip", "-batch", "-"); err != nil {
		return err
	}
	for _, one := range r.networks() {
		if err := runTool("1\n", "nsenter", "--net="+layout.netns(), "tee", one.forwarding()); err != nil {
			return err
		}
	}
	return runTool(r.routesOutside(), "ip", "-batch", "-")
}

// routesInside are the commands of `ip` that give the namespace its addresses and routes.
func (r Record) routesInside() string {
	commands := "link set lo up\n"
	for _, one := range r.networks() {
		commands += fmt.Sprintf(`addr add %[2]s/%[3]d dev %[1]s %[6]s
link set %[1]s up
route add %[4]s via %[5]s
route add unreachable %[7]s
`, r.Slot.NodeLink(), one.node(), one.link.Bits(), one.services, one.host(), one.addressFlags(), one.all)
	}
	return commands
}

// routesOutside are those that give this machine the other end, and the ways to pods and services.
func (r Record) routesOutside() string {
	commands := ""
	for _, one := range r.networks() {
		commands += fmt.Sprintf(`addr add %[2]s/%[3]d dev %[1]s %[7]s
link set %[1]s up
route add %[4]s via %[6]s
route add %[5]s via %[6]s
`, r.Slot.Link(), one.host(), one.link.Bits(), one.pods, one.services, one.node(), one.addressFlags())
	}
	return commands
}

// addressFlags keeps the kernel from asking first whether somebody else has an address of IPv6, for a second in which it cannot
// be used: nobody else is on the cable.
func (n network) addressFlags() string {
	if n.link.Addr().Is6() {
		return "nodad"
	}
	return ""
}

// forwarding is the setting of the kernel by which a node passes on what is for its pods.
func (n network) forwarding() string {
	if n.link.Addr().Is6() {
		return "/proc/sys/net/ipv6/conf/all/forwarding"
	}
	return "/proc/sys/net/ipv4/ip_forward"
}

// removeNetwork removes the cable and then the namespace, which is what holds the slot.
func (r Record) removeNetwork(layout Layout) error {
	if _, err := net.InterfaceByName(r.Slot.Link()); err == nil && r.ownsLink(layout) {
		if err := runTool("", "ip", "link", "delete", r.Slot.Link()); err != nil {
			return err
		}
	}
	if err := unix.Unmount(layout.netns(), unix.MNT_DETACH); err != nil {
		return fmt.Errorf("failed to let go of the network namespace %s: %w", layout.netns(), err)
	}
	return nil
}

func hasNetwork(layout Layout) bool {
	mounted, err := mountsBelow(layout.netns())
	return err == nil && len(mounted) > 0
}

func (r Record) ownsLink(layout Layout) bool {
	output, err := exec.Command("nsenter", "--net="+layout.netns(), "ip", "-o", "addr", "show").Output()
	return err == nil && strings.Contains(string(output), " "+r.nodeAddress()+"/")
}

func makeNetworkNamespace(path string) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return fmt.Errorf("failed to make %s: %w", path, err)
	}
	result := make(chan error)
	go func() {
		// This thread changes its namespace and so must end with this goroutine: it is
		// locked and never unlocked.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("failed to make a network namespace: %w", err)
			return
		}
		if err := unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, ""); err != nil {
			result <- fmt.Errorf("failed to keep the network namespace at %s: %w", path, err)
			return
		}
		result <- nil
	}()
	return <-result
}

// networkMembers lists the processes inside the cluster's network namespace.
func networkMembers(layout Layout) []int {
	var own unix.Stat_t
	if unix.Stat(layout.netns(), &own) != nil {
		return nil
	}
	var machine unix.Stat_t
	if unix.Stat("/proc/self/ns/net", &machine) != nil || (machine.Dev == own.Dev && machine.Ino == own.Ino) {
		return nil
	}
	var pids []int
	for _, pid := range processes() {
		var theirs unix.Stat_t
		if unix.Stat(fmt.Sprintf("/proc/%d/ns/net", pid), &theirs) == nil && theirs.Dev == own.Dev && theirs.Ino == own.Ino {
			pids = append(pids, pid)
		}
	}
	return pids
}

// usedAddresses lists the addresses of this machine.
func usedAddresses() []netip.Addr {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var addresses []netip.Addr
	for _, one := range found {
		if prefix, err := netip.ParsePrefix(one.String()); err == nil {
			addresses = append(addresses, prefix.Addr())
		}
	}
	return addresses
}

// runTool runs a program to its end; its output is part of the error.
func runTool(input, name string, args ...string) error {
	path := findTool(name)
	if path == "" {
		return fmt.Errorf("the program %s is not installed", name)
	}
	command := exec.Command(path, args...)
	command.Stdin = strings.NewReader(input)
	command.Env = append(os.Environ(), "PATH="+toolPath)
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("failed to run %s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}
