package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// makeCgroup makes the slot's cgroup in every hierarchy, for the kubelet to put pods below.
func (s Slot) makeCgroup() error {
	hierarchies, err := cgroupHierarchies()
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		dir := filepath.Join(hierarchy, s.Cgroup())
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("failed to make the cgroup %s: %w", dir, err)
		}
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			// A new cgroup v1 cpuset is empty, and nothing may run in it. Elsewhere the
			// file does not exist.
			if content, err := os.ReadFile(filepath.Join(hierarchy, file)); err == nil {
				_ = os.WriteFile(filepath.Join(dir, file), content, 0o644)
			}
		}
		delegateControllers(hierarchy)
		delegateControllers(dir)
	}
	return nil
}

// delegateControllers lets cgroups below `dir` use what controllers there are. In cgroup v1
// there is nothing to delegate; a controller that cannot be delegated is missed by the kubelet,
// which says so better than we could.
func delegateControllers(dir string) {
	controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return
	}
	for _, controller := range strings.Fields(string(controllers)) {
		_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
	}
}

// cgroupMembers lists the processes in the slot's cgroups.
func (s Slot) cgroupMembers() []int {
	var pids []int
	s.eachCgroup(func(dir string) {
		content, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			return
		}
		for _, field := range strings.Fields(string(content)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	})
	return pids
}

// removeCgroup removes the slot's cgroups; it fails while a process is left in one.
func (s Slot) removeCgroup() error {
	var dirs []string
	s.eachCgroup(func(dir string) { dirs = append(dirs, dir) })
	for index := len(dirs) - 1; index >= 0; index-- {
		if err := os.Remove(dirs[index]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("failed to remove the cgroup %s: %w", dirs[index], err)
		}
	}
	return nil
}

// eachCgroup visits the slot's cgroups in every hierarchy, parents first.
func (s Slot) eachCgroup(visit func(dir string)) {
	hierarchies, err := cgroupHierarchies()
	if err != nil {
		return
	}
	for _, hierarchy := range hierarchies {
		_ = filepath.WalkDir(filepath.Join(hierarchy, s.Cgroup()), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				visit(path)
			}
			return nil
		})
	}
}

func cgroupHierarchies() ([]string, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("failed to list the mounts: %w", err)
	}
	return hierarchiesIn(string(content)), nil
}

// hierarchiesIn reads the mount points of type cgroup and cgroup2.
func hierarchiesIn(mountinfo string) []string {
	var points []string
	for line := range strings.Lines(mountinfo) {
		before, after, found := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if found && len(fields) > 4 && strings.HasPrefix(after, "cgroup") {
			points = append(points, fields[4])
		}
	}
	return points
}
