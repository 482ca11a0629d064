package command

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"sidecarset.dev/devcluster/internal/cluster"
)

// How much is shown of every log where no component is named.
const overviewLines = 10

func logs(ctx context.Context, to streams, args []string) error {
	tail, isFollowed := 0, false
	machine, name, rest, err := single("logs", to, args, func(flags *flag.FlagSet) {
		flags.IntVar(&tail, "tail", 0, "")
		flags.BoolVar(&isFollowed, "follow", false, "")
		flags.BoolVar(&isFollowed, "f", false, "")
	})
	if err != nil {
		return err
	}
	layout := machine.Home.Layout(name)
	if _, err := os.Stat(layout.Dir); err != nil {
		return fmt.Errorf("there is no cluster %s", name)
	}
	if len(rest) == 0 {
		return overview(to, layout, tail)
	}
	component := rest[0]
	if err := noArguments(rest[1:]); err != nil {
		return err
	}
	if !slices.Contains(cluster.Components(), component) {
		return misused("there is no component %q, only %s", component, strings.Join(cluster.Components(), ", "))
	}
	file, err := os.Open(layout.Log(component))
	if err != nil {
		return fmt.Errorf("cluster %s has no log of %s", name, component)
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("failed to read the log of %s: %w", component, err)
	}
	text := string(content)
	if tail > 0 {
		text = cluster.LastLines(text, tail) + "\n"
	}
	fmt.Fprint(to.out, text)
	for isFollowed {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
			if _, err := io.Copy(to.out, file); err != nil {
				return fmt.Errorf("failed to read the log of %s: %w", component, err)
			}
		}
	}
	return nil
}

func overview(to streams, layout cluster.Layout, tail int) error {
	if tail == 0 {
		tail = overviewLines
	}
	for _, component := range cluster.Components() {
		content, err := os.ReadFile(layout.Log(component))
		if err != nil {
			continue
		}
		fmt.Fprintf(to.out, "==> %s\n%s\n", layout.Log(component), cluster.LastLines(string(content), tail))
	}
	return nil
}
