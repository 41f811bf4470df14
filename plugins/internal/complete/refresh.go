package complete

import (
	"context"
	"os"
	"os/exec"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/detach"
)

// refreshWord is the command by which the program asks the service anew in the
// background.
const refreshWord = "__refresh"

type refreshOptions struct {
	query query
}

// refreshCommand is what Tab becomes in the background.
func (v Values) refreshCommand() *cli.Command {
	o := &refreshOptions{}
	return &cli.Command{
		Name:        refreshWord,
		Summary:     "Keep for completion what the service lists",
		Hidden:      true,
		Environment: true,
		Args: []cli.Arg{
			{Name: "KIND", Usage: "what is to be listed", Value: cli.Func(o.setKind)},
			{Name: "APP", Usage: "whose they are", Optional: true, Value: cli.String(&o.query.of)},
		},
		Flags: []*cli.Flag{{Name: "as-person", Value: cli.Bool(&o.query.person), Usage: "as whoever is logged in, whatever key there is"}},
		Run:   func(ctx context.Context, inv *cli.Invocation) error { return v.refresh(ctx, inv, o.query) },
	}
}

func (o *refreshOptions) setKind(name string) error {
	o.query.kind = kindNamed(name)
	if o.query.kind.list == nil {
		return cli.Usagef("unknown kind %q", name)
	}
	return nil
}

// refresh asks the service, unless another process does so or just did.
func (v Values) refresh(ctx context.Context, inv *cli.Invocation, q query) error {
	ctx, cancel := context.WithTimeout(ctx, background)
	defer cancel()
	s, st, err := q.open(inv)
	if err != nil {
		return err
	}
	defer s.Close()
	unlock, ok := st.cache.Lock(q.kind.name)
	if !ok {
		return nil
	}
	defer unlock()
	now := v.time()
	if kept, any := st.load(); any && now.Sub(kept.Listed).Abs() < fresh {
		return nil
	}
	st.ask(ctx, s, now)
	return nil
}

// askInBackground starts the process that refreshes, unless one was started for
// the same a moment ago. One that can not be started is missed by nobody.
func (v Values) askInBackground(inv *cli.Invocation, st shelf) {
	if v.start == nil {
		return
	}
	if _, asked := st.cache.Get(attempts, st.itself(), background); asked {
		return
	}
	if st.cache.Put(attempts, st.itself(), nil) != nil {
		return // nor could what is listed be kept
	}
	_ = v.start(refreshArgs(inv, st.query))
}

// refreshArgs is the line that leads to the same account as inv. What else was
// typed is no part of it: it may hold a secret.
func refreshArgs(inv *cli.Invocation, q query) []string {
	argv := []string{refreshWord}
	for _, f := range [][2]string{{"profile", inv.Profile}, {"team", inv.Team}, {"host", inv.Host}, {"env", inv.Environment}} {
		if f[1] != "" {
			argv = append(argv, "--"+f[0]+"="+f[1])
		}
	}
	if q.person {
		argv = append(argv, "--as-person")
	}
	argv = append(argv, "--", q.kind.name)
	if q.of != "" {
		argv = append(argv, q.of)
	}
	return argv
}

// start runs this program without streams and on no terminal. Nobody waits for
// it: it ends after this process, which is about to.
func start(argv []string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(exe, argv...)
	if err := detach.From(cmd); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}
