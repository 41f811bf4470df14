package local

import (
	"context"
	"encoding/hex"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
)

// here is how the addresses of all control planes begin.
const here = "127.0.0.1:"

// undone takes away what env has set for the control plane of a folder, and leaves
// what is somebody else's: of another control plane, a tunnel, the service. The list
// of hosts without a proxy does no harm.
func undone(ctx context.Context, dir dataDir, getenv func(string) string) Environment {
	var e Environment
	t, key := traces(ctx, dir), getenv("FAL_KEY")
	issuer, issued := issuerHere(getenv)
	t.loggedIn = e.forgetLogin(getenv, func(folder string) bool {
		return folder == dir.login() || t.lost() && issued && isOrphan(folder)
	})
	t.elsewhere = issued && !t.loggedIn
	owned := key != "" && key == t.key
	t.keyed = owned || t.lost() && isLocalKey(key)
	hosts := hostsOf(getenv)
	address := onThisMachine(hosts)
	led := address != "" && (t.loggedIn && address == issuer || t.leads(ctx, address))
	if led {
		e.Host, e.GRPCHost, e.RESTHost = gone(hosts[0]), gone(hosts[1]), gone(hosts[2])
		e.TestMode = gone(getenv("ISOLATE_TEST_MODE"))
	}
	if owned || t.keyed && led {
		e.Key = gone(key)
	}
	if issued && (t.loggedIn || led && issuer == address) {
		e.AuthURL = new("")
	}
	e.forgetBundle(dir, getenv)
	return e
}

// trace is what tells whether env has spoken of the control plane of a folder.
type trace struct {
	address string // where it answers, or did last; empty for unknown
	key     string // empty for unknown
	runs    bool

	keyed, loggedIn bool // the shell has its key, or its login
	elsewhere       bool // the shell has the login of another one
}

// traces reads what the folder holds. What cannot be read is unknown.
func traces(ctx context.Context, dir dataDir) *trace {
	t := &trace{}
	if port := dir.settings().Port; port != 0 {
		t.address = here + strconv.Itoa(port)
	}
	if r, ok, err := dir.record(); err == nil && ok {
		if _, err := controlOf(r).health(ctx); err == nil {
			t.address, t.runs = r.Address, true
		}
	}
	if key, err := controlplane.ReadCredentials(string(dir)); err == nil {
		t.key = key.Key()
	}
	return t
}

// lost reports whether the folder knows nothing, as after a reset.
func (t *trace) lost() bool { return t.address == "" && t.key == "" }

// leads reports whether an address of this machine is that of the control plane, or
// was when env named it. The last port of one that does not run, or the one that its
// key came with, may be another program's by now.
func (t *trace) leads(ctx context.Context, address string) bool {
	last := address == t.address
	switch {
	case last && t.runs:
		return true
	case t.elsewhere:
		return false
	case last && t.keyed:
		return true
	}
	return (last || t.keyed || t.loggedIn) && !listens(ctx, address)
}

// listens reports whether anybody may be listening.
func listens(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return ctx.Err() != nil
	}
	_ = connection.Close() // nothing was sent
	return true
}

// isLocalKey reports whether a key has the form of those that control planes on this
// machine make.
func isLocalKey(key string) bool {
	id, secret, _ := strings.Cut(key, ":")
	raw, err := hex.DecodeString(secret)
	return err == nil && len(raw) == 32 && len(id) == 36
}

// gone is the value of a variable that is to go; nil for one that is not there.
func gone(value string) *string {
	if value == "" {
		return nil
	}
	return new("")
}

func hostsOf(getenv func(string) string) []string {
	return []string{getenv("FAL_HOST"), getenv("FAL_GRPC_HOST"), getenv("FAL_REST_HOST")}
}

// onThisMachine is the address here that all hosts have which are named, as env names
// them; empty when there is none.
func onThisMachine(hosts []string) string {
	address := ""
	for _, host := range hosts {
		if host != "" && (!strings.HasPrefix(host, here) || address != "" && host != address) {
			return ""
		}
		if host != "" {
			address = host
		}
	}
	return address
}

// issuerHere is the address of the issuer that a shell leads to, if it is a control
// plane's.
func issuerHere(getenv func(string) string) (address string, ok bool) {
	u, err := url.Parse(getenv("FAL_AUTH_URL"))
	if err != nil || u.Path != "/auth" || !strings.HasPrefix(u.Host, here) {
		return "", false
	}
	return u.Host, true
}

// forgetLogin takes away what leads to a login that is to be forgotten, but for the
// issuer, and tells whether there is one.
func (e *Environment) forgetLogin(getenv func(string) string, forget func(folder string) bool) bool {
	home, file := getenv("FAL_HOME_DIR"), getenv("FAL_CONFIG_PATH")
	if home != "" && forget(filepath.Clean(home)) {
		e.HomeDir = new("")
		if truthy(getenv("FAL_FORCE_AUTH_BY_USER")) {
			e.ForceLogin = new("")
		}
	}
	if file != "" && forget(filepath.Dir(file)) {
		e.ConfigPath = new("")
	}
	return e.HomeDir != nil || e.ConfigPath != nil
}

// forgetAnyLogin is for a shell that is led to a control plane without logins.
func (e *Environment) forgetAnyLogin(dir dataDir, getenv func(string) string) {
	_, issued := issuerHere(getenv)
	if issued {
		e.AuthURL = new("")
	}
	e.forgetLogin(getenv, func(folder string) bool {
		return folder == dir.login() || isLogin(folder) || issued && isOrphan(folder)
	})
}

// isLogin reports whether a folder is where a login to a control plane is kept.
func isLogin(folder string) bool {
	if filepath.Base(folder) != localplane.LoginFolder {
		return false
	}
	_, err := os.Lstat(filepath.Join(filepath.Dir(folder), markerName))
	return err == nil
}

// isOrphan reports whether a folder may be where a login was kept before a reset: its
// name alone tells.
func isOrphan(folder string) bool {
	return filepath.Base(folder) == localplane.LoginFolder && !isLogin(folder)
}

// forgetBundle takes away the certificates of a control plane with TLS.
func (e *Environment) forgetBundle(dir dataDir, getenv func(string) string) {
	if getenv("SSL_CERT_FILE") == dir.bundle() {
		e.CertFile = new("")
	}
	if getenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH") == dir.bundle() {
		e.GRPCRoots = new("")
	}
}

// kept says what stays of a shell's variables that one might expect to go; empty for
// nothing.
func (e Environment) kept(dir dataDir, getenv func(string) string) string {
	address := iostreams.SanitizeLine(onThisMachine(hostsOf(getenv)))
	led := e.Host != nil || e.GRPCHost != nil || e.RESTHost != nil
	switch {
	case address != "" && !led:
		return address + " is not known as the control plane in " + dir.String() + ", and stays; --data-dir names another one"
	case led && e.Key == nil && getenv("FAL_KEY") != "" && e.HomeDir == nil:
		return "FAL_KEY is not the key of the control plane in " + dir.String() + ", and stays"
	case len(e.variables()) == 0:
		return "no variable of this shell leads to the control plane in " + dir.String()
	}
	return ""
}
