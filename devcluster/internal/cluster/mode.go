package cluster

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Wish is what a person asks a new cluster to be.
type Wish struct {
	Nodes Choice
	// Simulation matters only where nodes are simulated.
	Simulation Simulation
	// Family is the addresses that the cluster has.
	Family Family
	// APIServerArguments are more arguments of the API server.
	APIServerArguments []string
	// ImageStore is how many bytes a real node has for images and containers; 0 is as many as
	// the disk has.
	ImageStore int64
}

// ParseImageStore reads the value of --image-store-size.
func ParseImageStore(text string) (int64, error) {
	quantity, err := resource.ParseQuantity(text)
	if err != nil || quantity.Value() < 0 {
		return 0, fmt.Errorf("it is not a number of bytes, such as 200Mi")
	}
	return quantity.Value(), nil
}

// Simulation is how nodes are simulated.
type Simulation struct {
	Nodes int `json:"nodes"`
	// Delay is how long a container takes to start or to change its image.
	Delay time.Duration `json:"delay"`
}

// DefaultSimulation is a small cluster in which one can watch what happens.
var DefaultSimulation = Simulation{Nodes: 3, Delay: time.Second}

// Each node has an address of 198.51.100.0/24, or of IPv6.
const mostSimulatedNodes = 250

// Check says what is wrong with it.
func (s Simulation) Check() error {
	if s.Nodes < 1 || s.Nodes > mostSimulatedNodes {
		return fmt.Errorf("--simulated-nodes is %d where 1 to %d is needed", s.Nodes, mostSimulatedNodes)
	}
	if s.Delay < 0 {
		return fmt.Errorf("--simulated-delay is %s, which is less than nothing", s.Delay)
	}
	return nil
}

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
