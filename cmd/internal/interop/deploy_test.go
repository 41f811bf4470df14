//go:build interop && unix

package interop

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// deployments are the apps of testdata/deploy, with the arguments to deploy them.
var deployments = [...][]string{
	{"endpoints.py"},
	{"endpoints.py::MyApp", "--app-name", "other-name", "--auth", "public", "--strategy", "recreate", "--reset-scale"},
	{"function.py", "--env", "staging", "--message", "words é", "--annotation", "A=1"},
	{"realtime.py", "--detach"},
	{"files.py::Files"},
	{"files.py::Other", "--no-cache"},
	{"image.py::Boxed"},
	{"local.py"},
	{"tabled"},
	{"boxed"},
	{"built"},
	{"imported"},
}

// TestDeployRequests deploys the same project with both clients, in the same
// place and with the same Python, against a recording server: each request of
// ours must be the official client's, field by field, but for the bytes of a
// serialized function, which must load to the same.
func TestDeployRequests(t *testing.T) {
	officialPath := official(t)
	python := commandIn(filepath.Dir(filepath.Dir(officialPath)), "python")
	launcher, err := filepath.Abs(filepath.Join("testdata", "official.py"))
	if err != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(build(t, "fal-deploy"), "fal-deploy")
	for _, args := range deployments {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "deploy"))); err != nil {
				t.Fatal(err)
			}
			theirs := deployed(t, dir, python, append([]string{python, launcher, "deploy"}, args...))
			mine := deployed(t, dir, python, append([]string{ours, "--python", python}, args...))
			if len(theirs) == 0 {
				t.Fatal("the official client sent nothing")
			}
			equalFunctions(t, python, dir, theirs, mine)
			for _, call := range theirs {
				// Anybody may call theirs while it describes itself.
				if call.Method == "Run" {
					call.Request["auth_mode"] = "PRIVATE"
				}
			}
			if want := withoutFunctions(theirs); !reflect.DeepEqual(withoutFunctions(mine), want) {
				t.Errorf("ours sent\n%s\nwant, as the official client does,\n%s", pretty(t, mine), pretty(t, want))
			}
		})
	}
}

// deployed runs a deployment and returns what it sent by gRPC.
func deployed(t *testing.T, dir, python string, argv []string) []Call {
	t.Helper()
	return deployedTo(t, os.DevNull, dir, python, argv)
}

// deployedTo puts what is uploaded as a source distribution in a file.
func deployedTo(t *testing.T, file, dir, python string, argv []string) []Call {
	t.Helper()
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bytes, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(file, bytes, 0o600)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	defer cdn.Close()
	initiated, err := json.Marshal(map[string]string{"file_url": "https://cdn.example.test/file.tar.gz", "upload_url": cdn.URL + "/put"})
	if err != nil {
		t.Fatal(err)
	}
	recorder, err := StartRecorder(map[string]json.RawMessage{
		"BuildEnvironment":              json.RawMessage(`{"env_id": "e", "status": {"state": "SUCCESS"}}`),
		"Run":                           json.RawMessage(`{"status": {"state": "SUCCESS"}, "return_value": {"method": "pickle", "definition": "gASVNwAAAAAAAAB9lIwHb3BlbmFwaZR9lChoAYwFMy4xLjCUjAVwYXRoc5R9lIwBL5R9lIwEcG9zdJR9lHNzdXMu"}}`),
		"RegisterApplication":           json.RawMessage(`{"result": {"application_id": "66666666-6666-4666-8666-666666666666"}, "service_urls": {"playground": "https://fal.test/p", "run": "https://fal.test/r", "queue": "https://fal.test/q", "ws": "wss://fal.test/w", "log": "https://fal.test/l"}}`),
		"POST /files/missing_hashes":    json.RawMessage(`[]`),
		"POST /storage/upload/initiate": initiated,
		"GET /users/current":            json.RawMessage(`{"user_id": "github|1", "nickname": "me", "full_name": "Me"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := recorder.Close(); err != nil {
			t.Error(err)
		}
	}()
	s := newSession(t,
		"FAL_KEY=testid:testsecret",
		"FAL_HOST="+recorder.Addr(),
		"FAL_REST_HOST="+recorder.Addr(),
		"ISOLATE_TEST_MODE=1",
		"FAL_PYTHON="+python,
	)
	s.home = dir
	s.succeed(t, argv...)
	calls, err := recorder.Take()
	if err != nil {
		t.Errorf("%q: %v", argv, err)
	}
	return slices.DeleteFunc(calls, func(c Call) bool { return c.Transport != "grpc" })
}

// withoutFunctions leaves out what may differ: the bytes of functions, and the
// order of files.
func withoutFunctions(calls []Call) []Call {
	for _, call := range calls {
		if function, ok := call.Request["function"].(map[string]any); ok {
			function["definition"] = "a serialized function"
		}
		if files, ok := call.Request["files"].([]any); ok {
			slices.SortFunc(files, func(a, b any) int { return strings.Compare(path(a), path(b)) })
		}
	}
	return calls
}

func path(file any) string {
	fields, _ := file.(map[string]any)
	name, _ := fields["relative_path"].(string)
	return name
}

// equalFunctions has Python load the functions of both, and compares what they
// are made of, but for the numbers that each process gives its classes.
func equalFunctions(t *testing.T, python, dir string, theirs, ours []Call) {
	t.Helper()
	write := func(name string, calls []Call) (string, bool) {
		for _, call := range calls {
			if function, ok := call.Request["function"].(map[string]any); ok {
				bytes, err := base64.StdEncoding.DecodeString(function["definition"].(string))
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(file, bytes, 0o600); err != nil {
					t.Fatal(err)
				}
				return file, true
			}
		}
		return "", false
	}
	theirFile, has := write("theirs", theirs)
	ourFile, also := write("ours", ours)
	if has != also {
		t.Fatalf("a function: theirs %v, ours %v", has, also)
	}
	if !has {
		return
	}
	script, err := filepath.Abs(filepath.Join("testdata", "functions.py"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t)
	s.home = dir
	r := s.run(t, python, script, theirFile, ourFile)
	if r.code != 0 {
		t.Errorf("the functions differ: %s%s", r.stdout, r.stderr)
	}
}
