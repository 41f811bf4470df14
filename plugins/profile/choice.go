package profile

import (
	"errors"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
)

// choice is the profile that a line names, "" for the one in use. Both --profile,
// which may stand before the noun as for other commands, and an argument say it.
type choice struct {
	profile string
}

func (c *choice) flag(usage string) *cli.Flag {
	return &cli.Flag{Name: "profile", Placeholder: "NAME", Value: cli.NonEmpty(&c.profile), Complete: complete.Profiles(), Usage: usage}
}

func (c *choice) argument(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("it is empty")
	case c.profile != "" && c.profile != text:
		return cli.Usagef("two profiles are named: %s and %s", c.profile, text)
	}
	c.profile = text
	return nil
}

// noProfile is --profile of a command whose argument is the profile: it can not
// mean the one to act with.
func noProfile(command string) *cli.Flag {
	return refused(func(name string) error {
		return cli.Usagef("--profile names a profile to act with, and this is about one: it is the argument").
			WithHint(line(command, name))
	})
}

// notOfOne is --profile of a command that is about no single profile. meant is
// what to write instead.
func notOfOne(why string, meant func(name string) string) *cli.Flag {
	return refused(func(name string) error {
		return cli.Usagef("--profile names one profile, and %s", why).WithHint(meant(name))
	})
}

func refused(set func(name string) error) *cli.Flag {
	return &cli.Flag{Name: "profile", Placeholder: "NAME", Hidden: true, Value: cli.Func(set)}
}
