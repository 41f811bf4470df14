package doctor

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/localplane"
	"github.com/fal-plugins/fal/plugins/internal/version"
)

func TestLocal(t *testing.T) {
	s := newScene(t)
	check := func() finding { return s.patient().checkLocal(t.Context()) }
	s.wants(check(), "skipped", "none has been started", "")
	s.write(".fal/local/fal-local.json", "{}")
	s.wants(check(), "ok", "not running; its data is in "+filepath.Join("~", ".fal", "local"), "")

	var answer atomic.Value
	answer.Store(`{"stopping": false}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+canary || r.URL.Path != localplane.PathHealth {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		text := answer.Load().(string)
		if text == "" {
			<-r.Context().Done()
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	defer server.Close()
	record := localplane.Record{PID: 42, Address: s.server.Host(), Control: strings.TrimPrefix(server.URL, "http://"), Token: canary, Version: version.Get("fal-doctor").Version}
	save := func(r localplane.Record) {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		s.write(filepath.Join(".fal", "local", localplane.RecordName), string(text))
	}
	save(record)
	s.wants(check(), "ok", "running at "+s.server.Host()+" without TLS, process 42", "")
	if credentials := s.patient().checkCredentials(t.Context()); strings.Contains(credentials.hint, "local") {
		t.Errorf("with a key: %+v", credentials)
	}
	key, shell := s.env["FAL_KEY"], s.env["SHELL"]
	s.env["FAL_KEY"], s.env["SHELL"] = "", "/bin/sh"
	for _, name := range []string{"fal-local", "fal-local.exe"} {
		if err := os.Chmod(s.write(filepath.Join("bin", name), "#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.wants(s.patient().checkCredentials(t.Context()), "failed", "none", "`eval \"$(fal-local env)\"`, to use the local control plane, which is running")
	s.env["FAL_KEY"], s.env["SHELL"] = key, shell
	for said, want := range map[string][2]string{
		`{"stopping": true}`:                    {"it is stopping", ""},
		`{"problem": "the database is locked"}`: {"the database is locked", "fal local logs"},
	} {
		answer.Store(said)
		s.wants(check(), "warning", want[0], want[1])
	}
	answer.Store("")
	s.wants(s.patient().checkLocal(bounded(t)), "warning", "process 42 does not answer", "fal local logs")

	answer.Store("{}")
	record.Version, record.TLS = "0.0.1", true
	save(record)
	s.wants(check(), "warning", "with TLS, process 42; it is of version 0.0.1", "fal local stop && fal local start")

	server.Close()
	s.wants(check(), "warning", "ended without tidying up; it was last at "+s.server.Host(), "fal local start")
	record.Address = "127.0.0.1:1"
	save(record)
	s.wants(check(), "ok", "it was last at 127.0.0.1:1", "")
	s.write(filepath.Join(".fal", "local", localplane.RecordName), "torn")
	s.wants(check(), "ok", "not running", "")

	s.env["FAL_HOME_DIR"] = filepath.Join(s.home, "elsewhere")
	s.wants(check(), "skipped", "none has been started", "")
	if err := os.MkdirAll(filepath.Join(s.home, "elsewhere", "local", localplane.RecordName), 0o700); err != nil {
		t.Fatal(err)
	}
	s.wants(check(), "failed", localplane.RecordName, "")
}
