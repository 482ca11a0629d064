package fakekubelet

import (
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	now  = meta.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	here = place{hostIP: "198.51.100.1", podIP: "198.18.0.1"}
)

func TestANewPodRunsAndIsReady(t *testing.T) {
	status := observe(pod("app:v1", "side:v1"), here, now)

	if status.Phase != core.PodRunning || !isTrue(status, core.PodReady) {
		t.Errorf("phase %s, conditions %v", status.Phase, status.Conditions)
	}
	if got := status.ContainerStatuses[1]; got.Image != "docker.io/library/side:v1" || got.RestartCount != 0 || got.State.Running == nil {
		t.Errorf("got %+v", got)
	}
}

func TestAChangedImageRestartsThatContainerAlone(t *testing.T) {
	pod := pod("app:v1", "side:v1")
	pod.Status = observe(pod, here, now)
	before := pod.Status
	pod.Spec.Containers[1].Image = "side:v2"

	after := observe(pod, here, meta.NewTime(now.Add(time.Minute)))

	if after.ContainerStatuses[0].ContainerID != before.ContainerStatuses[0].ContainerID || after.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("the application changed: %+v", after.ContainerStatuses[0])
	}
	if side := after.ContainerStatuses[1]; side.RestartCount != 1 || side.ImageID == before.ContainerStatuses[1].ImageID || !side.Ready {
		t.Errorf("got %+v", side)
	}
}

func TestNothingChangesWhenNothingChanged(t *testing.T) {
	pod := pod("app:v1")
	pod.Status = observe(pod, here, now)

	after := observe(pod, here, meta.NewTime(now.Add(time.Minute)))

	if after.String() != pod.Status.String() {
		t.Errorf("got %v", after)
	}
}

func TestAMissingImageIsNotReadyUntilItIsReplaced(t *testing.T) {
	pod := pod("app:v1", "side:v1")
	pod.Status = observe(pod, here, now)
	pod.Spec.Containers[1].Image = "side:missing"
	pod.Status = observe(pod, here, now)

	if side := pod.Status.ContainerStatuses[1]; side.State.Waiting == nil || side.State.Waiting.Reason != "ErrImagePull" || isTrue(pod.Status, core.PodReady) {
		t.Errorf("got %+v", side)
	}
	pod.Spec.Containers[1].Image = "side:v3"
	pod.Status = observe(pod, here, now)

	if side := pod.Status.ContainerStatuses[1]; !side.Ready || side.RestartCount != 1 || !isTrue(pod.Status, core.PodReady) {
		t.Errorf("got %+v", side)
	}
}

func TestAnImageTaggedSlowTakesLongerUntilItRuns(t *testing.T) {
	pod := pod("app:v1", "side:slow-v2")
	before := patience(pod)
	pod.Status = observe(pod, here, now)

	if after := patience(pod); before != 10 || after != 1 {
		t.Errorf("%d, and then %d", before, after)
	}
}

func TestAnInitContainerEndsUnlessItIsASidecar(t *testing.T) {
	always := core.ContainerRestartPolicyAlways
	pod := pod("app:v1")
	pod.Spec.InitContainers = []core.Container{{Name: "setup", Image: "setup:v1"}, {Name: "native", Image: "native:v1", RestartPolicy: &always}}

	status := observe(pod, here, now)

	if status.InitContainerStatuses[0].State.Terminated == nil || status.InitContainerStatuses[1].State.Running == nil {
		t.Errorf("got %+v", status.InitContainerStatuses)
	}
}

func TestAReadinessGateHoldsReadinessBack(t *testing.T) {
	pod := pod("app:v1")
	pod.Spec.ReadinessGates = []core.PodReadinessGate{{ConditionType: "gate"}}

	if status := observe(pod, here, now); isTrue(status, core.PodReady) || !isTrue(status, core.ContainersReady) {
		t.Errorf("got %v", status.Conditions)
	}
	pod.Status.Conditions = []core.PodCondition{{Type: "gate", Status: core.ConditionTrue}}

	if status := observe(pod, here, now); !isTrue(status, core.PodReady) {
		t.Errorf("got %v", status.Conditions)
	}
}

func TestAnImageByDigestIsReportedAsItIs(t *testing.T) {
	const image = "docker.io/library/app@sha256:0123"

	status := observe(pod(image), here, now).ContainerStatuses[0]

	if status.Image != image {
		t.Errorf("got %s", status.Image)
	}
}

func pod(images ...string) *core.Pod {
	pod := &core.Pod{ObjectMeta: meta.ObjectMeta{Name: "p", UID: "u"}}
	for index, image := range images {
		pod.Spec.Containers = append(pod.Spec.Containers, core.Container{Name: string(rune('a' + index)), Image: image})
	}
	return pod
}

func isTrue(status core.PodStatus, kind core.PodConditionType) bool {
	for _, condition := range status.Conditions {
		if condition.Type == kind {
			return condition.Status == core.ConditionTrue
		}
	}
	return false
}
