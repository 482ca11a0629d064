package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// state is the letter that Linux has for what a process does: T while it is stopped.
func state(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])[0])
}

func sleeper(t *testing.T) int {
	t.Helper()
	command := exec.Command("sleep", "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return command.Process.Pid
}

func untilState(t *testing.T, pid int, stopped bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); (state(t, pid) == "T") != stopped; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is in state %s", state(t, pid))
		}
	}
}

func TestAFrozenProcessGoesOnWhenItsTimeIsOver(t *testing.T) {
	pid := sleeper(t)
	over := make(chan error)

	go func() { over <- freeze(context.Background(), pid, time.Second) }()

	untilState(t, pid, true)
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	untilState(t, pid, false)
}

func TestAFrozenProcessGoesOnWhenTheCommandIsInterrupted(t *testing.T) {
	pid := sleeper(t)
	ctx, interrupt := context.WithCancel(context.Background())
	over := make(chan error)
	go func() { over <- freeze(ctx, pid, time.Hour) }()
	untilState(t, pid, true)

	interrupt()

	if err := <-over; err != nil {
		t.Fatal(err)
	}
	untilState(t, pid, false)
}

const (
	frozen     = "DEVCLUSTER_TEST_FROZEN"
	frozenTest = "^TestAFrozenProcessGoesOnWhenTheCommandIsKilled$"
)

func TestAFrozenProcessGoesOnWhenTheCommandIsKilled(t *testing.T) {
	var pid int
	if _, err := fmt.Sscan(os.Getenv(frozen), &pid); err == nil {
		// This is the command, in a process of its own.
		_ = freeze(context.Background(), pid, time.Minute)
		return
	}
	pid = sleeper(t)
	command := exec.Command(os.Args[0], "-test.run", frozenTest)
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%d", frozen, pid))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	untilState(t, pid, true)

	_ = command.Process.Kill()
	_ = command.Wait()

	untilState(t, pid, false)
}
