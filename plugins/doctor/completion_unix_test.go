//go:build unix

package doctor

import (
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/shellcompletion"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func TestCheckCompletion(t *testing.T) {
	home := t.TempDir()
	getenv := func(shell string) func(string) string {
		return func(name string) string { return map[string]string{"SHELL": shell, "HOME": home}[name] }
	}
	place, err := shellcompletion.For("fish", shellcompletion.User{Home: home, Getenv: getenv("")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := place.Install([]shellcompletion.Script{{Program: "fal", Text: "x\n"}}, false); err != nil {
		t.Fatal(err)
	}
	check := func(shell string) finding {
		p := &patient{inv: &cli.Invocation{Getenv: getenv(shell)}}
		return p.checkCompletion(t.Context())
	}
	if f := check("/usr/bin/fish"); f.status != view.CheckOK || f.found != "set up for fish" {
		t.Errorf("fish: %+v", f)
	}
	if f := check("/bin/tcsh"); f.status != view.CheckSkipped || f.hint != "" {
		t.Errorf("tcsh: %+v", f)
	}
	if _, packaged := shellcompletion.System("zsh"); packaged {
		return
	}
	if f := check("/bin/zsh"); f.status != view.CheckSkipped || f.hint != "fal completion install" {
		t.Errorf("zsh: %+v", f)
	}
}
