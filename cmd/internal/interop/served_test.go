//go:build interop && unix

package interop

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// buildTimeout bounds a deployment, which installs packages; as all of them it
// is for hangs.
const buildTimeout = 15 * time.Minute

// served are the apps of testdata/served: how each is deployed and named, and
// what it answers to a request.
var served = [...]struct {
	kind, ref, name string
	contentType     string
	request, answer string
}{
	{"image", "image", "image", "text/plain", "hi", "hi image"},
	{"entry point", "entry", "entry", "application/json", `{"prompt": "hi"}`, `{"text":"hi entry"}`},
	{"Python file", "app.py", "file", "application/json", `{"prompt": "hi"}`, `{"text":"hi é"}`},
}

// TestServed deploys an app of each kind with the official client to one control
// plane and with ours to another: both must list the same apps, and each app
// must answer a request that comes through the gateway. The control planes speak
// TLS, without which the official client uploads no source distribution.
func TestServed(t *testing.T) {
	officialPath := official(t)
	python := commandIn(filepath.Dir(filepath.Dir(officialPath)), "python")
	bin := build(t, "fal-local", "fal-deploy", "fal-apps", "fal-runners")
	theirs, ours := startServed(t, bin, officialPath), startServed(t, bin, officialPath)
	for _, app := range served {
		t.Run(app.kind, func(t *testing.T) {
			theirs.deploy(t, officialPath, "deploy", app.ref)
			ours.deploy(t, filepath.Join(bin, "fal-deploy"), "--python", python, app.ref)
			for whose, p := range map[string]servedPlane{"the official client": theirs, "ours": ours} {
				if got := p.post(t, app.name, app.contentType, app.request); got != app.answer {
					t.Errorf("deployed by %s it answers %q, want %q", whose, got, app.answer)
				}
			}
			if a, b := theirs.apps(t, bin), ours.apps(t, bin); !reflect.DeepEqual(a, b) {
				t.Errorf("after the official client there are\n%v\nafter ours\n%v", a, b)
			}
		})
	}
}

// servedPlane is a control plane, and a project to deploy to it.
type servedPlane struct {
	plane
	client  *http.Client
	address string
	key     string
}

func startServed(t *testing.T, bin, officialPath string) servedPlane {
	t.Helper()
	p := servedPlane{plane: startPlane(t, bin, officialPath, "--tls")}
	project := t.TempDir()
	if err := os.CopyFS(project, os.DirFS(filepath.Join("testdata", "served"))); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(project, "pyproject.toml")
	text, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(settings, []byte(strings.ReplaceAll(string(text), "@VERSION@", Version())), 0o644); err != nil {
		t.Fatal(err)
	}
	p.home = project
	said := strings.Fields(p.succeed(t, p.within("sh", "-c", `echo "$FAL_HOST" "$FAL_KEY" "$SSL_CERT_FILE"`)...).stdout)
	if len(said) != 3 {
		t.Fatalf("fal-local env leads to %q", said)
	}
	p.address, p.key = said[0], said[1]
	trusted, err := os.ReadFile(said[2])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	p.client = &http.Client{Transport: transport, Timeout: commandTimeout}
	return p
}

func (p servedPlane) deploy(t *testing.T, argv ...string) {
	t.Helper()
	r := p.runFor(t, buildTimeout, p.within(argv...)...)
	if r.code != 0 {
		t.Fatalf("%q exited %d\nstdout: %s\nstderr: %s", argv, r.code, r.stdout, r.stderr)
	}
}

// post sends a request through the gateway, and returns what a runner answers.
func (p servedPlane) post(t *testing.T, app, contentType, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+p.address+"/local/"+app+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Key "+p.key)
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %v", app, response.Status, err)
	}
	return string(answer)
}

// apps are those of the control plane, without what it chose.
func (p servedPlane) apps(t *testing.T, bin string) []map[string]any {
	t.Helper()
	var list struct{ Apps []map[string]any }
	text := p.succeed(t, p.within(filepath.Join(bin, "fal-apps"), "list", "--json")...).stdout
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list.Apps) == 0 {
		t.Fatalf("%v in %q", err, text)
	}
	for _, row := range list.Apps {
		for _, key := range append([]string{"is_rolling"}, chosen...) {
			delete(row, key)
		}
	}
	return list.Apps
}
