// Command devcluster is a Kubernetes cluster in one program: its components, kubectl, and
// the commands that start and remove clusters on this machine.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sidecarset.dev/devcluster/internal/command"
)

func main() {
	if filepath.Base(os.Args[0]) == "kubectl" {
		os.Exit(runKubectl())
	}
	if len(os.Args) > 1 {
		if run, known := components[os.Args[1]]; known {
			// Each component reads os.Args itself, and takes its own name for the program's.
			os.Args = os.Args[1:]
			os.Exit(run())
		}
	}
	os.Exit(command.Run(os.Args[1:]))
}

func runPointedKubectl() int {
	args, err := command.PointKubectl(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "devcluster kubectl: %v\n", err)
		return 2
	}
	os.Args = append(os.Args[:1], args...)
	return runKubectl()
}
