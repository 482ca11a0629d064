package main

import (
	"context"

	"k8s.io/component-base/cli"
	kubeproxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// A kubelet makes a signal context of its own, and panics when it is handed one.
func runKubelet() int { return cli.Run(kubelet.NewKubeletCommand(context.Background())) }

func runKubeProxy() int { return cli.Run(kubeproxy.NewProxyCommand()) }
