package cluster

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// What is killed is gone within moments; a machine under load gets this long.
const goneLimit = 30 * time.Second

type remains int

const (
	keepDirectory remains = iota
	keepNothing
)

// Down ends the named cluster and removes all of it. It is safe to repeat, and to run when
// components have crashed or were killed.
func (m Machine) Down(name Name) error {
	layout := m.Home.Layout(name)
	if _, err := os.Stat(layout.Dir); os.IsNotExist(err) {
		fmt.Fprintf(m.Out, "there is no cluster %s\n", name)
		return nil
	}
	lock, err := lockDirectory(layout.Dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	start := time.Now()
	if err := m.clean(layout, keepNothing); err != nil {
		return err
	}
	fmt.Fprintf(m.Out, "cluster %s is gone (%.1f s)\n", name, time.Since(start).Seconds())
	return nil
}

// clean stops what runs and removes what is left of the cluster in `layout`.
func (m Machine) clean(layout Layout, remains remains) error {
	record, found, err := loadRecord(layout)
	if err != nil {
		return err
	}
	if found {
		if err := stop(record, layout); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(layout.Dir)
	if err != nil {
		return fmt.Errorf("failed to list %s: %w", layout.Dir, err)
	}
	// The record goes last: until then the removal can be repeated.
	for _, entry := range entries {
		if path := layout.path(entry.Name()); path != layout.record() {
			if err := removeAll(path); err != nil {
				return err
			}
		}
	}
	if err := removeAll(layout.record()); err != nil {
		return err
	}
	if remains == keepDirectory {
		return nil
	}
	if err := os.Remove(layout.Dir); err != nil {
		return fmt.Errorf("failed to remove %s: %w", layout.Dir, err)
	}
	// Another cluster's directory keeps the home, and that is no error.
	_ = os.Remove(string(m.Home))
	if record.Mode == Real {
		removeFixedPaths()
	}
	return nil
}

// stop ends every process of the cluster and takes its network, mounts and cgroups away;
// its files, and so its logs, stay.
func stop(record Record, layout Layout) error {
	if err := endProcesses(record, layout); err != nil {
		return err
	}
	if holdsSlot(record, layout) {
		if err := patiently(record.Slot.removeCgroup); err != nil {
			return err
		}
		if err := record.removeNetwork(layout); err != nil {
			return err
		}
	}
	return unmountBelow(layout.Dir)
}

// holdsSlot reports whether the slot of the record is still this cluster's. A record can
// outlive its slot, over a reboot for one, and the slot be another home's cluster's by then;
// the namespace, which goes last, tells.
func holdsSlot(record Record, layout Layout) bool {
	return record.Mode == Real && hasNetwork(layout)
}

// endProcesses kills until nothing is left. Nothing of the cluster is kept, so there is
// nothing that a process would have to finish; and an API server that is asked politely
// drains for a minute.
func endProcesses(record Record, layout Layout) error {
	deadline := time.Now().Add(goneLimit)
	for {
		pids := members(record, layout)
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the processes %v of cluster %s do not end", pids, record.Name)
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// members lists the living processes of the cluster: components, the shims of containers,
// and whatever runs in its containers or its network.
func members(record Record, layout Layout) []int {
	found := map[int]bool{}
	for _, component := range Components() {
		if pid, alive := alivePID(layout, component); alive {
			found[pid] = true
		}
	}
	for _, pid := range processes() {
		if isOwnArgv(commandLine(pid), layout.Dir) {
			found[pid] = true
		}
	}
	if holdsSlot(record, layout) {
		for _, pid := range append(networkMembers(layout), record.Slot.cgroupMembers()...) {
			if len(commandLine(pid)) > 0 {
				found[pid] = true
			}
		}
	}
	delete(found, os.Getpid())
	pids := make([]int, 0, len(found))
	for pid := range found {
		pids = append(pids, pid)
	}
	return pids
}

// removeAll waits for mounts to go: those of a namespace end a moment after its last process.
func removeAll(path string) error {
	return patiently(func() error {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("failed to remove %s: %w", path, err)
		}
		return nil
	})
}

func patiently(work func() error) error {
	deadline := time.Now().Add(goneLimit)
	for {
		err := work()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
