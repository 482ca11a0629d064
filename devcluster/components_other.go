//go:build !linux

package main

import (
	"fmt"
	"os"
)

func runKubelet() int { return needsLinux("kubelet") }

func runKubeProxy() int { return needsLinux("kube-proxy") }

func needsLinux(component string) int {
	fmt.Fprintf(os.Stderr, "devcluster %s: a real node needs Linux\n", component)
	return 1
}
