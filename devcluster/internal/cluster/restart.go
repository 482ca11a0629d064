package cluster

import (
	"context"
	"fmt"
	"io"
	"syscall"
	"time"
)

// Restart kills a component of the control plane and starts it again, as a crash would, and
// returns once the API server serves. What runs on the nodes goes on.
func (m Machine) Restart(ctx context.Context, name Name, component string) error {
	part, err := m.hold(name, component, "restarted")
	if err != nil {
		return err
	}
	defer part.lock.Close()
	start := time.Now()
	if err := kill(part.layout, component); err != nil {
		return err
	}
	process, err := part.start(part.layout)
	if err != nil {
		return err
	}
	if err := process.until(ctx, controlPlaneLimit, part.api.isServing); err != nil {
		return err
	}
	fmt.Fprintf(m.Out, "%s of cluster %s was restarted (%.1f s)\n", component, name, time.Since(start).Seconds())
	return nil
}

// held is a component of the control plane, of a cluster that nobody else changes meanwhile.
type held struct {
	component
	layout Layout
	api    *api
	lock   io.Closer
}

// hold finds a component to which something is done, and keeps others from changing the cluster.
func (m Machine) hold(name Name, component, done string) (held, error) {
	layout := m.Home.Layout(name)
	record, found, err := loadRecord(layout)
	if err != nil {
		return held{}, err
	}
	if !found || !record.Complete {
		return held{}, fmt.Errorf("there is no cluster %s", name)
	}
	part, known := record.restartable(layout)[component]
	if !known {
		return held{}, fmt.Errorf("%s cannot be %s, only etcd, kube-apiserver, kube-controller-manager and kube-scheduler", component, done)
	}
	api, err := record.api(layout)
	if err != nil {
		return held{}, err
	}
	lock, err := lockDirectory(layout.Dir)
	if err != nil {
		return held{}, err
	}
	return held{component: part, layout: layout, api: api, lock: lock}, nil
}

// restartable are the components that nothing is a child of, and that keep nothing in memory
// that is not in etcd's files.
func (r Record) restartable(layout Layout) map[string]component {
	parts := map[string]component{}
	for _, part := range []component{r.etcd(layout), r.apiServerComponent(layout), r.controllerManager(layout), r.scheduler(layout)} {
		parts[part.name] = part
	}
	return parts
}

// kill ends a component by its recorded process, and waits until it is gone with its ports.
func kill(layout Layout, component string) error {
	pid, alive := alivePID(layout, component)
	if !alive {
		return nil
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for deadline := time.Now().Add(goneLimit); !hasEnded(pid); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not end", component)
		}
	}
	return nil
}
