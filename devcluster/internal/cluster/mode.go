package cluster

import (
	"fmt"
	"os"
	"runtime"
)

// Choice is what a person asks the nodes to be.
type Choice string

// Auto is Real where that is possible.
const (
	WantReal      Choice = "real"
	WantSimulated Choice = "simulated"
	WantAuto      Choice = "auto"
)

// ParseChoice reads the value of --nodes.
func ParseChoice(text string) (Choice, error) {
	switch choice := Choice(text); choice {
	case WantReal, WantSimulated, WantAuto:
		return choice, nil
	}
	return "", fmt.Errorf("--nodes is %q where real, simulated or auto is needed", text)
}

// realNodeObstacle says why this process cannot run a real node, or nothing.
func realNodeObstacle() string {
	switch {
	case runtime.GOOS != "linux":
		return "this is not Linux"
	case os.Geteuid() != 0:
		return "this is not root"
	case !hasNamespaceCapabilities():
		return "this root may not make namespaces (it lacks CAP_SYS_ADMIN or CAP_NET_ADMIN)"
	case len(missingPackages()) > 0 && findTool("apt-get") == "":
		return "programs of a real node are missing and there is no apt-get to install them"
	}
	return ""
}
