package fakekubelet

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

const workers = 16

// pods keeps the status of every pod on a simulated node in step with its spec.
type pods struct {
	client    kubernetes.Interface
	nodes     *nodes
	addresses addresses
	delay     time.Duration
	store     cache.Store
	queue     workqueue.TypedRateLimitingInterface[string]
	lastPod   atomic.Uint32
}

func newPods(client kubernetes.Interface, nodes *nodes, addresses addresses, delay time.Duration) *pods {
	return &pods{
		client: client, nodes: nodes, addresses: addresses, delay: delay,
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
	}
}

// follow works until `ctx` ends.
func (p *pods) follow(ctx context.Context) error {
	factory := informers.NewSharedInformerFactory(p.client, 0)
	informer := factory.Core().V1().Pods().Informer()
	p.store = informer.GetStore()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    p.notice,
		UpdateFunc: func(_, pod any) { p.notice(pod) },
	})
	if err != nil {
		return fmt.Errorf("failed to follow the pods: %w", err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	for range workers {
		go func() {
			for p.workOnce(ctx) {
			}
		}()
	}
	<-ctx.Done()
	p.queue.ShutDown()
	return nil
}

// notice looks at the pod after the delay, so that a change takes as long as a container does.
func (p *pods) notice(object any) {
	pod, isPod := object.(*core.Pod)
	if !isPod || p.nodes.addresses[pod.Spec.NodeName] == "" {
		return
	}
	p.queue.AddAfter(cache.ObjectName{Namespace: pod.Namespace, Name: pod.Name}.String(), p.delay*patience(pod))
}

func (p *pods) workOnce(ctx context.Context) bool {
	key, isShutDown := p.queue.Get()
	if isShutDown {
		return false
	}
	defer p.queue.Done(key)
	err := p.sync(ctx, key)
	switch {
	case err == nil, apierrors.IsNotFound(err):
		p.queue.Forget(key)
	default:
		if !apierrors.IsConflict(err) {
			slog.Warn("did not report a pod", "pod", key, "error", err)
		}
		p.queue.AddRateLimited(key)
	}
	return true
}

func (p *pods) sync(ctx context.Context, key string) error {
	object, exists, err := p.store.GetByKey(key)
	if err != nil || !exists {
		return err
	}
	pod := object.(*core.Pod)
	if pod.DeletionTimestamp != nil {
		now := int64(0)
		return p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, meta.DeleteOptions{
			GracePeriodSeconds: &now,
			Preconditions:      &meta.Preconditions{UID: &pod.UID},
		})
	}
	place := place{hostIP: p.nodes.addresses[pod.Spec.NodeName], podIP: pod.Status.PodIP}
	if place.podIP == "" {
		place.podIP = p.nextAddress()
	}
	status := observe(pod, place, meta.Now())
	if equality.Semantic.DeepEqual(status, pod.Status) {
		return nil
	}
	updated := pod.DeepCopy()
	updated.Status = status
	_, err = p.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, updated, meta.UpdateOptions{})
	return err
}

func (p *pods) nextAddress() string {
	return p.addresses.pod(p.lastPod.Add(1))
}
