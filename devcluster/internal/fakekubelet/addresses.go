package fakekubelet

import "fmt"

// addresses are those of nodes and pods of one family. They are set aside for documentation and benchmarks, so that nobody
// mistakes one for a real one, and nothing routes them.
type addresses struct{ isIPv6 bool }

func (a addresses) node(number int) string {
	if a.isIPv6 {
		return fmt.Sprintf("2001:db8::%x", number+1)
	}
	return fmt.Sprintf("198.51.100.%d", number+1)
}

func (a addresses) pod(number uint32) string {
	if a.isIPv6 {
		return fmt.Sprintf("2001:2::%x:%x", uint16(number>>16), uint16(number))
	}
	return fmt.Sprintf("198.18.%d.%d", byte(number>>8), byte(number))
}
