package doctor

import (
	"context"
	"runtime"

	"github.com/fal-plugins/fal/plugins/internal/shellcompletion"
)

// checkCompletion says whether the user's shell completes fal. To do without is
// nothing to be mended.
func (p *patient) checkCompletion(context.Context) finding {
	shell, known := shellcompletion.Detect(p.inv.Getenv)
	if !known {
		return skipped("SHELL is none of bash, zsh and fish")
	}
	home := p.inv.Getenv("HOME")
	if place, err := shellcompletion.For(shell, shellcompletion.User{Home: home, Getenv: p.inv.Getenv, OS: runtime.GOOS}); err == nil && place.Installed() {
		return ok("set up for " + shell)
	}
	if path, found := shellcompletion.System(shell); found {
		return ok("set up for " + shell + " by " + shown(path))
	}
	missing := skipped("not set up for " + shell)
	missing.hint = "fal completion install"
	return missing
}
