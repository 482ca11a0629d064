package main

import (
	"fmt"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"sidecarset.dev/devcluster/internal/cluster"
	"sidecarset.dev/devcluster/internal/fakekubelet"
)

// components are what this program can be instead of itself. Each returns its exit code.
var components = map[string]func() int{
	"etcd":                    func() int { etcdmain.Main(os.Args); return 0 },
	"kube-apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) },
	"kube-scheduler":          func() int { return cli.Run(scheduler.NewSchedulerCommand()) },
	"kubelet":                 runKubelet,
	"kube-proxy":              runKubeProxy,
	"kubectl":                 runPointedKubectl,
	"containerd":              runContainerd,
	"fake-kubelet":            func() int { return fakekubelet.Run(os.Args[1:]) },
}

func runKubectl() int {
	return cli.Run(kubectl.NewDefaultKubectlCommand())
}

func runContainerd() int {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "devcluster containerd: only `devcluster up` starts this")
		return 2
	}
	fmt.Fprintf(os.Stderr, "devcluster containerd: %v\n", cluster.RunContainerd(os.Args[1]))
	return 1
}
