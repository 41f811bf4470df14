//go:build interop && unix

package interop

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cpbuild "github.com/fal-plugins/fal/pkg/controlplane/build"
	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
)

// noFiles has no uploaded file.
type noFiles struct{}

func (noFiles) Open(string) (io.ReadCloser, error) { return nil, fs.ErrNotExist }

// serializing is what the official client serializes functions with. The function
// needs a requirement of each layer.
const serializing = `
import sys, cloudpickle

def function():
    import six, tomli_w
    return "%s and %s" % (six.__version__, tomli_w.dumps({"a": 1}).strip())

sys.stdout.buffer.write(cloudpickle.dumps(function))
`

// TestBuildPython has the control plane's builder make environments of packages
// from the index, with pip and with uv, and run a function in them that was
// serialized where the official client is installed.
func TestBuildPython(t *testing.T) {
	python := commandIn(filepath.Dir(filepath.Dir(official(t))), "python")
	function, err := exec.CommandContext(t.Context(), python, "-c", serializing).Output()
	if err != nil {
		t.Fatal(err)
	}
	version, err := exec.CommandContext(t.Context(), python, "-c", `import sys; print("%d.%d" % sys.version_info[:2])`).Output()
	if err != nil {
		t.Fatal(err)
	}
	supervisor := filepath.Join(build(t, "fal-local"), "fal-local")
	tools := filepath.Join(t.TempDir(), "tools")
	for _, argv := range [][]string{{python, "-m", "venv", tools}, {commandIn(tools, "python"), "-m", "pip", "install", "--quiet", "uv"}} {
		cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
		cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
	}
	var plain []string
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(folder, "uv")); err != nil {
			plain = append(plain, folder)
		}
	}
	uv := t.TempDir()
	if err := os.Symlink(commandIn(tools, "uv"), filepath.Join(uv, "uv")); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string][]string{"pip": plain, "uv": append([]string{uv}, plain...)} {
		t.Run(name, func(t *testing.T) {
			rt, err := runtime.New(runtime.Options{Supervisor: []string{supervisor, "__supervise"}, Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			b := cpbuild.New(cpbuild.Options{Dir: t.TempDir(), Runtime: rt, Files: noFiles{}, Environ: func() []string {
				return append(os.Environ(), "PATH="+strings.Join(path, string(filepath.ListSeparator)))
			}})
			t.Cleanup(func() {
				b.Close()
				if err := rt.Close(); err != nil {
					t.Error(err)
				}
			})
			var said bytes.Buffer
			log := func(level, message string) { said.WriteString(level + " " + message + "\n") }
			definition := func(requirements ...any) cpbuild.Definition {
				return cpbuild.Definition{Kind: "virtualenv", Configuration: map[string]any{
					"python_version": strings.TrimSpace(string(version)), "requirements": requirements, "resolver": "uv",
				}}
			}
			env, err := b.Build(t.Context(), definition([]any{"six==1.17.0"}, []any{"tomli-w==1.2.0"}), log)
			if err != nil {
				t.Fatalf("%v\n%s", err, &said)
			}
			if strings.Contains(said.String(), " with uv\n") != (name == "uv") {
				t.Errorf("the log does not tell of %s:\n%s", name, &said)
			}
			callable := cpbuild.Callable{Function: &cpbuild.Object{Method: "cloudpickle", Definition: function}}
			value, err := env.CallFunction(t.Context(), callable, log)
			if err != nil || value.Raised || !strings.Contains(string(value.Definition), "1.17.0 and a = 1") {
				t.Errorf("value %+v, %v\n%s", value, err, &said)
			}
			_, err = b.Build(t.Context(), definition("six==0.0.0.1"), log)
			var failure *cpbuild.Failure
			if !errors.As(err, &failure) || !strings.Contains(failure.Message, "six==0.0.0.1") {
				t.Errorf("a requirement that there is not: %v", err)
			}
		})
	}
}
