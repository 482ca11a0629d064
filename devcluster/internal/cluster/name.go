// Package cluster starts, inspects and removes clusters on this machine.
package cluster

import (
	"fmt"
	"regexp"
)

// DefaultName is the cluster that commands mean when they are given no name.
const DefaultName = "devcluster"

// Name is a cluster's name; it is also the name of its real node.
type Name string

var namePattern = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$`)

// ParseName checks that text can be a cluster's name. The length is bounded because paths
// of unix sockets, which hold the name, are.
func ParseName(text string) (Name, error) {
	if !namePattern.MatchString(text) {
		return "", fmt.Errorf("cluster name %q must be 1 to 20 lower-case letters, digits or dashes, starting with a letter", text)
	}
	return Name(text), nil
}
