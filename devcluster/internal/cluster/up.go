package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// Limits are generous: a machine that compiles something else at the same time is slow.
const (
	controlPlaneLimit = 120 * time.Second
	nodeLimit         = 120 * time.Second
	readinessLimit    = 20 * time.Second
)

// Machine is the clusters of this machine, and where to tell what is done to them.
type Machine struct {
	Home Home
	Out  io.Writer
}

// Up starts the named cluster and returns once a pod can be made in it. A cluster that is
// up is left as it is; what a crash left of it is removed first.
func (m Machine) Up(ctx context.Context, name Name, wish Wish) error {
	layout := m.Home.Layout(name)
	lock, err := lockDirectory(layout.Dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	isUp, err := m.isUp(ctx, name)
	if err != nil {
		return err
	}
	if isUp {
		fmt.Fprintf(m.Out, "cluster %s is already up\nexport KUBECONFIG=%s\n", name, layout.Kubeconfig())
		return nil
	}
	start := time.Now()
	if err := m.clean(layout, keepDirectory); err != nil {
		return err
	}
	mode, err := m.chooseMode(ctx, layout, wish.Nodes)
	if err != nil {
		return err
	}
	record, err := m.reserve(layout, Record{
		Name: name, Mode: mode, Simulation: wish.Simulation, ImageStore: wish.ImageStore, Family: wish.Family,
		APIServerArguments: wish.APIServerArguments, Ports: usualPorts,
	})
	if err != nil {
		return err
	}
	if err := (&launch{Record: record, layout: layout, out: m.Out}).run(ctx); err != nil {
		if stopErr := stop(record, layout); stopErr != nil {
			fmt.Fprintln(m.Out, stopErr)
		}
		return err
	}
	record.Complete = true
	if err := record.save(layout); err != nil {
		return err
	}
	fmt.Fprintf(m.Out, "cluster %s is up (%s nodes, %.1f s)\nexport KUBECONFIG=%s\n", name, mode, time.Since(start).Seconds(), layout.Kubeconfig())
	return nil
}

// isUp reports whether the cluster is there and ready. One whose processes all run is never
// taken for broken: it is given a while to be ready, and after that a person has to decide.
func (m Machine) isUp(ctx context.Context, name Name) (bool, error) {
	for start := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		record, found, err := loadRecord(m.Home.Layout(name))
		if err != nil || !found || !record.Complete {
			return false, err
		}
		status, err := m.Status(ctx, name)
		switch {
		case err != nil || status.Ready || len(status.Stopped) > 0:
			return status.Ready, err
		case ctx.Err() != nil:
			return false, ctx.Err()
		case time.Since(start) > readinessLimit:
			return false, fmt.Errorf("cluster %s runs but is not ready; see `devcluster logs --name %[1]s`, or remove it with `devcluster down --name %[1]s`", name)
		}
	}
}

func (m Machine) chooseMode(ctx context.Context, layout Layout, choice Choice) (Mode, error) {
	if choice == WantSimulated {
		fmt.Fprintln(m.Out, "nodes are simulated as asked: real containers are not shown")
		return Simulated, nil
	}
	obstacle := realNodeObstacle()
	if missing := missingPackages(); obstacle == "" && len(missing) > 0 {
		say := func(line string) { fmt.Fprintln(m.Out, line) }
		if err := installPackages(ctx, missing, layout.path("apt.log"), say); err != nil {
			if choice == WantReal || ctx.Err() != nil {
				return "", err
			}
			obstacle = "the Debian packages of a real node could not be installed"
		}
	}
	if obstacle == "" {
		return Real, nil
	}
	if choice == WantReal {
		return "", fmt.Errorf("a real node is not possible: %s", obstacle)
	}
	fmt.Fprintf(m.Out, "nodes are simulated because %s: real containers are not shown\n", obstacle)
	return Simulated, nil
}

// reserve makes the cluster's directories and holds a slot or ports for it. The record is
// written before anything else is made, so that whatever follows can be removed by it.
func (m Machine) reserve(layout Layout, record Record) (Record, error) {
	for _, dir := range []string{"config", "pki", "logs", "pids", "own", "cni", "volume-plugins", "registries/_default"} {
		if err := os.MkdirAll(layout.path(dir), 0o755); err != nil {
			return Record{}, fmt.Errorf("failed to make %s: %w", layout.path(dir), err)
		}
	}
	lock, err := lockDirectory(string(m.Home))
	if err != nil {
		return Record{}, err
	}
	defer lock.Close()
	if record.Mode == Simulated {
		if record.Ports, err = freePorts(); err != nil {
			return Record{}, err
		}
		return record, record.save(layout)
	}
	taken, err := m.takenSlots(record.Name)
	if err != nil {
		return Record{}, err
	}
	for {
		if record.Slot, err = chooseSlot(taken, usedAddresses()); err != nil {
			return Record{}, err
		}
		if err := record.save(layout); err != nil {
			return Record{}, err
		}
		if err = record.makeNetwork(layout); err == nil {
			return record, nil
		}
		if _, statErr := os.Stat("/sys/class/net/" + record.Slot.Link()); statErr != nil {
			return Record{}, err
		}
		// A cluster of another home was faster, and holds the slot by its interface.
		taken[record.Slot] = true
		if err := unmountBelow(layout.Dir); err != nil {
			return Record{}, err
		}
	}
}

func (m Machine) takenSlots(except Name) (map[Slot]bool, error) {
	names, err := m.Home.Names()
	if err != nil {
		return nil, err
	}
	taken := map[Slot]bool{}
	for _, name := range names {
		record, found, err := loadRecord(m.Home.Layout(name))
		if err != nil {
			return nil, err
		}
		if found && name != except && record.Mode == Real {
			taken[record.Slot] = true
		}
	}
	return taken, nil
}
