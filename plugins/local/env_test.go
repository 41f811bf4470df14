package local

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEnv(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run("env").exits(1).prints("").says("error: the local control plane is not running").says("hint: fal-local start")
	s := b.start()
	key := b.key()
	b.run("env").ok().prints("export FAL_KEY='" + key + "'\n" +
		"export FAL_HOST='" + *s.Address + "'\n" +
		"export FAL_GRPC_HOST='" + *s.Address + "'\n" +
		"export FAL_REST_HOST='" + *s.Address + "'\n" +
		"export ISOLATE_TEST_MODE='1'\n")
	b.runEnv([]string{"SHELL=/usr/bin/fish"}, "env", "-q", ".FAL_KEY").ok().prints(key + "\n")
	if r := b.runEnv([]string{"SHELL=/usr/bin/fish"}, "env").ok(); !strings.HasPrefix(r.stdout, "export FAL_KEY='") {
		t.Errorf("under a login shell of fish:\n%s", r.stdout)
	}
	if r := b.run("env", "--shell", "fish").ok(); !strings.HasPrefix(r.stdout, "set -gx FAL_KEY '") || !strings.Contains(r.stdout, "';\n") {
		t.Errorf("for fish:\n%s", r.stdout)
	}
	if r := b.run("env", "--shell", "powershell").ok(); !strings.HasPrefix(r.stdout, "$env:FAL_KEY = '") {
		t.Errorf("for PowerShell:\n%s", r.stdout)
	}
	var e Environment
	b.run("env", "--json").ok().decode(&e)
	if e.Key == nil || *e.Key != key || *e.GRPCHost != *s.Address || e.CertFile != nil {
		t.Errorf("%+v", e)
	}
	// What it prints works on the server that it came from.
	response := b.get(http.DefaultTransport, "http://"+*e.RESTHost, *e.Key)
	if response.StatusCode != http.StatusOK {
		t.Errorf("/users/current: %s", response.Status)
	}
	b.stop()
	b.run("env").exits(1).prints("")
	b.gone()
}

