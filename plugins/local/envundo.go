package local

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/localplane"
)

// here is how the addresses of all control planes begin.
const here = "127.0.0.1:"

// undone takes away what env has set, and leaves what is somebody else's: the
// key and the switch belong to the hosts, which are of this machine only when
// env has named them. The list of hosts without a proxy does no harm.
func undone(dir dataDir, getenv func(string) string) Environment {
	var e Environment
	e.forgetLogin(dir, getenv)
	if hosts := []string{getenv("FAL_HOST"), getenv("FAL_GRPC_HOST"), getenv("FAL_REST_HOST")}; onThisMachine(hosts) {
		e.Host, e.GRPCHost, e.RESTHost = gone(hosts[0]), gone(hosts[1]), gone(hosts[2])
		e.TestMode = gone(getenv("ISOLATE_TEST_MODE"))
		if e.ForceLogin == nil { // else env has named none
			e.Key = gone(getenv("FAL_KEY"))
		}
	}
	e.forgetBundle(dir, getenv)
	return e
}

// gone is the value of a variable that is to go; nil for one that is not there.
func gone(value string) *string {
	if value == "" {
		return nil
	}
	return new("")
}

// onThisMachine reports whether hosts are named and all of them are here.
func onThisMachine(hosts []string) bool {
	named := false
	for _, host := range hosts {
		if host != "" && !strings.HasPrefix(host, here) {
			return false
		}
		named = named || host != ""
	}
	return named
}

// forgetLogin takes away what useLogin has set, for this control plane or for
// another one.
func (e *Environment) forgetLogin(dir dataDir, getenv func(string) string) {
	home, file, issuer := getenv("FAL_HOME_DIR"), getenv("FAL_CONFIG_PATH"), getenv("FAL_AUTH_URL")
	u, err := url.Parse(issuer)
	issued := issuer != "" && err == nil && u.Path == "/auth" && strings.HasPrefix(u.Host, here)
	if issued {
		e.AuthURL = new("")
	}
	if ofLogin(home, dir, issued) {
		e.HomeDir = new("")
		if truthy(getenv("FAL_FORCE_AUTH_BY_USER")) {
			e.ForceLogin = new("")
		}
	}
	if file != "" && ofLogin(filepath.Dir(file), dir, issued) {
		e.ConfigPath = new("")
	}
}

// ofLogin reports whether a folder is where a login to a control plane is kept.
// After a reset the name alone tells, where the issuer is on this machine.
func ofLogin(folder string, dir dataDir, issued bool) bool {
	if folder == "" {
		return false
	}
	folder = filepath.Clean(folder)
	if folder == dir.login() {
		return true
	}
	if filepath.Base(folder) != localplane.LoginFolder {
		return false
	}
	_, err := os.Lstat(filepath.Join(filepath.Dir(folder), markerName))
	return err == nil || issued
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
