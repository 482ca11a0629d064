package cluster

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// Restart kills a component of the control plane and starts it again, as a crash would, and
// returns once the API server serves. What runs on the nodes goes on.
func (m Machine) Restart(ctx context.Context, name Name, component string) error {
	layout := m.Home.Layout(name)
	record, found, err := loadRecord(layout)
	if err != nil {
		return err
	}
	if !found || !record.Complete {
		return fmt.Errorf("there is no cluster %s", name)
	}
	lock, err := lockDirectory(layout.Dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	part, known := record.restartable(layout)[component]
	if !known {
		return fmt.Errorf("%s cannot be restarted, only etcd, kube-apiserver, kube-controller-manager and kube-scheduler", component)
	}
	api, err := record.api(layout)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := kill(layout, component); err != nil {
		return err
	}
	process, err := part.start(layout)
	if err != nil {
		return err
	}
	if err := process.until(ctx, controlPlaneLimit, api.isServing); err != nil {
		return err
	}
	fmt.Fprintf(m.Out, "%s of cluster %s was restarted (%.1f s)\n", component, name, time.Since(start).Seconds())
	return nil
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
