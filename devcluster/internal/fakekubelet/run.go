// Package fakekubelet registers nodes that run nothing, and reports the pods bound to them
// as a kubelet would report them.
package fakekubelet

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// Run is the component's main: it returns the exit code.
func Run(args []string) int {
	flags := flag.NewFlagSet("fake-kubelet", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "the file that says how to reach the API server")
	count := flags.Int("nodes", 3, "how many nodes to simulate")
	delay := flags.Duration("delay", time.Second, "how long a container takes to start or to change its image")
	isIPv6 := flags.Bool("ipv6", false, "whether nodes and pods have addresses of IPv6")
	_ = flags.Parse(args)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *count, *delay, addresses{isIPv6: *isIPv6}); err != nil {
		fmt.Fprintf(os.Stderr, "fake-kubelet: %v\n", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, kubeconfig string, count int, delay time.Duration, addresses addresses) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("failed to read the kubeconfig %s: %w", kubeconfig, err)
	}
	config.UserAgent = "devcluster-fake-kubelet"
	// No limit: the API server is meant to be the slowest part. And the cheaper encoding of the two.
	config.QPS = -1
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("failed to make a client: %w", err)
	}
	nodes := newNodes(client, count, addresses)
	if err := nodes.register(ctx); err != nil {
		return err
	}
	go nodes.keepAlive(ctx)
	return newPods(client, nodes, addresses, delay).follow(ctx)
}
