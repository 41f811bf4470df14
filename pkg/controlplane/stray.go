package controlplane

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// strayGrace is how long a process may listen elsewhere before it listens on the port
// that it was given: one that serves metrics, or starts a helper, may do that first.
const strayGrace = 10 * time.Second

// strays are the ports on which a process listens though nobody told it, and the app
// does not say it.
type strays struct {
	ports []int
	since time.Time
	told  bool
	// mute is until when the port is not asked again whether it speaks HTTP.
	mute time.Time
}

// muteFor is for how long a port is left alone that did not speak HTTP.
const muteFor = 5 * time.Second

// see takes what the ports are now, and reports whether they have been the same for
// so long.
func (s *strays) see(ports []int, now time.Time, grace time.Duration) bool {
	if s.since.IsZero() || !slices.Equal(ports, s.ports) {
		*s = strays{ports: ports, since: now}
	}
	return now.Sub(s.since) >= grace
}

// astray returns the one port on which a process that does not say where it listens
// has been listening for a while, instead of the port that it was given; otherwise
// what is wrong beside that nothing listens there, if anything is known. It
// knows that on Linux alone.
func (k *keeper) astray(ctx context.Context, p *prober, process *runtime.Process, l *startup) (int, error) {
	if l.taken == "" || l.isTaken() {
		return 0, nil
	}
	if p.open(ctx, l.port) {
		k.fleet.fixed.letGo(k.runner.Revision)
		return 0, nil
	}
	unknown := fmt.Errorf("nothing listens on port %d, which PORT names: an app that listens on another one says so by exposed_port", l.port)
	if !l.guessed {
		unknown = nil // it has said so
	}
	ports, err := process.Ports()
	if err != nil {
		k.fleet.fixed.letGo(k.runner.Revision)
		return 0, unknown // the system does not tell
	}
	declared := k.app.Rev.Serving.MetricsPort
	ports = slices.DeleteFunc(ports, func(port int) bool {
		return port == l.port || port == l.fixed || port == l.metrics || declared != nil && port == *declared
	})
	if !l.strays.see(ports, time.Now(), min(cmp.Or(k.fleet.strayAfter, strayGrace), k.app.StartupTimeout/2)) {
		return 0, unknown
	}
	if len(ports) != 1 {
		k.fleet.fixed.letGo(k.runner.Revision)
	}
	if len(ports) == 0 {
		return 0, unknown
	}
	if !l.guessed || len(ports) > 1 {
		return 0, k.advise(l, ports)
	}
	if err := k.probe(ctx, p, ports[0]); err != nil {
		return 0, err
	}
	// A helper of the app, such as a store of its own, may not even speak HTTP.
	if !k.asks() {
		isMute := time.Now().Before(l.strays.mute)
		if !isMute && !p.speaks(ctx, ports[0]) {
			isMute, l.strays.mute = true, time.Now().Add(muteFor)
		}
		if isMute {
			k.fleet.fixed.letGo(k.runner.Revision)
			return 0, k.advise(l, ports)
		}
	}
	k.fleet.fixed.take(ports[0], k.runner.ID, appKey(k.runner.Account, k.runner.Alias))
	l.fixed = ports[0]
	k.say(state.LevelWarning, fmt.Sprintf("the app listens on port %d and not on the one that PORT names, %d: requests go there from now on; with exposed_port = %[1]d that is known at once", ports[0], l.port))
	return ports[0], nil
}

// advise returns what is wrong with a process that listens elsewhere, and tells its log
// once.
func (k *keeper) advise(l *startup, ports []int) error {
	words := make([]string, len(ports))
	for i, port := range ports {
		words[i] = strconv.Itoa(port)
	}
	where, remedy := "port "+words[0], "exposed_port = "+words[0]
	if n := len(words) - 1; n > 0 {
		where, remedy = "ports "+strings.Join(words[:n], ", ")+" and "+words[n], "exposed_port = the one that takes requests"
	}
	told := fmt.Sprintf("PORT names, %d", l.port)
	if !l.guessed {
		told += fmt.Sprintf(", and not on its exposed_port, %d", l.wanted)
	}
	err := fmt.Errorf("the app listens on %s and not on the one that %s: have it take PORT, or set %s", where, told, remedy)
	if !l.strays.told {
		l.strays.told = true
		k.say(state.LevelWarning, err.Error())
	}
	return err
}
