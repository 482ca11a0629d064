// Command image is those commands of devcluster that make images, without a Kubernetes having
// been built: `image image --tag …` and `image image-index --tag …`.
package main

import (
	"fmt"
	"os"

	"sidecarset.dev/devcluster/internal/command"
)

func main() {
	if len(os.Args) < 2 || (os.Args[1] != "image" && os.Args[1] != "image-index") {
		fmt.Fprintln(os.Stderr, "usage: image image|image-index ARGUMENT...")
		os.Exit(2)
	}
	os.Exit(command.Run(os.Args[1:]))
}
