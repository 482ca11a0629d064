// Package command is what a person types.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"sidecarset.dev/devcluster/internal/cluster"
)

const usage = `devcluster runs Kubernetes clusters on this machine, each in a network of its own.

  devcluster up          [--name NAME] [--nodes real|simulated|auto]
                         [--ip-family ipv4|ipv6|dual] [--image-store-size BYTES]
                         [--simulated-nodes COUNT] [--simulated-delay DURATION]
                         [--api-server-argument ARG]...
  devcluster down        [--name NAME | --all]
  devcluster status      [--name NAME | --all] [--output text|json]
  devcluster kubeconfig  [--name NAME]
  devcluster kubectl     [--name NAME] [--] ARGS...
  devcluster logs        [--name NAME] [--tail LINES] [--follow] [COMPONENT]
  devcluster restart     [--name NAME] COMPONENT
  devcluster pause       [--name NAME] [--for DURATION] COMPONENT
  devcluster load-image  [--name NAME] FILE.tar...
  devcluster standins    [--name NAME]
  devcluster image       --tag REF --output FILE.tar [--file SRC:DST[:MODE]]...
                         [--entrypoint JSON_OR_WORDS] [--cmd JSON_OR_WORDS] [--workdir DIR]
                         [--user UID[:GID]] [--env K=V]... [--label K=V]...
  devcluster image-index --tag REF --output FILE.tar FILE.tar...

NAME is "devcluster" where it is not given. A cluster's files are in $DEVCLUSTER_HOME,
by default /var/lib/sidecarset-devcluster (without root ~/.sidecarset-devcluster).
`

// A process ends with these: the command failed, or it was not understood.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a command line that was not understood, in one sentence.
type usageError struct{ sentence string }

func (e usageError) Error() string { return e.sentence }

func misused(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

type streams struct {
	out io.Writer
	err io.Writer
}

type verb func(ctx context.Context, to streams, args []string) error

var verbs = map[string]verb{
	"up":          up,
	"down":        down,
	"status":      status,
	"kubeconfig":  kubeconfig,
	"logs":        logs,
	"restart":     restart,
	"pause":       pause,
	"load-image":  loadImage,
	"standins":    standIns,
	"image":       makeImage,
	"image-index": combineImages,
}

// Run carries out a command line, without the program's name, and returns the exit code.
func Run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, streams{out: os.Stdout, err: os.Stderr}, args)
}

func run(ctx context.Context, to streams, args []string) int {
	if len(args) == 0 {
		fmt.Fprint(to.err, usage)
		return exitUsage
	}
	if args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(to.out, usage)
		return 0
	}
	verb, known := verbs[args[0]]
	if !known {
		fmt.Fprintf(to.err, "devcluster: there is no command %q; see devcluster --help\n", args[0])
		return exitUsage
	}
	err := verb(ctx, to, args[1:])
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(to.out, usage)
		return 0
	case errors.As(err, new(usageError)):
		fmt.Fprintf(to.err, "devcluster %s: %v\n", args[0], err)
		return exitUsage
	case ctx.Err() != nil:
		err = errors.New("interrupted; `devcluster down` removes what is left")
	}
	fmt.Fprintf(to.err, "devcluster %s: %v\n", args[0], err)
	return exitFailed
}

// parse reads flags wherever they stand between the other arguments, which it returns.
func parse(flags *flag.FlagSet, args []string) ([]string, error) {
	flags.SetOutput(io.Discard)
	var rest []string
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usageError{strings.TrimSuffix(err.Error(), "\n")}
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

func noArguments(rest []string) error {
	if len(rest) > 0 {
		return misused("the argument %q is one too many", rest[0])
	}
	return nil
}

// target is the cluster that a command is about.
type target struct{ text string }

func (t *target) register(flags *flag.FlagSet) {
	flags.StringVar(&t.text, "name", cluster.DefaultName, "")
}

func (t *target) name() (cluster.Name, error) {
	name, err := cluster.ParseName(t.text)
	if err != nil {
		return "", usageError{err.Error()}
	}
	return name, nil
}

func machine(to streams) (cluster.Machine, error) {
	home, err := cluster.FindHome()
	if err != nil {
		return cluster.Machine{}, usageError{err.Error()}
	}
	return cluster.Machine{Home: home, Out: to.out}, nil
}
