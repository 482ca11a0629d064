//go:build !linux

package cluster

import (
	"fmt"
	"net/netip"
)

// Only Linux runs real nodes; elsewhere there is nothing to make and nothing to remove.

var errNotLinux = fmt.Errorf("a real node needs Linux")

// RunContainerd always fails here.
func RunContainerd(string) error { return errNotLinux }

func hasNamespaceCapabilities() bool { return false }

func (r Record) makeNetwork(Layout) error   { return errNotLinux }
func (r Record) removeNetwork(Layout) error { return nil }
func hasNetwork(Layout) bool                { return false }
func networkMembers(Layout) []int           { return nil }
func usedAddresses() []netip.Addr           { return nil }
func (s Slot) makeCgroup() error            { return errNotLinux }
func (s Slot) cgroupMembers() []int         { return nil }
func (s Slot) removeCgroup() error          { return nil }
func unmountBelow(string) error             { return nil }
func removeFixedPaths()                     {}
func snapshotter(string) string             { return "overlayfs" }