func (b *bench) get(transport http.RoundTripper, base, key string) *http.Response {
	b.t.Helper()
	request, err := http.NewRequestWithContext(testContext(b.t), http.MethodGet, base+"/users/current", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Key "+key)
	request.Close = true
	response, err := transport.RoundTrip(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		b.t.Fatal(err)
	}
	return response
}

func TestTLS(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	// A machine with an authority of its own.
	roots := filepath.Join(b.home, "roots.pem")
	_, corporate := selfSigned(t)
	if err := os.WriteFile(roots, corporate[:len(corporate)-1], 0o644); err != nil {
		t.Fatal(err)
	}
	b.runEnv([]string{"SSL_CERT_FILE=" + roots}, "start", "--tls").ok()
	s := b.status()
	if !s.TLS {
		t.Errorf("%+v", s)
	}
	b.run("start", "--tls").ok()
	b.run("start").ok()
	var e Environment
	b.run("env", "--json").ok().decode(&e)
	bundle := filepath.Join(b.data(), bundleName)
	if *e.TestMode != "0" || e.CertFile == nil || *e.CertFile != bundle || *e.GRPCRoots != bundle {
		t.Errorf("%+v", e)
	}
	if r := b.run("env").ok(); !strings.Contains(r.stdout, "export ISOLATE_TEST_MODE='0'\nexport SSL_CERT_FILE='"+bundle+"'\nexport GRPC_DEFAULT_SSL_ROOTS_FILE_PATH='"+bundle+"'\n") {
		t.Errorf("env:\n%s", r.stdout)
	}
	content, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(content), "-----BEGIN CERTIFICATE-----\n") != 2 || !strings.HasPrefix(string(content), string(corporate)) {
		t.Errorf("the bundle lacks the authorities of the system:\n%s", content)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		t.Fatal("the bundle holds no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	if response := b.get(transport, "https://"+*e.RESTHost, *e.Key); response.StatusCode != http.StatusOK {
		t.Errorf("/users/current: %s", response.Status)
	}
	b.run("use").ok().says("SSL_CERT_FILE=" + bundle)
	if text := b.config(); !strings.Contains(text, `local_host = "https://`+*s.Address+`"`) {
		t.Errorf("profile:\n%s", text)
	}
	b.stop()
	b.gone()
}

func TestMisleadingVariables(t *testing.T) {
	t.Parallel()
	const proxy, list = "http_proxy", "no_proxy"
	for _, c := range []struct {
		name string
		env  map[string]string
		want map[string]string
	}{
		{"none", nil, nil},
		{"login forced", map[string]string{"FAL_FORCE_AUTH_BY_USER": "1"}, map[string]string{"FAL_FORCE_AUTH_BY_USER": ""}},
		{"login not forced", map[string]string{"FAL_FORCE_AUTH_BY_USER": "0"}, nil},
		{"no credentials", map[string]string{"ISOLATE_AUTH_DISABLED": "true"}, map[string]string{"ISOLATE_AUTH_DISABLED": ""}},
		{"credentials", map[string]string{"ISOLATE_AUTH_DISABLED": "False"}, nil},
		{"list without proxy", map[string]string{list: "example.com"}, nil},
		{"proxy", map[string]string{proxy: "http://p"}, map[string]string{"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}},
		{"upper-case proxy", map[string]string{"HTTPS_PROXY": "http://p"}, map[string]string{"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}},
		{"proxy for gRPC", map[string]string{"grpc_proxy": "http://p", list: "a,b"}, map[string]string{"no_proxy": "a,b,127.0.0.1", "NO_PROXY": "a,b,127.0.0.1"}},
		{"one list covers it", map[string]string{proxy: "http://p", "NO_PROXY": "127.0.0.1"}, map[string]string{"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}},
		{"lists differ", map[string]string{proxy: "http://p", list: "a", "NO_PROXY": "b"}, map[string]string{"no_proxy": "a,127.0.0.1", "NO_PROXY": "b,127.0.0.1"}},
		{"covered", map[string]string{proxy: "http://p", list: "a, 127.0.0.1"}, nil},
		{"everything", map[string]string{proxy: "http://p", list: "*"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEnvironment("127.0.0.1:1", false, "k:s", "", func(name string) string { return c.env[name] })
			got := map[string]string{}
			for _, v := range e.variables()[5:] {
				got[v[0]] = v[1]
			}
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			for name, value := range c.want {
				if v, ok := got[name]; !ok || v != value {
					t.Errorf("%s: got %q, want %q", name, v, value)
				}
			}
		})
	}
}

// The keys of the contract structs are promised to scripts.
func TestContracts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		keys  []string
	}{
		{Status{}, []string{"running", "address", "tls", "pid", "data_dir", "version", "started_at", "runners", "sample", "login"}},
		{Stopped{}, []string{"stopped", "data_dir"}},
		{Reset{}, []string{"deleted", "data_dir"}},
		{UsedProfile{}, []string{"profile", "local_host", "default", "config"}},
		{LogLine{}, []string{"timestamp", "level", "message", "attributes"}},
		{LogLines{}, []string{"lines"}},
		{Environment{}, []string{"FAL_KEY", "FAL_HOST", "FAL_GRPC_HOST", "FAL_REST_HOST", "ISOLATE_TEST_MODE", "SSL_CERT_FILE",
			"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "FAL_AUTH_URL", "FAL_HOME_DIR", "FAL_CONFIG_PATH", "FAL_FORCE_AUTH_BY_USER", "ISOLATE_AUTH_DISABLED", "no_proxy", "NO_PROXY"}},
	} {
		data, err := json.Marshal(c.value)
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(strings.NewReader(string(data)))
		var keys []string
		for depth := 0; decoder.More() || depth == 0; depth++ {
			token, err := decoder.Token()
			if err != nil {
				t.Fatal(err)
			}
			if key, ok := token.(string); ok {
				keys = append(keys, key)
				var skipped any
				if err := decoder.Decode(&skipped); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !slices.Equal(keys, c.keys) {
			t.Errorf("%T has %v, want %v", c.value, keys, c.keys)
		}
	}
}
