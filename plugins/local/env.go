package local

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	goruntime "runtime"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Environment is the JSON contract of env: the variables under their names.
// Those that are null stay as they are, and those that are empty are to go.
type Environment struct {
	Key      *string `json:"FAL_KEY"`
	Host     *string `json:"FAL_HOST"`
	GRPCHost *string `json:"FAL_GRPC_HOST"`
	RESTHost *string `json:"FAL_REST_HOST"`
	TestMode *string `json:"ISOLATE_TEST_MODE"`

	CertFile     *string `json:"SSL_CERT_FILE"`
	GRPCRoots    *string `json:"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"`
	AuthURL      *string `json:"FAL_AUTH_URL"`
	HomeDir      *string `json:"FAL_HOME_DIR"`
	ConfigPath   *string `json:"FAL_CONFIG_PATH"`
	ForceLogin   *string `json:"FAL_FORCE_AUTH_BY_USER"`
	AuthDisabled *string `json:"ISOLATE_AUTH_DISABLED"`
	NoProxy      *string `json:"no_proxy"`
	NoProxyUpper *string `json:"NO_PROXY"`
}

// newEnvironment returns what points clients at a server: ours, and the
// official one, which is why there are three variables for one host, and why
// variables that would mislead either are overwritten.
func newEnvironment(address string, tls bool, key, bundle string, getenv func(string) string) Environment {
	e := Environment{Key: &key, Host: &address, GRPCHost: &address, RESTHost: &address, TestMode: new("1")}
	if tls {
		e.TestMode, e.CertFile, e.GRPCRoots = new("0"), &bundle, &bundle
	}
	empty := ""
	if truthy(getenv("FAL_FORCE_AUTH_BY_USER")) {
		e.ForceLogin = &empty // it would set the key aside
	}
	if truthy(getenv("ISOLATE_AUTH_DISABLED")) {
		e.AuthDisabled = &empty
	}
	e.bypassProxy(getenv)
	return e
}

// useLogin is for a server that people log in to. The login and the choice of an
// account are kept in the folder of the control plane, away from those of the
// service; keys that are set elsewhere are not used.
func (e *Environment) useLogin(dir dataDir, tls bool) {
	scheme, force := "http", "1"
	if tls {
		scheme = "https"
	}
	e.Key, e.ForceLogin = nil, &force
	e.AuthURL = new(scheme + "://" + *e.Host + "/auth")
	e.HomeDir, e.ConfigPath = new(dir.login()), new(filepath.Join(dir.login(), "config.toml"))
}

// bypassProxy keeps clients from sending what is for this machine through a
// proxy. The two spellings are read by different libraries.
func (e *Environment) bypassProxy(getenv func(string) string) {
	proxies := []string{"grpc_proxy", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}
	if !slices.ContainsFunc(proxies, func(name string) bool { return getenv(name) != "" }) {
		return
	}
	lower, upper := getenv("no_proxy"), getenv("NO_PROXY")
	if coversLoopback(lower) && (upper == "" || coversLoopback(upper)) {
		return
	}
	without := func(list, other string) *string {
		if list == "" {
			list = other
		}
		if !coversLoopback(list) {
			list = strings.TrimPrefix(list+",127.0.0.1", ",")
		}
		return &list
	}
	e.NoProxy, e.NoProxyUpper = without(lower, upper), without(upper, lower)
}

func coversLoopback(noProxy string) bool {
	for entry := range strings.SplitSeq(noProxy, ",") {
		if entry = strings.TrimSpace(entry); entry == "127.0.0.1" || entry == "*" {
			return true
		}
	}
	return false
}

func truthy(value string) bool {
	switch strings.ToLower(value) {
	case "", "0", "false":
		return false
	}
	return true
}

// variables returns names and values in the order of the struct.
func (e Environment) variables() [][2]string {
	var all [][2]string
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		if field := v.Field(i); !field.IsNil() {
			all = append(all, [2]string{v.Type().Field(i).Tag.Get("json"), field.Elem().String()})
		}
	}
	return all
}

