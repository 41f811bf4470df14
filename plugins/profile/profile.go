// Package profile is the fal-profile program: the profiles of the configuration
// file, which hold keys and hosts.
package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
	"github.com/fal-plugins/fal/plugins/internal/profilestore"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// Main runs fal-profile and returns its exit code.
func Main() int { return cli.Main(App()) }

// App declares fal-profile.
func App() *cli.App { return app(dependencies{connect: session.OpenKey}) }

// dependencies are what the commands need from outside.
type dependencies struct {
	connect func(inv *cli.Invocation, profile, key string) (*session.Session, error)
}

func app(d dependencies) *cli.App {
	return &cli.App{
		Name:    "fal-profile",
		Noun:    "profile",
		Summary: "Manage the profiles of the configuration file",
		Description: "A profile is a key and the host that it is for, under a name, in ~/.fal/config.toml or where FAL_CONFIG_PATH says. The official client reads the same file.\n\n" +
			"Commands use the profile that --profile names, else FAL_PROFILE, else the default that `set` chooses.",
		CompileJQ: jq.Compile,
		Commands: []*cli.Command{newList(), newShow(), newSet(), newUnset(), newKey(d), newHost(), newCreate(),
			newDelete()},
	}
}

const variable = "FAL_PROFILE"

// path is where the configuration file is, or is to be.
func path(inv *cli.Invocation) string {
	return config.Locate(config.Inputs{Getenv: inv.Getenv}).Config.Value
}

// inUse is the name of the profile that commands use, "" for none. It need not
// exist.
func inUse(inv *cli.Invocation, f *config.File) string {
	if name := inv.Getenv(variable); name != "" {
		return name
	}
	return f.DefaultProfile()
}

// target is the profile that a command changes, see chosen. It exists.
func target(inv *cli.Invocation, f *config.File, named string) (string, error) {
	name, err := chosen(inv, f, named)
	if err != nil {
		return "", err
	}
	return name, mustExistOrBeMade(f, name)
}

// chosen is the profile that a command is about: the one that was named, and
// else the one in use.
func chosen(inv *cli.Invocation, f *config.File, named string) (string, error) {
	name := named
	if name == "" {
		name = inUse(inv, f)
	}
	if name == "" {
		return "", cli.Usagef("no profile is in use, and none was named").WithHint("`fal profile set NAME` chooses one, and --profile NAME names one")
	}
	return name, nil
}

// mustExist is nil for a profile of the file. The error for any other names
// what it may be a misspelling of.
func mustExist(f *config.File, name string) error {
	if exists(f, name) {
		return nil
	}
	err := f.Unset(name, profilestore.Key) // fails, with the names that are like it
	unknown, ok := err.(*config.Error)
	if !ok {
		return err
	}
	return &cli.Error{Code: unknown.ErrorCode(), Exit: cli.ExitUsage, Message: unknown.Message, Err: err, Hint: unknown.Hints()}
}

// mustExistOrBeMade is mustExist for what makes sense with a new profile too:
// the error says how to make it, or why no profile can have that name.
func mustExistOrBeMade(f *config.File, name string) error {
	err := mustExist(f, name)
	unknown, ok := err.(*cli.Error)
	if !ok {
		return err
	}
	if bad := f.CreateProfile(name); bad != nil { // in memory alone
		return bad
	}
	return unknown.WithHint("`" + line("create", name) + "` makes it")
}

// line is a command line for a profile, to be pasted.
func line(command, name string) string {
	if strings.HasPrefix(name, "-") {
		command += " --"
	}
	return "fal profile " + command + " " + cli.Quote(name)
}

func exists(f *config.File, name string) bool {
	return slices.ContainsFunc(f.Profiles(), func(p config.Profile) bool { return p.Name == name })
}

// leadsTo is the host of a profile for people. What is no host is not repeated:
// it may be a key in the wrong place.
func leadsTo(f *config.File, profile string) string {
	written := profilestore.Written(f, profile)
	if _, err := config.ParseHost(written, profilestore.Host); err != nil {
		return "malformed"
	}
	return written
}

// masked is a profile's key without its secret; nil for none.
func masked(f *config.File, profile string) *string {
	key, isText := f.Get(profile, profilestore.Key)
	if key == "" && (isText || !profilestore.Has(f, profile, profilestore.Key)) {
		return nil
	}
	text := profilestore.Masked(key)
	return &text
}

func note(inv *cli.Invocation, format string, args ...any) {
	fmt.Fprintln(inv.IO.Err, iostreams.SanitizeLine(fmt.Sprintf(format, args...)))
}

// tellWhatCounts says what of the new default profile other commands will not
// use, and why.
func tellWhatCounts(inv *cli.Invocation, name string) {
	cfg, err := config.Resolve(config.Inputs{Getenv: inv.Getenv})
	switch {
	case err != nil:
		note(inv, "notice: commands can not use it as things are: %s", err)
		return
	case cfg.Profile.Value != name:
		note(inv, "notice: %s is set and goes before the default: commands use profile %s", variable, cfg.Profile.Value)
		return
	}
	if c := cfg.Credentials; c.Origin.Kind == config.OriginVariable {
		note(inv, "notice: %s is set and goes before the key of a profile; `fal --profile %s …` uses the profile's own", c.Origin, cli.Quote(name))
	}
	if h := cfg.Host; h.Origin.Kind == config.OriginVariable {
		note(inv, "notice: %s is set and goes before the host of a profile: commands use %s", h.Origin, h.Value)
	}
}
