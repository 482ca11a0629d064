package cluster

import (
	"context"
	"fmt"
)

// Status is what a person or a test needs to know of a cluster.
type Status struct {
	Name       Name   `json:"name"`
	Mode       Mode   `json:"mode"`
	Ready      bool   `json:"ready"`
	Kubeconfig string `json:"kubeconfig"`
	APIServer  string `json:"apiserver"`
	// HostAddress is where the API server and pods reach a server on this machine, such as
	// a webhook outside of the cluster.
	HostAddress string `json:"hostAddress"`
	NodeAddress string `json:"nodeAddress"`
	// Registry is empty where nodes are simulated.
	Registry string `json:"registry,omitempty"`
	// Etcd is empty where the node is real.
	Etcd string `json:"etcd,omitempty"`
	// Stopped names the components that should run and do not.
	Stopped []string `json:"stopped,omitempty"`
}

// Status reports on the named cluster, which may be half-started or crashed.
func (m Machine) Status(ctx context.Context, name Name) (Status, error) {
	layout := m.Home.Layout(name)
	record, found, err := loadRecord(layout)
	if err != nil {
		return Status{}, err
	}
	if !found {
		return Status{}, fmt.Errorf("there is no cluster %s", name)
	}
	status := Status{
		Name:        record.Name,
		Mode:        record.Mode,
		Kubeconfig:  layout.Kubeconfig(),
		APIServer:   record.apiServer(),
		HostAddress: record.hostAddress(),
		NodeAddress: record.nodeAddress(),
	}
	if record.Mode == Real {
		status.Registry = record.registryAddress()
	} else {
		status.Etcd = record.etcdClient()
	}
	for _, component := range record.expected() {
		if _, alive := alivePID(layout, component); !alive {
			status.Stopped = append(status.Stopped, component)
		}
	}
	if !record.Complete || len(status.Stopped) > 0 {
		return status, nil
	}
	api, err := record.api(layout)
	if err != nil {
		return status, err
	}
	status.Ready = api.isServing(ctx) == nil && api.hasReadyNodes(ctx) == nil
	return status, nil
}

func (r Record) expected() []string {
	all := Components()
	if r.Mode == Real {
		return all[:len(all)-1]
	}
	return []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "fake-kubelet"}
}
