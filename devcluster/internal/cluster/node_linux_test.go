package cluster

import (
	"slices"
	"testing"
)

const mountinfo = `20 1 8:1 / / rw - ext4 /dev/sda rw
21 20 0:1 / /sys/fs/cgroup rw - tmpfs tmpfs rw
22 21 0:2 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
23 21 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
24 20 0:4 net:[1] /h/a/netns rw - nsfs nsfs rw
25 20 0:5 / /h/ab/netns rw - nsfs nsfs rw
26 20 0:6 / /h/a/kubelet rw - tmpfs tmpfs rw
27 26 0:7 / /h/a/kubelet/inner rw - tmpfs tmpfs rw
`

func TestCgroupHierarchiesOfBothVersionsAreFound(t *testing.T) {
	if got := hierarchiesIn(mountinfo); !slices.Equal(got, []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified"}) {
		t.Errorf("got %v", got)
	}
}

func TestMountsOfAClusterAreFoundInnermostFirst(t *testing.T) {
	if got := pointsBelow(mountinfo, "/h/a"); !slices.Equal(got, []string{"/h/a/kubelet/inner", "/h/a/kubelet", "/h/a/netns"}) {
		t.Errorf("got %v", got)
	}
}

func TestARootWithoutCapabilitiesCannotRunARealNode(t *testing.T) {
	for status, want := range map[string]bool{
		"CapEff:\t000001fffeffffff\n":                     true,
		"Name:\tx\nCapEff:\t00000000a80425fb\nOther:\t\n": false,
		"": false,
	} {
		if got := capabilitiesSuffice(status); got != want {
			t.Errorf("%q: got %t", status, got)
		}
	}
}
