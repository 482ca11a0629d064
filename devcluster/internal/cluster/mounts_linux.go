package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A kubelet sets these of the machine's kernel settings unless they already have these
// values. It is shown the values instead, so that the machine keeps its own.
var kernelSettings = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// Paths that a kubelet and containerd write to whatever their configuration says.
var fixedPaths = []string{"/var/lib/kubelet", "/var/lib/cni", "/var/log/containers"}

// RunContainerd gives this process mounts of its own, in which everything outside of the
// cluster's directory that containerd and a kubelet would write to is private, and then
// becomes containerd. All mounts of the node's containers end with its last process.
func RunContainerd(dir string) error {
	layout := Layout{Dir: dir}
	// The namespace belongs to this thread; exec makes it the whole process's.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("failed to make a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("failed to make the mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("failed to mount a /run of its own: %w", err)
	}
	for _, path := range fixedPaths {
		if err := mountOwn(layout.path("own", strings.ReplaceAll(path[1:], "/", "-")), path); err != nil {
			return err
		}
	}
	if err := mountImageStore(layout); err != nil {
		return err
	}
	for name, value := range kernelSettings {
		if err := showSetting(layout.path("own", strings.ReplaceAll(name, "/", ".")), name, value); err != nil {
			return err
		}
	}
	// Within the namespace, mounts of the kubelet must reach containers and the reverse.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("failed to share the mounts inside the namespace: %w", err)
	}
	program := findTool("containerd")
	if program == "" {
		return fmt.Errorf("the program containerd is not installed")
	}
	arguments := []string{"containerd", "--config", layout.config("containerd.toml")}
	return fmt.Errorf("failed to become containerd: %w", unix.Exec(program, arguments, os.Environ()))
}

// mountImageStore gives the images and containers a file system of the size that was asked for,
// which can be full while the machine's is not.
func mountImageStore(layout Layout) error {
	record, _, err := loadRecord(layout)
	if err != nil || record.ImageStore == 0 {
		return err
	}
	if err := os.MkdirAll(layout.imageStore(), 0o711); err != nil {
		return fmt.Errorf("failed to make %s: %w", layout.imageStore(), err)
	}
	if err := unix.Mount("tmpfs", layout.imageStore(), "tmpfs", 0, fmt.Sprintf("mode=711,size=%d", record.ImageStore)); err != nil {
		return fmt.Errorf("failed to mount the image store: %w", err)
	}
	return nil
}

func mountOwn(source, target string) error {
	for _, dir := range []string{source, target} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("failed to make %s: %w", dir, err)
		}
	}
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("failed to mount a %s of its own: %w", target, err)
	}
	return nil
}

func showSetting(source, name, value string) error {
	target := filepath.Join("/proc/sys", name)
	if _, err := os.Stat(target); err != nil {
		return nil
	}
	if err := os.WriteFile(source, []byte(value+"\n"), 0o644); err != nil {
		return fmt.Errorf("failed to write %s: %w", source, err)
	}
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("failed to show a %s of its own: %w", target, err)
	}
	return nil
}

// removeFixedPaths removes the mount points that RunContainerd made, where they are empty
// and no cluster of any home is left: removing one would unmount it in their namespaces.
func removeFixedPaths() {
	for slot := Slot(0); slot < slots; slot++ {
		if _, err := os.Stat(filepath.Join("/sys/class/net", slot.Link())); err == nil {
			return
		}
	}
	for _, path := range fixedPaths {
		_ = os.Remove(path)
	}
}

// mountsBelow lists the mount points at or below a directory, the innermost first.
func mountsBelow(dir string) ([]string, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("failed to list the mounts: %w", err)
	}
	return pointsBelow(string(content), dir), nil
}

func pointsBelow(mountinfo, dir string) []string {
	var points []string
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) > 4 && mentions(fields[4], dir) && strings.HasPrefix(fields[4], dir) {
			points = append(points, fields[4])
		}
	}
	slices.Reverse(points)
	return points
}

// unmountBelow lets go of every mount at or below a directory.
func unmountBelow(dir string) error {
	points, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	for _, point := range points {
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil && err != unix.EINVAL {
			return fmt.Errorf("failed to unmount %s: %w", point, err)
		}
	}
	return nil
}

// snapshotter chooses how containerd stacks layers: an overlay cannot lie on an overlay.
func snapshotter(dir string) string {
	var stat unix.Statfs_t
	if unix.Statfs(dir, &stat) == nil && stat.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return "native"
	}
	return "overlayfs"
}
