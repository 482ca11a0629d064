package fakekubelet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sidecarset.dev/devcluster/internal/image"
)

// failingTag marks an image that cannot be pulled, as on a real devcluster.
const failingTag = ":missing"

// slowTag begins the tags of images that take longer than others, by this factor.
const (
	slowTag    = ":slow"
	slowFactor = 10
)

// place is where a pod is said to run.
type place struct {
	hostIP string
	podIP  string
}

// observe returns the status that a kubelet would report once it had carried out the spec:
// init containers done, everything else running, and a container whose image changed
// restarted alone. What others wrote into the status stays.
func observe(pod *core.Pod, at place, now meta.Time) core.PodStatus {
	if pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed {
		return pod.Status
	}
	status := *pod.Status.DeepCopy()
	status.HostIP, status.HostIPs = at.hostIP, []core.HostIP{{IP: at.hostIP}}
	status.PodIP, status.PodIPs = at.podIP, []core.PodIP{{IP: at.podIP}}
	status.ObservedGeneration = pod.Generation
	if status.StartTime == nil {
		status.StartTime = &now
	}
	status.QOSClass = pod.Status.QOSClass
	status.InitContainerStatuses = observeAll(pod, pod.Spec.InitContainers, pod.Status.InitContainerStatuses, now)
	status.ContainerStatuses = observeAll(pod, pod.Spec.Containers, pod.Status.ContainerStatuses, now)

	isInitialized := areReady(status.InitContainerStatuses)
	status.Phase = core.PodPending
	if isInitialized && haveEverRun(status.ContainerStatuses) {
		status.Phase = core.PodRunning
	}
	areContainersReady := isInitialized && areReady(status.ContainerStatuses)
	set := func(kind core.PodConditionType, isTrue bool) {
		setCondition(&status, pod.Generation, kind, isTrue, now)
	}
	set(core.PodReadyToStartContainers, true)
	set(core.PodInitialized, isInitialized)
	set(core.ContainersReady, areContainersReady)
	set(core.PodReady, areContainersReady && passesGates(pod))
	return status
}

// patience returns by which factor the pod's containers take longer than usual to be as its spec says.
func patience(pod *core.Pod) time.Duration {
	statuses := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		runs := slices.ContainsFunc(statuses, func(status core.ContainerStatus) bool {
			return status.Name == container.Name && status.Image == reportedName(container.Image)
		})
		if strings.Contains(container.Image, slowTag) && !runs {
			return slowFactor
		}
	}
	return 1
}

func observeAll(pod *core.Pod, containers []core.Container, before []core.ContainerStatus, now meta.Time) []core.ContainerStatus {
	var after []core.ContainerStatus
	for _, container := range containers {
		previous := core.ContainerStatus{Name: container.Name}
		for _, candidate := range before {
			if candidate.Name == container.Name {
				previous = candidate
			}
		}
		after = append(after, observeOne(pod, container, previous, isRunToEnd(pod, container), now))
	}
	return after
}

// isRunToEnd reports whether the container is an init container that is no sidecar.
func isRunToEnd(pod *core.Pod, container core.Container) bool {
	for _, init := range pod.Spec.InitContainers {
		if init.Name == container.Name {
			return init.RestartPolicy == nil || *init.RestartPolicy != core.ContainerRestartPolicyAlways
		}
	}
	return false
}

func observeOne(pod *core.Pod, container core.Container, before core.ContainerStatus, isRunToEnd bool, now meta.Time) core.ContainerStatus {
	after := *before.DeepCopy()
	// A resize is carried out at once, and needs no restart.
	after.Resources = container.Resources.DeepCopy()
	after.AllocatedResources = container.Resources.Requests.DeepCopy()
	hasRun := before.ContainerID != ""
	wanted := reportedName(container.Image)
	isDone := hasRun && before.Image == wanted && before.State.Waiting == nil
	if isDone || (hasRun && isRunToEnd) {
		return after
	}
	after.Image = wanted
	if hasRun && before.State.Waiting == nil {
		after.LastTerminationState = core.ContainerState{Terminated: &core.ContainerStateTerminated{
			ExitCode: 0, Reason: "Completed", ContainerID: before.ContainerID, FinishedAt: now,
			StartedAt: startOf(before),
		}}
	}
	isStarted := true
	if strings.HasSuffix(container.Image, failingTag) {
		isStarted = false
		after.Ready, after.Started = false, &isStarted
		after.State = core.ContainerState{Waiting: &core.ContainerStateWaiting{
			Reason: "ErrImagePull", Message: fmt.Sprintf("the simulated image %s does not exist", container.Image),
		}}
		return after
	}
	if hasRun {
		after.RestartCount++
	}
	after.ImageID = imageID(wanted)
	after.ContainerID = containerID(pod, container.Name, after.RestartCount)
	after.Ready, after.Started = true, &isStarted
	after.State = core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: now}}
	if isRunToEnd {
		isStarted = false
		after.State = core.ContainerState{Terminated: &core.ContainerStateTerminated{
			ExitCode: 0, Reason: "Completed", ContainerID: after.ContainerID, StartedAt: now, FinishedAt: now,
		}}
	}
	return after
}

func startOf(status core.ContainerStatus) meta.Time {
	if status.State.Running != nil {
		return status.State.Running.StartedAt
	}
	return meta.Time{}
}

// reportedName spells an image as containerd does: with its host and tag.
func reportedName(name string) string {
	reference, err := image.ParseReference(name)
	if err != nil {
		// An image that is given by its digest is reported as it is.
		return name
	}
	return reference.String()
}

// imageID is a digest that depends on the name and tag alone.
func imageID(reported string) string {
	name, _, _ := strings.Cut(reported, "@")
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		name = name[:colon]
	}
	return name + "@sha256:" + hexDigest(reported)
}

func containerID(pod *core.Pod, container string, restarts int32) string {
	return "simulated://" + hexDigest(fmt.Sprintf("%s/%s/%d", pod.UID, container, restarts))
}

func hexDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func areReady(statuses []core.ContainerStatus) bool {
	for _, status := range statuses {
		if !status.Ready {
			return false
		}
	}
	return true
}

func haveEverRun(statuses []core.ContainerStatus) bool {
	for _, status := range statuses {
		if status.ContainerID != "" {
			return true
		}
	}
	return false
}

func passesGates(pod *core.Pod) bool {
	for _, gate := range pod.Spec.ReadinessGates {
		isTrue := false
		for _, condition := range pod.Status.Conditions {
			isTrue = isTrue || (condition.Type == gate.ConditionType && condition.Status == core.ConditionTrue)
		}
		if !isTrue {
			return false
		}
	}
	return true
}

func setCondition(status *core.PodStatus, generation int64, kind core.PodConditionType, isTrue bool, now meta.Time) {
	wanted := core.PodCondition{Type: kind, Status: core.ConditionFalse, LastTransitionTime: now, ObservedGeneration: generation}
	if isTrue {
		wanted.Status = core.ConditionTrue
	}
	for index, condition := range status.Conditions {
		if condition.Type != kind {
			continue
		}
		if condition.Status == wanted.Status {
			wanted.LastTransitionTime = condition.LastTransitionTime
		}
		status.Conditions[index] = wanted
		return
	}
	status.Conditions = append(status.Conditions, wanted)
}
