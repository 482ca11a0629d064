package cluster

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
)

// Mode says what the nodes of a cluster are.
type Mode string

// A real node runs containers; simulated ones only report them.
const (
	Real      Mode = "real"
	Simulated Mode = "simulated"
)

// Record is what a cluster's directory remembers of it from before its first process starts.
type Record struct {
	Name Name `json:"name"`
	Mode Mode `json:"mode"`
	// Simulation matters to simulated nodes only.
	Simulation Simulation `json:"simulation"`
	// ImageStore and Slot matter to a real node only.
	ImageStore int64 `json:"imageStore,omitempty"`
	Slot       Slot  `json:"slot"`
	// Family is empty in clusters of earlier versions, which have IPv4.
	Family Family `json:"ipFamily,omitempty"`
	// APIServerArguments are those that a person wants beyond ours.
	APIServerArguments []string `json:"apiServerArguments,omitempty"`
	Ports              Ports    `json:"ports"`
	// Complete is true once `up` has seen everything ready.
	Complete bool `json:"complete"`
}

// Ports are the TCP ports of the control plane.
type Ports struct {
	Etcd      int `json:"etcd"`
	EtcdPeer  int `json:"etcdPeer"`
	APIServer int `json:"apiserver"`
}

// The namespace of a real cluster is its own, so its ports can be the usual ones.
var usualPorts = Ports{Etcd: 2379, EtcdPeer: 2380, APIServer: 6443}

// registryPort is taken on every address of the cluster's own network.
const registryPort = "5000"

func (r Record) networks() []network {
	return r.Slot.networks(r.Family)
}

// primary is the network whose address is used where there can be only one.
func (r Record) primary() network {
	return r.networks()[0]
}

func (r Record) hostAddress() string {
	if r.Mode == Simulated {
		return r.primary().loopback.String()
	}
	return r.primary().host().String()
}

func (r Record) nodeAddress() string {
	if r.Mode == Simulated {
		return r.primary().loopback.String()
	}
	return r.primary().node().String()
}

func (r Record) apiServer() string {
	return "https://" + net.JoinHostPort(r.nodeAddress(), strconv.Itoa(r.Ports.APIServer))
}

// etcdClient is where etcd takes requests. The network of a real cluster hides it from this machine.
func (r Record) etcdClient() string {
	return fmt.Sprintf("http://127.0.0.1:%d", r.Ports.Etcd)
}

func (r Record) registryAddress() string {
	return net.JoinHostPort(r.nodeAddress(), registryPort)
}

func (r Record) save(layout Layout) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("failed to write the record of cluster %s: %w", r.Name, err)
	}
	if err := os.WriteFile(layout.record()+".new", append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("failed to write the record of cluster %s: %w", r.Name, err)
	}
	return os.Rename(layout.record()+".new", layout.record())
}

// loadRecord returns false where the directory has no record, which is so in the first
// moments of `up` and the last of `down`.
func loadRecord(layout Layout) (Record, bool, error) {
	content, err := os.ReadFile(layout.record())
	if os.IsNotExist(err) {
		return Record{}, false, nil
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("failed to read %s: %w", layout.record(), err)
	}
	var record Record
	if err := json.Unmarshal(content, &record); err != nil {
		return Record{}, false, fmt.Errorf("failed to read %s: %w", layout.record(), err)
	}
	return record, true, nil
}
