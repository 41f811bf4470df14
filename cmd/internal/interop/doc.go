// Package interop holds this project against the official Python client.
//
// Run it with `make interop`, or
//
//	go test -tags interop -count 1 -timeout 30m ./cmd/internal/interop/...
//
// It installs the official client, at the one version that requirements.lock
// pins, in a virtual environment that it keeps in the user's cache, and then
// guarantees four things:
//
//   - the official client and its SDK, pointed at fal-local by what `fal-local
//     env` prints, do there all that they have for runners, apps, keys, secrets
//     and environments, and read what our programs read;
//   - a configuration file means the same to both, whoever of them edited it,
//     and neither loses what the other wrote;
//   - our programs send the calls, credentials and messages that the official
//     client sends, which are still those that it was recorded to send
//     (testdata/commands.json), but for the departures that TestRequests lists;
//     a deployment's requests are compared field by field (TestDeployRequests),
//     ignore rules pattern by pattern (TestIgnore), and pip installs the source
//     distributions that ours makes (TestSourceDistribution);
//   - an app of each kind that either client deployed to fal-local answers
//     requests there, and both clients leave the same apps behind.
//
// It needs Python 3.11 or newer with its venv module. The first run needs the
// network, and so do those tests that have fal-local build environments, which
// are of packages. Three variables change
// where things come from:
//
//	FAL_INTEROP_CACHE   the folder of the kept environments
//	                    (default $XDG_CACHE_HOME/fal-interop or ~/.cache/fal-interop)
//	FAL_INTEROP_PYTHON  the Python that makes them (default python3 of PATH)
//	FAL_INTEROP_VENV    an environment that exists already; nothing is installed,
//	                    but its version must be the pinned one
//
// Everything that runs gets a home folder of its own: the caller's ~/.fal is
// neither read nor written, and of the caller's variables only PATH and TMPDIR
// reach the clients.
package interop
