package cluster

import (
	"fmt"
	"os"
	"path/filepath"
)

// A unix socket's path has at most 108 bytes; the longest that is made below a cluster's
// directory is etcd's and containerd's, well under this many.
const maxHome = 50

// Home is the directory that holds every cluster's directory.
type Home string

// FindHome returns $DEVCLUSTER_HOME, or the default for this user.
func FindHome() (Home, error) {
	home := os.Getenv("DEVCLUSTER_HOME")
	if home == "" && os.Geteuid() == 0 {
		home = "/var/lib/sidecarset-devcluster"
	}
	if home == "" {
		own, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("DEVCLUSTER_HOME is not set and the user has no home directory: %w", err)
		}
		return Home(filepath.Join(own, ".sidecarset-devcluster")), nil
	}
	if !filepath.IsAbs(home) {
		return "", fmt.Errorf("DEVCLUSTER_HOME %q is not an absolute path", home)
	}
	if len(home) > maxHome {
		return "", fmt.Errorf("DEVCLUSTER_HOME %q is longer than %d characters, too long for the unix sockets below it", home, maxHome)
	}
	return Home(filepath.Clean(home)), nil
}

// Layout returns where the named cluster keeps its files.
func (h Home) Layout(name Name) Layout {
	return Layout{Dir: filepath.Join(string(h), string(name))}
}

// Names lists the clusters that have a directory, in order.
func (h Home) Names() ([]Name, error) {
	entries, err := os.ReadDir(string(h))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("failed to list the clusters in %s: %w", h, err)
	}
	var names []Name
	for _, entry := range entries {
		if name, err := ParseName(entry.Name()); err == nil && entry.IsDir() {
			names = append(names, name)
		}
	}
	return names, nil
}

// Layout is where one cluster keeps its files.
type Layout struct {
	Dir string
}

func (l Layout) path(parts ...string) string {
	return filepath.Join(append([]string{l.Dir}, parts...)...)
}

// Kubeconfig is the administrator's.
func (l Layout) Kubeconfig() string { return l.path("kubeconfig") }

// KubectlCache is what `devcluster kubectl` remembers of the API server.
func (l Layout) KubectlCache() string { return l.path("kubectl-cache") }

// ContainerdSocket is where containerd answers the kubelet and `ctr`.
func (l Layout) ContainerdSocket() string { return l.path("containerd.sock") }

// Log is what a component printed.
func (l Layout) Log(component string) string { return l.path("logs", component+".log") }

func (l Layout) record() string               { return l.path("cluster.json") }
func (l Layout) logs() string                 { return l.path("logs") }
func (l Layout) pids() string                 { return l.path("pids") }
func (l Layout) pid(component string) string  { return l.path("pids", component) }
func (l Layout) cert(name string) string      { return l.path("pki", name+".crt") }
func (l Layout) key(name string) string       { return l.path("pki", name+".key") }
func (l Layout) config(file string) string    { return l.path("config", file) }
func (l Layout) userConfig(who string) string { return l.path("config", who+".kubeconfig") }
func (l Layout) netns() string                { return l.path("netns") }
func (l Layout) imageStore() string           { return l.path("containerd") }
