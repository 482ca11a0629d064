package cluster

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func hasNamespaceCapabilities() bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	return capabilitiesSuffice(string(status))
}

func capabilitiesSuffice(status string) bool {
	for line := range strings.Lines(status) {
		value, found := strings.CutPrefix(line, "CapEff:")
		if !found {
			continue
		}
		effective, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		needed := uint64(1)<<unix.CAP_SYS_ADMIN | uint64(1)<<unix.CAP_NET_ADMIN
		return err == nil && effective&needed == needed
	}
	return false
}
