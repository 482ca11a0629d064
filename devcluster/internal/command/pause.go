package command

import (
	"context"
	"flag"
	"time"
)

// longestPause is what a test may need; a component that is stopped by mistake goes on by itself.
const longestPause = 10 * time.Minute

func pause(ctx context.Context, to streams, args []string) error {
	var pause time.Duration
	machine, name, rest, err := single("pause", to, args, func(flags *flag.FlagSet) {
		flags.DurationVar(&pause, "for", 30*time.Second, "")
	})
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return misused("the component to pause is missing")
	}
	if err := noArguments(rest[1:]); err != nil {
		return err
	}
	if pause <= 0 || pause > longestPause {
		return misused("--for is %s where more than nothing and at most %s is needed", pause, longestPause)
	}
	return machine.Pause(ctx, name, rest[0], pause)
}
