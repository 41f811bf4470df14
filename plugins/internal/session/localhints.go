package session

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
)

// localAnswers bounds how long a command that has failed waits for the control
// plane of this machine to say that it runs.
const localAnswers = time.Second

// LocalHints say how the control plane of this machine is used by somebody
// without credentials; none where fal-local is not installed. They ask it
// whether it runs.
func LocalHints(cfg *config.Config, inv *cli.Invocation) []string {
	return (&Session{Config: cfg, inv: inv}).localHints()
}

func (s *Session) localHints() []string {
	local := s.local()
	if local == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), localAnswers)
	defer cancel()
	record, runs := localplane.Running(ctx, s.inv.Getenv)
	profile := s.localProfile(record.Address)
	switch {
	case !runs && s.onThisMachine():
		return nil
	case !runs && profile != "" && s.keptLocal():
		return []string{"`" + local + " start`, to try it on this machine, and then " + s.profileHint(profile)}
	case !runs:
		return []string{"`" + local + " start`, to try it on this machine"}
	case s.awaitsLogin(record):
		return nil
	}
	hints := []string{s.envHint(local) + ", to use the local control plane, which is running"}
	if profile != "" {
		hints = append(hints, s.profileHint(profile)+", to use it by its profile")
	}
	return hints
}

// keptLocal reports whether the control plane of this machine has its data, and
// with it the keys of profiles.
func (s *Session) keptLocal() bool {
	folder, err := localplane.Folder(s.inv.Getenv)
	if err != nil {
		return false
	}
	_, err = os.Lstat(filepath.Join(folder, localplane.MarkerName))
	return err == nil
}

// undoHint is what leads the user's shell away from the local control plane,
// where its variables lead there; none where they do not.
func (s *Session) undoHint(local string, host config.Endpoint) []string {
	if host.Origin.Kind != config.OriginVariable {
		return nil
	}
	return []string{"`" + s.shell().Source(local+" env --unset") + "` leads this shell away from it"}
}

// envHint is what points the user's shell at the local control plane.
func (s *Session) envHint(local string) string {
	return "`" + s.shell().Source(local+" env") + "`"
}

func (s *Session) profileHint(name string) string {
	if s.shell() == localplane.PowerShell {
		return "`" + localplane.PowerShell.Export("FAL_PROFILE", name) + "` or --profile " + cli.Quote(name)
	}
	return "`export FAL_PROFILE=" + cli.Quote(name) + "` or --profile " + cli.Quote(name)
}

func (s *Session) shell() localplane.Shell {
	return localplane.GuessShell(s.inv.Getenv, runtime.GOOS)
}

// awaitsLogin reports whether the shell leads to the control plane already, and
// to its issuer, so that what is missing is a login.
func (s *Session) awaitsLogin(record localplane.Record) bool {
	return s.Config.Host.Value == record.Address && s.Config.ForceLogin && !issuerOf(s.Config, s.inv).derived
}

// localProfile is a profile of a control plane on this machine, with a key: if
// there is one that of address, or else the first; "" when there is none.
func (s *Session) localProfile(address string) string {
	f, err := config.Open(s.Config.Path.Value)
	if err != nil {
		return "" // said elsewhere
	}
	first := ""
	for _, p := range f.Profiles() {
		host, _ := f.Get(p.Name, "local_host")
		if _, hasKey := f.Get(p.Name, "key"); !hasKey || host == "" || !onLoopback("//"+strings.TrimPrefix(host, "https://")) {
			continue
		}
		if strings.TrimPrefix(host, "https://") == address {
			return p.Name
		}
		if first == "" {
			first = p.Name
		}
	}
	return first
}
