package session

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/networktest"
)

const patience = 30 * time.Second

// serving makes a server answer on both sides.
func serving(server *faltest.Server) *faltest.Server {
	server.HandleREST("GET /users/current", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"user_id": "u-1", "nickname": "ada"}`)
	})
	return server
}

// ask calls both sides of the service that the environment leads to.
func ask(t *testing.T, getenv func(string) string) (grpc, rest error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	streams, _, _, errout := iostreams.Test()
	s, err := Open(ctx, &cli.Invocation{IO: streams, App: &cli.App{Name: "fal-test"}, Command: &cli.Command{}, Getenv: getenv})
	if err != nil {
		t.Fatalf("%v %s", err, errout)
	}
	defer s.Close()
	for _, err := range s.Client.Keys.List(ctx, nil) {
		grpc = err
	}
	_, rest = s.Client.Accounts.Current(ctx)
	return grpc, rest
}

func TestBothSidesGoThroughTheProxy(t *testing.T) {
	server := serving(faltest.New(t))
	authority := networktest.NewAuthority(t, "Example Corp")
	front := networktest.TLS(t, authority, server.Host(), "api.fal.invalid", "rest.fal.invalid")
	proxy := networktest.NewProxy(t, map[string]string{"api.fal.invalid:443": front, "rest.fal.invalid:443": front})
	proxyURL := strings.Replace(proxy.URL, "://", "://user:canary-pa55@", 1)
	dir := filepath.Dir(authority.File())

	for _, tt := range []struct {
		name    string
		env     map[string]string
		through bool
	}{
		{"a file", map[string]string{"HTTPS_PROXY": proxyURL, "SSL_CERT_FILE": authority.File()}, true},
		{"folders", map[string]string{"HTTPS_PROXY": proxyURL, "SSL_CERT_DIR": filepath.Join(dir, "missing") + string(filepath.ListSeparator) + dir}, true},
		{"small letters", map[string]string{"https_proxy": strings.TrimPrefix(proxyURL, "http://"), "no_proxy": "other.invalid", "SSL_CERT_FILE": authority.File()}, true},
		{"not for these hosts", map[string]string{"HTTPS_PROXY": proxyURL, "NO_PROXY": "other.invalid,.fal.invalid", "SSL_CERT_DIR": dir}, false},
		{"not for these hosts, in small letters", map[string]string{"https_proxy": proxyURL, "no_proxy": "fal.invalid", "SSL_CERT_DIR": dir}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(proxy.Asked())
			grpc, rest := ask(t, func(name string) string {
				if v, ok := tt.env[name]; ok {
					return v
				}
				return map[string]string{"FAL_KEY": "testid:testsecret", "FAL_GRPC_HOST": "api.fal.invalid",
					"FAL_CONFIG_PATH": filepath.Join(t.TempDir(), "config.toml")}[name]
			})
			asked := proxy.Asked()[before:]
			if !tt.through {
				if grpc == nil || rest == nil || len(asked) > 0 {
					t.Errorf("gRPC %v, REST %v, asked for %q", grpc, rest, asked)
				}
				return
			}
			if grpc != nil || rest != nil {
				t.Errorf("gRPC %v, REST %v", grpc, rest)
			}
			for _, host := range []string{"api.fal.invalid:443", "rest.fal.invalid:443"} {
				if !slices.Contains(asked, host) {
					t.Errorf("the way to %s is not through the proxy: %q", host, asked)
				}
			}
		})
	}

	proxy.Refuse(407)
	grpc, rest := ask(t, func(name string) string {
		return map[string]string{"FAL_KEY": "testid:testsecret", "FAL_GRPC_HOST": "api.fal.invalid", "HTTPS_PROXY": proxyURL,
			"FAL_CONFIG_PATH": filepath.Join(t.TempDir(), "config.toml")}[name]
	})
	for side, err := range map[string]error{"gRPC": grpc, "REST": rest} {
		if err == nil || !strings.Contains(err.Error(), "407") || !strings.Contains(err.Error(), "proxy 127.0.0.1") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", side, err)
		}
	}
}

// asClient makes a process of the test the client of a real environment.
const asClient = "FAL_TEST_AS_CLIENT"

func TestRootsOfTheProcess(t *testing.T) {
	if os.Getenv(asClient) != "" {
		if grpc, rest := ask(t, os.Getenv); grpc != nil || rest != nil {
			t.Errorf("gRPC %v, REST %v", grpc, rest)
		}
		return
	}
	server := serving(faltest.NewTLS(t))
	dir := t.TempDir()
	file := filepath.Join(dir, "authority.pem")
	if err := os.WriteFile(file, server.CertificatePEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		variable string
		works    bool
	}{
		{"SSL_CERT_FILE=" + file, true}, {"SSL_CERT_DIR=" + dir, true}, {"SSL_CERT_DIR=" + t.TempDir(), false},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRootsOfTheProcess$")
		cmd.Env = append(os.Environ(), asClient+"=1", "FAL_KEY=testid:testsecret", "FAL_GRPC_HOST=https://"+server.Host(), "FAL_REST_HOST=https://"+server.Host(),
			"FAL_CONFIG_PATH="+filepath.Join(dir, "config.toml"), tt.variable)
		out, err := cmd.CombinedOutput()
		if (err == nil) != tt.works {
			t.Errorf("%s: %v\n%s", tt.variable, err, out)
		}
	}
}

func TestRoots(t *testing.T) {
	authority := networktest.NewAuthority(t, "Example Corp")
	leaf, err := x509.ParseCertificate(authority.Certificate("api.fal.invalid").Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	good, dir := authority.File(), t.TempDir()
	bad := filepath.Join(dir, "bad.pem")
	if err := os.WriteFile(bad, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ file, dir, want string }{
		{"", "", ""},
		{good, "", ""},
		{"", filepath.Dir(good), ""},
		{good, filepath.Dir(good) + string(filepath.ListSeparator) + dir, ""},
		{bad, "", "SSL_CERT_FILE"},
		{filepath.Join(dir, "missing.pem"), "", "SSL_CERT_FILE"},
		{dir, "", "SSL_CERT_FILE"},
		{"", dir, "SSL_CERT_DIR"},
		{"", filepath.Join(dir, "missing"), "SSL_CERT_DIR"},
	} {
		pool, err := Roots(func(name string) string {
			return map[string]string{"SSL_CERT_FILE": tt.file, "SSL_CERT_DIR": tt.dir}[name]
		})
		if tt.want == "" {
			if err != nil || (pool == nil) != (tt.file+tt.dir == "") {
				t.Errorf("%+v: %v, %v", tt, pool, err)
			}
			if pool == nil {
				continue
			}
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool}); err != nil {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		if cli.ExitCode(err) != cli.ExitUsage || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestProxyThatIsNone(t *testing.T) {
	target := &url.URL{Scheme: "https", Host: "api.fal.invalid"}
	for _, tt := range []struct {
		env         map[string]string
		proxy, want string
	}{
		{nil, "", ""},
		{map[string]string{"HTTPS_PROXY": "proxy.invalid:3128"}, "http://proxy.invalid:3128", ""},
		{map[string]string{"HTTPS_PROXY": "socks5://proxy.invalid"}, "socks5://proxy.invalid", ""},
		{map[string]string{"HTTPS_PROXY": "http://a.invalid", "https_proxy": "http://b.invalid"}, "http://a.invalid", ""},
		{map[string]string{"HTTP_PROXY": "http://a.invalid"}, "", ""},
		{map[string]string{"HTTPS_PROXY": "http://user:canary@pro xy"}, "", "HTTPS_PROXY is no address"},
		{map[string]string{"https_proxy": "ftp://proxy.invalid"}, "", "https_proxy is no address"},
		{map[string]string{"https_proxy": "ftp://proxy.invalid", "NO_PROXY": "fal.invalid"}, "", ""},
	} {
		proxy, err := Proxy(func(name string) string { return tt.env[name] })(target)
		got := ""
		if proxy != nil {
			got = proxy.String()
		}
		if got != tt.proxy || (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%v: %s, %v", tt.env, got, err)
		}
	}
}
