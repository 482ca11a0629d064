//go:build unix

package cluster

import (
	"fmt"
	"os"
	"syscall"
)

// lockDirectory makes the directory if need be and waits until nobody else holds it. The
// lock ends with the returned file, or with the process. Locking the directory itself
// leaves no lock file behind; when its last holder removed it, a new one is made.
func lockDirectory(dir string) (*os.File, error) {
	for {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("failed to make %s: %w", dir, err)
		}
		file, err := os.Open(dir)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("failed to open %s: %w", dir, err)
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
			file.Close()
			return nil, fmt.Errorf("failed to lock %s: %w", dir, err)
		}
		held, heldErr := file.Stat()
		present, presentErr := os.Stat(dir)
		if heldErr == nil && presentErr == nil && os.SameFile(held, present) {
			return file, nil
		}
		file.Close()
	}
}
