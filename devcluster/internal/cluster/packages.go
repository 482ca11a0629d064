package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	toolPath   = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	cniPlugins = "/usr/lib/cni"
	policyFile = "/usr/sbin/policy-rc.d"
)

// need is a program of a real node, and the Debian package that has it.
type need struct {
	program    string
	debPackage string
}

var needs = []need{
	{"containerd", "containerd"},
	{"containerd-shim-runc-v2", "containerd"},
	{"runc", "runc"},
	{cniPlugins + "/ptp", "containernetworking-plugins"},
	{"iptables", "iptables"},
	{"ip", "iproute2"},
	{"nsenter", "util-linux"},
	{"busybox", "busybox-static"},
	{"docker-registry", "docker-registry"},
}

// findTool returns the path of a program, or nothing. It looks where root's programs are
// whatever the caller's PATH says.
func findTool(program string) string {
	for _, dir := range filepath.SplitList(toolPath) {
		path := program
		if !filepath.IsAbs(program) {
			path = filepath.Join(dir, program)
		}
		if info, err := os.Stat(path); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// missingPackages names the Debian packages whose programs are not there.
func missingPackages() []string {
	var missing []string
	for _, need := range needs {
		if findTool(need.program) == "" && !slices.Contains(missing, need.debPackage) {
			missing = append(missing, need.debPackage)
		}
	}
	return missing
}

// installPackages installs what is missing, telling `say` what it does every few seconds.
func installPackages(ctx context.Context, missing []string, log string, say func(string)) error {
	apt := findTool("apt-get")
	if apt == "" {
		return fmt.Errorf("the Debian packages %s are missing and there is no apt-get to install them", strings.Join(missing, ", "))
	}
	say("installing Debian packages: " + strings.Join(missing, " "))
	restore, err := keepServicesStopped()
	if err != nil {
		return err
	}
	defer restore()
	output, err := os.Create(log)
	if err != nil {
		return fmt.Errorf("failed to open the log of apt-get: %w", err)
	}
	defer output.Close()
	install := append([]string{"install", "--yes", "--no-install-recommends"}, missing...)
	if runApt(ctx, apt, output, say, install) == nil {
		return nil
	}
	// The lists of packages may be missing or old.
	if err := runApt(ctx, apt, output, say, []string{"update"}); err == nil {
		err = runApt(ctx, apt, output, say, install)
		if err == nil {
			return nil
		}
	}
	content, _ := os.ReadFile(log)
	return &Failure{Component: "apt-get", Reason: "failed to install " + strings.Join(missing, ", "), LogPath: log, LogTail: LastLines(string(content), tailLines)}
}

func runApt(ctx context.Context, apt string, output *os.File, say func(string), args []string) error {
	command := exec.CommandContext(ctx, apt, args...)
	command.Stdout, command.Stderr = output, output
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "PATH="+toolPath)
	if err := command.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	for start := time.Now(); ; {
		select {
		case err := <-done:
			return err
		case <-time.After(5 * time.Second):
			say(fmt.Sprintf("apt-get %s is at work (%.0f s)", args[0], time.Since(start).Seconds()))
		}
	}
}

// keepServicesStopped keeps apt-get from starting containerd and the registry as services
// of the machine. A policy that is there already is left to its owner.
func keepServicesStopped() (restore func(), err error) {
	file, err := os.OpenFile(policyFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if os.IsExist(err) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("failed to make %s: %w", policyFile, err)
	}
	defer file.Close()
	restore = func() { _ = os.Remove(policyFile) }
	if _, err := file.WriteString("#!/bin/sh\nexit 101\n"); err != nil {
		restore()
		return nil, fmt.Errorf("failed to write %s: %w", policyFile, err)
	}
	return restore, nil
}
