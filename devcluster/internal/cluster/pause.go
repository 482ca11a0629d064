package cluster

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// Pause stops a component of the control plane for a while, so that its connections stay and
// nobody answers, and returns once the API server serves again. It goes on at the end of
// `ctx` too, and if this process is killed.
func (m Machine) Pause(ctx context.Context, name Name, component string, pause time.Duration) error {
	part, err := m.hold(name, component, "paused")
	if err != nil {
		return err
	}
	defer part.lock.Close()
	pid, alive := alivePID(part.layout, component)
	if !alive {
		return fmt.Errorf("%s of cluster %s does not run", component, name)
	}
	if err := freeze(ctx, pid, pause); err != nil {
		return fmt.Errorf("failed to pause %s: %w", component, err)
	}
	start := time.Now()
	process := &running{component: part.component, layout: part.layout, exited: make(chan struct{})}
	if err := process.until(ctx, controlPlaneLimit, part.api.isServing); err != nil {
		return err
	}
	fmt.Fprintf(m.Out, "%s of cluster %s was paused for %s, and the API server served %.1f s later\n", component, name, pause, time.Since(start).Seconds())
	return nil
}

// freeze stops a process for a while, or until `ctx` ends.
func freeze(ctx context.Context, pid int, pause time.Duration) error {
	// It waits for the end of its input, which comes when this process closes it or ends, in whatever way. In a session of its
	// own it is not interrupted with us.
	waker := exec.Command("sh", "-c", `cat >/dev/null; kill -s CONT "$1"`, "sh", strconv.Itoa(pid))
	waker.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	input, err := waker.StdinPipe()
	if err != nil {
		return err
	}
	if err := waker.Start(); err != nil {
		return err
	}
	stopped := syscall.Kill(pid, syscall.SIGSTOP)
	if stopped == nil {
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	_ = input.Close()
	if err := waker.Wait(); err != nil {
		return err
	}
	return stopped
}
