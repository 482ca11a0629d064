package cluster

import (
	"fmt"
	"net"
)

// freePorts asks the system for ports that nothing listens on, at whatever address.
func freePorts() (Ports, error) {
	var ports [3]int
	for index := range ports {
		listener, err := net.Listen("tcp", ":0")
		if err != nil {
			return Ports{}, fmt.Errorf("failed to find a free port: %w", err)
		}
		// All stay open until all are chosen, so that they differ.
		defer listener.Close()
		ports[index] = listener.Addr().(*net.TCPAddr).Port
	}
	return Ports{Etcd: ports[0], EtcdPeer: ports[1], APIServer: ports[2]}, nil
}