// lines are what a shell runs to have the variables.
func (e Environment) lines(language localplane.Shell) []string {
	var lines, gone []string
	for _, v := range e.variables() {
		if v[1] == "" {
			gone = append(gone, v[0])
		} else {
			lines = append(lines, language.Export(v[0], v[1]))
		}
	}
	return append(lines, language.Unset(gone...)...)
}

type envOptions struct {
	folder folderOptions
	shell  string
	unset  bool
}

func newEnv() *cli.Command {
	o := &envOptions{}
	return &cli.Command{
		Name:    "env",
		Summary: "Print what points a shell at the control plane",
		Description: "Prints commands for the shell to run. They make these programs, and the official client too, use the control plane until the shell ends. " +
			"They contain its key, or for one that was started with --login what makes `fal auth login` log in to it.\n\n" +
			"With --unset they take away what such a line has set for this control plane, whether it runs or not, so that the shell uses the service or a profile again. Another control plane stays, and so does any key but that of this one. What a variable held before does not come back.",
		Output: cli.Text,
		Single: true,
		JSON:   Environment{},
		Flags: []*cli.Flag{
			{Name: "shell", Placeholder: "SHELL", Values: localplane.ShellNames(), Value: cli.String(&o.shell),
				Usage: "language to print: " + strings.Join(localplane.ShellNames(), ", ") + "; sh without it, and PowerShell on Windows"},
			{Name: "unset", Value: cli.Bool(&o.unset), Usage: "print what undoes it"},
			o.folder.flag(),
		},
		Examples: []cli.Example{
			{Comment: "sh, bash, zsh, fish", Line: `eval "$(fal local env)"`},
			{Comment: "and back", Line: `eval "$(fal local env --unset)"`},
			{Comment: "fish", Line: "fal local env --shell fish | source"},
			{Comment: "PowerShell", Line: "fal local env --shell powershell | Out-String | Invoke-Expression"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runEnv(ctx, inv, o) },
	}
}

func runEnv(ctx context.Context, inv *cli.Invocation, o *envOptions) error {
	dir, e, err := o.environment(ctx, inv)
	if err != nil {
		return err
	}
	language := o.language(inv)
	err = output.Object(ctx, inv.Printer, e, func(w io.Writer) error {
		for _, line := range e.lines(language) {
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || inv.Format != output.Pretty && inv.Format != output.Wide {
		return err
	}
	nothing := o.unset && len(e.variables()) == 0
	if kept := e.kept(dir, inv.Getenv); o.unset && kept != "" {
		said := "note: "
		if nothing {
			said = "nothing to undo: "
		}
		fmt.Fprintln(inv.IO.Err, said+kept)
	}
	if nothing {
		return nil
	}
	if !inv.IO.OutTerminal() {
		return nil
	}
	command := inv.Typed() + " env" + dir.flag()
	if o.unset {
		command += " --unset"
	}
	if o.shell != "" {
		command += " --shell " + o.shell
	}
	hint(inv, "to have the shell run this: "+language.Source(command))
	return nil
}

// environment is what is asked for: of a control plane that runs, or of none.
func (o *envOptions) environment(ctx context.Context, inv *cli.Invocation) (dataDir, Environment, error) {
	if o.unset {
		dir, err := o.folder.open(inv)
		if err != nil {
			return "", Environment{}, err
		}
		return dir, undone(ctx, dir, inv.Getenv), nil
	}
	dir, found, key, err := o.folder.running(ctx, inv)
	if err != nil {
		return "", Environment{}, err
	}
	e := newEnvironment(found.Address, found.TLS, key.Key(), dir.bundle(), inv.Getenv)
	if found.health.Login {
		e.useLogin(dir, found.TLS)
	} else {
		e.forgetAnyLogin(dir, inv.Getenv)
	}
	if !found.TLS {
		e.forgetBundle(dir, inv.Getenv)
	}
	return dir, e, nil
}

func (o *envOptions) language(inv *cli.Invocation) localplane.Shell {
	if o.shell != "" {
		return localplane.Shell(o.shell)
	}
	return localplane.GuessShell(inv.Getenv, goruntime.GOOS)
}
