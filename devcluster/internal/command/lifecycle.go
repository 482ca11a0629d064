package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"

	"sidecarset.dev/devcluster/internal/cluster"
)

func up(ctx context.Context, to streams, args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	var which target
	which.register(flags)
	nodes := flags.String("nodes", string(cluster.WantAuto), "")
	simulation := cluster.DefaultSimulation
	flags.IntVar(&simulation.Nodes, "simulated-nodes", simulation.Nodes, "")
	flags.DurationVar(&simulation.Delay, "simulated-delay", simulation.Delay, "")
	family := flags.String("ip-family", string(cluster.IPv4), "")
	var arguments []string
	flags.Func("api-server-argument", "", func(text string) error {
		if !strings.HasPrefix(text, "--") {
			return errors.New("it does not begin with --")
		}
		arguments = append(arguments, text)
		return nil
	})
	var imageStore int64
	flags.Func("image-store-size", "", func(text string) (err error) {
		imageStore, err = cluster.ParseImageStore(text)
		return err
	})
	rest, err := parse(flags, args)
	if err != nil {
		return err
	}
	if err := noArguments(rest); err != nil {
		return err
	}
	name, err := which.name()
	if err != nil {
		return err
	}
	choice, err := cluster.ParseChoice(*nodes)
	if err != nil {
		return usageError{err.Error()}
	}
	addresses, err := cluster.ParseFamily(*family)
	if err != nil {
		return usageError{err.Error()}
	}
	if err := simulation.Check(); err != nil {
		return usageError{err.Error()}
	}
	machine, err := machine(to)
	if err != nil {
		return err
	}
	return machine.Up(ctx, name, cluster.Wish{
		Nodes: choice, Simulation: simulation, Family: addresses, APIServerArguments: arguments, ImageStore: imageStore,
	})
}

func down(_ context.Context, to streams, args []string) error {
	machine, chosen, err := selection("down", to, args, nil)
	if err != nil {
		return err
	}
	var failures []error
	for _, name := range chosen.names {
		failures = append(failures, machine.Down(name))
	}
	return errors.Join(failures...)
}

func status(ctx context.Context, to streams, args []string) error {
	var format string
	machine, chosen, err := selection("status", to, args, func(flags *flag.FlagSet) {
		flags.StringVar(&format, "output", "text", "")
	})
	if err != nil {
		return err
	}
	if format != "text" && format != "json" {
		return misused("--output is %q where text or json is needed", format)
	}
	statuses := []cluster.Status{}
	for _, name := range chosen.names {
		status, err := machine.Status(ctx, name)
		if err != nil {
			return err
		}
		statuses = append(statuses, status)
	}
	if format == "text" {
		printStatuses(to, statuses)
		return nil
	}
	// One cluster is an object; only --all makes a list.
	var document any = statuses
	if !chosen.isAll {
		document = statuses[0]
	}
	encoder := json.NewEncoder(to.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}

func printStatuses(to streams, statuses []cluster.Status) {
	for _, status := range statuses {
		state := "ready"
		switch {
		case len(status.Stopped) > 0:
			state = "broken, these do not run: " + strings.Join(status.Stopped, ", ")
		case !status.Ready:
			state = "not ready"
		}
		fmt.Fprintf(to.out, "%s: %s (%s nodes)\n  apiserver    %s\n  kubeconfig   %s\n  this machine %s, as the cluster sees it\n  the node     %s\n",
			status.Name, state, status.Mode, status.APIServer, status.Kubeconfig, status.HostAddress, status.NodeAddress)
	}
	if len(statuses) == 0 {
		fmt.Fprintln(to.out, "there are no clusters")
	}
}

// choice is the clusters that --name or --all mean.
type choice struct {
	names []cluster.Name
	isAll bool
}

func selection(verb string, to streams, args []string, more func(*flag.FlagSet)) (cluster.Machine, choice, error) {
	var chosen choice
	machine, name, rest, err := single(verb, to, args, func(flags *flag.FlagSet) {
		flags.BoolVar(&chosen.isAll, "all", false, "")
		if more != nil {
			more(flags)
		}
	})
	if err != nil {
		return machine, choice{}, err
	}
	if chosen.isAll && name != cluster.DefaultName {
		return machine, choice{}, misused("--name and --all exclude each other")
	}
	if err := noArguments(rest); err != nil {
		return machine, choice{}, err
	}
	chosen.names = []cluster.Name{name}
	if chosen.isAll {
		chosen.names, err = machine.Home.Names()
	}
	return machine, chosen, err
}

func kubeconfig(ctx context.Context, to streams, args []string) error {
	machine, name, rest, err := single("kubeconfig", to, args, nil)
	if err != nil {
		return err
	}
	if err := noArguments(rest); err != nil {
		return err
	}
	status, err := machine.Status(ctx, name)
	if err != nil {
		return err
	}
	fmt.Fprintln(to.out, status.Kubeconfig)
	return nil
}

// single reads --name and returns the cluster and the other arguments.
func single(verb string, to streams, args []string, more func(*flag.FlagSet)) (cluster.Machine, cluster.Name, []string, error) {
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	var which target
	which.register(flags)
	if more != nil {
		more(flags)
	}
	rest, err := parse(flags, args)
	if err != nil {
		return cluster.Machine{}, "", nil, err
	}
	name, err := which.name()
	if err != nil {
		return cluster.Machine{}, "", nil, err
	}
	machine, err := machine(to)
	return machine, name, rest, err
}
