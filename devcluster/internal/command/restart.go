package command

import (
	"context"
)

func restart(ctx context.Context, to streams, args []string) error {
	machine, name, rest, err := single("restart", to, args, nil)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return misused("the component to restart is missing")
	}
	if err := noArguments(rest[1:]); err != nil {
		return err
	}
	return machine.Restart(ctx, name, rest[0])
}
