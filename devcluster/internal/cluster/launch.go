package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"sidecarset.dev/devcluster/internal/image"
)

// launch starts the components of a reserved cluster in order, and tells of each step.
type launch struct {
	Record
	layout Layout

	mutex sync.Mutex
	out   io.Writer
}

func (l *launch) run(ctx context.Context) error {
	if err := l.step("certificates and configuration", l.prepare); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	control := func() error { return l.startControlPlane(ctx) }
	if l.Mode == Simulated {
		if err := control(); err != nil {
			return err
		}
		return l.startSimulatedNodes(ctx)
	}
	runtime := func() error { return l.startRuntime(ctx) }
	if err := together(cancel, control, runtime); err != nil {
		return err
	}
	return l.startNode(ctx)
}

func (l *launch) prepare() error {
	if err := l.writePKI(l.layout); err != nil {
		return err
	}
	return l.writeConfigs(l.layout)
}

func (l *launch) startControlPlane(ctx context.Context) error {
	etcd := fmt.Sprintf("127.0.0.1:%d", l.Ports.Etcd)
	api, err := l.api(l.layout)
	if err != nil {
		return err
	}
	err = l.step("etcd and kube-apiserver", func() error {
		database, err := l.etcd(l.layout).start(l.layout)
		if err != nil {
			return err
		}
		// A cluster's namespace hides its etcd from us; there the API server is the judge.
		if l.Mode == Simulated {
			if err := database.until(ctx, controlPlaneLimit, isListening("tcp", etcd)); err != nil {
				return err
			}
		}
		server, err := l.apiServerComponent(l.layout).start(l.layout)
		if err != nil {
			return err
		}
		err = server.until(ctx, controlPlaneLimit, api.isServing)
		if _, alive := alivePID(l.layout, "etcd"); err != nil && !alive {
			return database.failure("ended")
		}
		return err
	})
	if err != nil {
		return err
	}
	return l.step("kube-controller-manager and kube-scheduler", func() error {
		manager, err := l.controllerManager(l.layout).start(l.layout)
		if err != nil {
			return err
		}
		if _, err := l.scheduler(l.layout).start(l.layout); err != nil {
			return err
		}
		return manager.until(ctx, controlPlaneLimit, api.hasDefaultServiceAccount)
	})
}

func (l *launch) startRuntime(ctx context.Context) error {
	var images []*image.Image
	err := l.step("docker-registry and containerd", func() error {
		registry, err := l.registry(l.layout).start(l.layout)
		if err != nil {
			return err
		}
		daemon, err := l.containerd(l.layout).start(l.layout)
		if err != nil {
			return err
		}
		if images, err = buildStandIns(); err != nil {
			return err
		}
		if err := registry.until(ctx, nodeLimit, isListening("tcp", l.registryAddress())); err != nil {
			return err
		}
		if err := daemon.until(ctx, nodeLimit, isListening("unix", l.layout.ContainerdSocket())); err != nil {
			return err
		}
		return daemon.until(ctx, nodeLimit, takesImages(l.layout))
	})
	if err != nil {
		return err
	}
	return l.step(fmt.Sprintf("%d stand-in images (busybox, not the public images)", len(images)), func() error {
		if err := l.push(ctx, images); err != nil {
			return err
		}
		return pull(ctx, l.layout, images)
	})
}

func (l *launch) startNode(ctx context.Context) error {
	api, err := l.api(l.layout)
	if err != nil {
		return err
	}
	return l.step("kubelet and kube-proxy, node "+string(l.Name)+" ready", func() error {
		if err := l.Slot.makeCgroup(); err != nil {
			return err
		}
		kubelet, err := l.kubelet(l.layout).start(l.layout)
		if err != nil {
			return err
		}
		if _, err := l.kubeProxy(l.layout).start(l.layout); err != nil {
			return err
		}
		return kubelet.until(ctx, nodeLimit, api.hasReadyNodes)
	})
}

func (l *launch) startSimulatedNodes(ctx context.Context) error {
	api, err := l.api(l.layout)
	if err != nil {
		return err
	}
	return l.step("simulated nodes ready", func() error {
		kubelet, err := l.fakeKubelet(l.layout).start(l.layout)
		if err != nil {
			return err
		}
		return kubelet.until(ctx, nodeLimit, api.hasReadyNodes)
	})
}

func (l *launch) step(what string, work func() error) error {
	start := time.Now()
	if err := work(); err != nil {
		return err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	fmt.Fprintf(l.out, "%5.1f s  %s\n", time.Since(start).Seconds(), what)
	return nil
}

// together runs all at once and returns the error that came first; the others are cancelled.
func together(cancel context.CancelFunc, works ...func() error) error {
	results := make(chan error, len(works))
	for _, work := range works {
		go func() { results <- work() }()
	}
	var first error
	for range works {
		if err := <-results; err != nil && (first == nil || errors.Is(first, context.Canceled)) {
			first = err
			cancel()
		}
	}
	return first
}
