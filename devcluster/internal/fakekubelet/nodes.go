package fakekubelet

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	simulatedLabel = "devcluster.sidecarset.dev/simulated"
	leaseNamespace = "kube-node-lease"
	leaseSeconds   = 40
)

// nodes are the simulated nodes, named simulated-0 and so on.
type nodes struct {
	client    kubernetes.Interface
	addresses map[string]string
}

func newNodes(client kubernetes.Interface, count int, of addresses) *nodes {
	byName := map[string]string{}
	for number := range count {
		byName[fmt.Sprintf("simulated-%d", number)] = of.node(number)
	}
	return &nodes{client: client, addresses: byName}
}

func (n *nodes) register(ctx context.Context) error {
	for name, address := range n.addresses {
		_, err := n.client.CoreV1().Nodes().Create(ctx, node(name, address, meta.Now()), meta.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("failed to register node %s: %w", name, err)
		}
		if err := n.renew(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// keepAlive renews the leases; without that, the controller-manager takes a node for lost.
func (n *nodes) keepAlive(ctx context.Context) {
	ticker := time.NewTicker(leaseSeconds / 4 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for name := range n.addresses {
			if err := n.renew(ctx, name); err != nil {
				slog.Warn("did not renew a lease", "node", name, "error", err)
			}
		}
	}
}

func (n *nodes) renew(ctx context.Context, name string) error {
	leases := n.client.CoordinationV1().Leases(leaseNamespace)
	now, seconds := meta.NowMicro(), int32(leaseSeconds)
	lease, err := leases.Get(ctx, name, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordination.Lease{
			ObjectMeta: meta.ObjectMeta{Name: name, Namespace: leaseNamespace},
			Spec:       coordination.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, RenewTime: &now},
		}, meta.CreateOptions{})
	} else if err == nil {
		lease.Spec.RenewTime = &now
		_, err = leases.Update(ctx, lease, meta.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("failed to renew the lease of node %s: %w", name, err)
	}
	return nil
}

func node(name, address string, now meta.Time) *core.Node {
	return &core.Node{
		ObjectMeta: meta.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				simulatedLabel:       "true",
				core.LabelHostname:   name,
				core.LabelOSStable:   "linux",
				core.LabelArchStable: runtime.GOARCH,
			},
		},
		Status: nodeStatus(name, address, now),
	}
}

func nodeStatus(name, address string, now meta.Time) core.NodeStatus {
	capacity := core.ResourceList{
		core.ResourceCPU:              resource.MustParse("64"),
		core.ResourceMemory:           resource.MustParse("256Gi"),
		core.ResourceEphemeralStorage: resource.MustParse("1Ti"),
		core.ResourcePods:             resource.MustParse("2000"),
	}
	return core.NodeStatus{
		Capacity:    capacity,
		Allocatable: capacity,
		Addresses: []core.NodeAddress{
			{Type: core.NodeInternalIP, Address: address},
			{Type: core.NodeHostName, Address: name},
		},
		Conditions: []core.NodeCondition{{
			Type: core.NodeReady, Status: core.ConditionTrue, Reason: "Simulated",
			Message: "the node is simulated", LastHeartbeatTime: now, LastTransitionTime: now,
		}},
		NodeInfo: core.NodeSystemInfo{
			KubeletVersion: "v0.0.0-simulated", ContainerRuntimeVersion: "simulated://0",
			OperatingSystem: "linux", Architecture: runtime.GOARCH,
		},
	}
}
