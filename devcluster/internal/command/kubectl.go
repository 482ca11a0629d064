package command

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"sidecarset.dev/devcluster/internal/cluster"
)

// PointKubectl reads `[--name NAME] [--]` off the arguments of `devcluster kubectl`, sets
// KUBECONFIG to that cluster's, and returns what is kubectl's own. Where neither a name is
// given nor the default cluster exists, the caller's KUBECONFIG stays.
func PointKubectl(args []string) ([]string, error) {
	text, args := kubectlTarget(args)
	isGiven := text != ""
	if !isGiven {
		text = cluster.DefaultName
	}
	name, err := cluster.ParseName(text)
	if err != nil {
		return nil, err
	}
	home, err := cluster.FindHome()
	if err != nil {
		return nil, err
	}
	layout := home.Layout(name)
	if _, err := os.Stat(layout.Kubeconfig()); err == nil {
		// What kubectl remembers of a cluster goes when the cluster does.
		err := os.Setenv("KUBECACHEDIR", layout.KubectlCache())
		return args, errors.Join(err, os.Setenv("KUBECONFIG", layout.Kubeconfig()))
	}
	if isGiven {
		return nil, fmt.Errorf("there is no cluster %s", name)
	}
	return args, nil
}

func kubectlTarget(args []string) (name string, rest []string) {
	if len(args) > 0 {
		if value, found := strings.CutPrefix(args[0], "--name="); found {
			name, args = value, args[1:]
		} else if args[0] == "--name" && len(args) > 1 {
			name, args = args[1], args[2:]
		}
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	return name, args
}
