package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Failure is a component that did not do its part, with the end of what it printed.
type Failure struct {
	Component string
	Reason    string
	LogPath   string
	LogTail   string
}

func (f *Failure) Error() string {
	if f.LogTail == "" {
		return fmt.Sprintf("%s %s", f.Component, f.Reason)
	}
	return fmt.Sprintf("%s %s; the end of %s:\n%s", f.Component, f.Reason, f.LogPath, f.LogTail)
}

// running is a component that this process started.
type running struct {
	component
	layout Layout
	exited chan struct{}
}

// start runs the component in a session of its own, so that it outlives this process, with
// its output in its log.
func (c component) start(layout Layout) (*running, error) {
	log, err := os.OpenFile(layout.Log(c.name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("failed to open the log of %s: %w", c.name, err)
	}
	defer log.Close()
	argv, err := c.argv(layout)
	if err != nil {
		return nil, err
	}
	command := exec.Command(argv[0], argv[1:]...)
	command.Stdout, command.Stderr = log, log
	command.Dir = layout.Dir
	command.Env = append(os.Environ(), "PATH="+toolPath)
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("failed to start %s: %w", c.name, err)
	}
	pid := strconv.Itoa(command.Process.Pid)
	if err := os.WriteFile(layout.pid(c.name), []byte(pid+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("failed to write the process id of %s: %w", c.name, err)
	}
	process := &running{component: c, layout: layout, exited: make(chan struct{})}
	go func() {
		_ = command.Wait()
		close(process.exited)
	}()
	return process, nil
}

func (c component) argv(layout Layout) ([]string, error) {
	program := c.program
	if program == "" {
		own, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("failed to find our own program: %w", err)
		}
		program = own
	} else if found := findTool(program); found != "" {
		program = found
	}
	argv := append([]string{program}, c.args...)
	switch c.space {
	case networkSpace:
		// Not `ip netns exec`: it mounts /sys anew and loses the cgroups below it.
		return append([]string{"nsenter", "--net=" + layout.netns(), "--"}, argv...), nil
	case nodeSpace:
		pid, alive := alivePID(layout, "containerd")
		if !alive {
			return nil, &Failure{Component: "containerd", Reason: "ended before " + c.name + " could start", LogPath: layout.Log("containerd"), LogTail: logTail(layout, "containerd")}
		}
		mounts := fmt.Sprintf("--mount=/proc/%d/ns/mnt", pid)
		return append([]string{"nsenter", "--net=" + layout.netns(), mounts, "--"}, argv...), nil
	}
	return argv, nil
}

// until polls `check` and returns once it succeeds. It fails when the component ends, when
// `ctx` does, or after `limit`; the last error of `check` is then part of the reason.
func (r *running) until(ctx context.Context, limit time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-r.exited:
			return r.failure("ended")
		case <-ctx.Done():
			if ctx.Err() == context.Canceled {
				return ctx.Err()
			}
			return r.failure(fmt.Sprintf("was not ready after %s (%v)", limit, err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (r *running) failure(reason string) error {
	return &Failure{Component: r.name, Reason: reason, LogPath: r.layout.Log(r.name), LogTail: logTail(r.layout, r.name)}
}

// alivePID returns the recorded process of the component if it is still that component.
func alivePID(layout Layout, component string) (int, bool) {
	content, err := os.ReadFile(layout.pid(component))
	if err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, false
	}
	return pid, isOwnArgv(commandLine(pid), layout.Dir)
}

// isOwnArgv sees through the `nsenter … --` that a component has before it is itself.
func isOwnArgv(argv []string, dir string) bool {
	if len(argv) > 0 && filepath.Base(argv[0]) == "nsenter" {
		for index, arg := range argv {
			if arg == "--" {
				return isComponent(argv[index+1:], dir)
			}
		}
	}
	return isComponent(argv, dir)
}

const tailLines = 15

func logTail(layout Layout, component string) string {
	content, err := os.ReadFile(layout.Log(component))
	if err != nil {
		return ""
	}
	return LastLines(string(content), tailLines)
}

// LastLines returns the last lines of a text, without the newline at its end.
func LastLines(text string, count int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
