package check

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/fal-plugins/fal"

type goPackage struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

// packages lists the packages of the module for one system, keyed by their
// path below it.
func packages(t *testing.T, goos string) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-tags", "urfave_cli_no_docs", "-json=ImportPath,Dir,GoFiles,Imports,Deps", module+"/...")
	cmd.Dir = "../../.."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]goPackage{}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if rel, ok := strings.CutPrefix(p.ImportPath, module+"/"); ok {
			found[rel] = p
		}
	}
	if len(found) < 20 {
		t.Fatalf("go list found %d packages", len(found))
	}
	return found
}

// under reports whether path is dir or lies in it.
func under(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func underAny(path string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return under(path, d) })
}

// rule forbids imports: direct ones, or with whole set any that get linked.
type rule struct {
	name    string
	whole   bool
	from    func(importer string) bool
	forbids func(importer, imported string) bool
}

func rules() []rule {
	const cp = "pkg/controlplane"
	noun := func(path string) string { // plugins/<noun>/…
		parts := strings.SplitN(path, "/", 3)
		if len(parts) < 2 || parts[0] != "plugins" || parts[1] == "internal" {
			return ""
		}
		return parts[1]
	}
	own := func(path string) string {
		if rel, ok := strings.CutPrefix(path, module+"/"); ok {
			return rel
		}
		return path
	}
	is := func(dirs ...string) func(string) bool {
		return func(p string) bool { return underAny(p, dirs...) }
	}
	return []rule{
		{name: "arrows point down: pkg never imports plugins or cmd", from: is("pkg"),
			forbids: func(_, i string) bool { return underAny(own(i), "plugins", "cmd") }},
		{name: "plugins never import cmd", from: is("plugins"),
			forbids: func(_, i string) bool { return under(own(i), "cmd") }},
		{name: "a plugin never imports a sibling", from: func(p string) bool { return noun(p) != "" },
			forbids: func(p, i string) bool { n := noun(own(i)); return n != "" && n != noun(p) }},
		{name: "what plugins share imports no plugin", from: is("plugins/internal"),
			forbids: func(_, i string) bool { return noun(own(i)) != "" }},
		{name: "the SDK knows no files and no login", whole: true, from: is("pkg/fal"),
			forbids: func(_, i string) bool {
				return underAny(own(i), "pkg/config", "pkg/login", "pkg/project", cp)
			}},
		{name: "dispatcher, cli, output and watch link no gRPC, jq or SDK", whole: true,
			from: func(p string) bool {
				return underAny(p, "cmd/fal", "plugins/dispatch", "plugins/internal/cli", "plugins/internal/output", "plugins/internal/iostreams", "plugins/internal/watch") && p != "plugins/internal/output/jq"
			},
			forbids: func(_, i string) bool {
				return under(own(i), "pkg/fal") || under(i, "google.golang.org/grpc") || under(i, "github.com/itchyny/gojq")
			}},
		{name: "client and control plane share no mistakes", whole: true, from: is(cp),
			forbids: func(_, i string) bool { return underAny(own(i), "pkg/fal", "pkg/config", "pkg/login") }},
		{name: "only fal-local and what proves the whole import the control plane",
			from:    func(p string) bool { return !underAny(p, cp, "plugins/local", "cmd/internal", "cmd/fal-local") },
			forbids: func(_, i string) bool { return under(own(i), cp) }},
		{name: "the APIs reach the store through state only", from: is(cp+"/grpcapi", cp+"/restapi", cp+"/issuer", cp+"/gateway"),
			forbids: func(_, i string) bool { return under(own(i), cp+"/store") }},
		{name: "what a call changes knows the store alone", from: is(cp + "/state"),
			forbids: func(p, i string) bool {
				return under(own(i), cp) && !underAny(own(i), cp+"/state", cp+"/store")
			}},
		// Content that is uploaded has no rule but its hash, and a port is just
		// reached.
		{name: "the APIs and the gateway know state, the uploaded content and the loopback interface alone", from: is(cp+"/grpcapi", cp+"/restapi", cp+"/issuer", cp+"/gateway"),
			forbids: func(p, i string) bool {
				return under(own(i), cp) && !underAny(own(i), p, cp+"/state", cp+"/files", cp+"/loopback")
			}},
		{name: "what builds environments runs processes, and knows nothing else of the control plane", from: is(cp + "/build"),
			forbids: func(p, i string) bool { return under(own(i), cp) && !underAny(own(i), cp+"/build", cp+"/runtime") }},
		{name: "schedule, runtime, store, files, loopback and vault import no sibling", from: is(cp+"/schedule", cp+"/runtime", cp+"/store", cp+"/files", cp+"/loopback", cp+"/vault"),
			forbids: func(p, i string) bool {
				leaf := strings.Join(strings.Split(p, "/")[:3], "/")
				return under(own(i), cp) && !under(own(i), leaf)
			}},
		{name: "pkg/project is for deploy alone", from: func(p string) bool { return !underAny(p, "plugins/deploy", "pkg/project") },
			forbids: func(_, i string) bool { return under(own(i), "pkg/project") }},
		{name: "only deploy and the control plane read Dockerfiles", whole: true, from: func(p string) bool {
			return !underAny(p, "plugins/deploy", "pkg/project", "cmd/fal-deploy", "cmd/fal-local", "plugins/local", "cmd/internal", cp)
		},
			forbids: func(_, i string) bool { return under(i, "github.com/moby/buildkit") }},
		{name: "urfave/cli is imported by plugins/internal/cli alone", from: func(p string) bool { return p != "plugins/internal/cli" },
			forbids: func(_, i string) bool { return under(i, "github.com/urfave/cli") }},
		{name: "gojq is imported by output/jq alone", from: func(p string) bool { return p != "plugins/internal/output/jq" },
			forbids: func(_, i string) bool { return under(i, "github.com/itchyny/gojq") }},
		// Profiles, and the account that is selected, are what the two nouns
		// edit the file for; they get a client from session all the same, as
		// the rule after the next one holds them to. fal-local names the file.
		// fal-auth is about the login itself, and fal-doctor looks at each part
		// by itself.
		{name: "configuration and SDK meet in session alone", from: func(p string) bool {
			return under(p, "plugins") && !underAny(p, "plugins/internal/session", "plugins/internal/profilestore", "plugins/profile", "plugins/account", "plugins/auth", "plugins/doctor", "plugins/local")
		},
			forbids: func(_, i string) bool { return underAny(own(i), "pkg/config", "pkg/login") }},
		{name: "what edits profiles knows the configuration alone", whole: true, from: is("plugins/internal/profilestore"),
			forbids: func(_, i string) bool { return underAny(own(i), "pkg/fal", "pkg/login") }},
		{name: "the login knows no configuration and no SDK", whole: true, from: is("pkg/login"),
			forbids: func(_, i string) bool { return underAny(own(i), "pkg/fal", "pkg/config") }},
		{name: "only what logs people in verifies tokens", whole: true,
			from: func(p string) bool {
				return under(p, "plugins") && !under(p, "plugins/auth") || under(p, "cmd") && !underAny(p, "cmd/fal-auth", "cmd/internal") && p != "cmd/fal-local"
			},
			forbids: func(_, i string) bool {
				return under(own(i), "pkg/login/idtoken") || under(i, "github.com/coreos/go-oidc")
			}},
		{name: "a noun that edits the configuration makes no client", from: is("plugins/profile", "plugins/account"),
			forbids: func(_, i string) bool { return underAny(own(i), "pkg/fal", "pkg/login") }},
	}
}

func TestImports(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows"} {
		all := packages(t, goos)
		for _, r := range rules() {
			matched := false
			for path, p := range all {
				if !r.from(path) {
					continue
				}
				matched = true
				imports := p.Imports
				if r.whole {
					imports = p.Deps
				}
				for _, i := range imports {
					if r.forbids(path, i) {
						t.Errorf("%s: %s imports %s (%s)", r.name, path, i, goos)
					}
				}
			}
			if !matched {
				t.Errorf("rule %q matches no package: is its path right?", r.name)
			}
		}
	}
}

// sourceFiles calls visit with every Go file of the module that is no test.
func sourceFiles(t *testing.T, visit func(rel string, file *ast.File)) {
	t.Helper()
	root := "../../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (rel == ".git" || rel == "bin" || rel == "dist" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil {
			visit(rel, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// uses calls visit with every name that a file takes from a package.
func uses(file *ast.File, pkg string, visit func(name string)) {
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == pkg {
				visit(sel.Sel.Name)
			}
		}
		return true
	})
}

// Only the one statement of a main function ends a process.
func TestOnlyMainExits(t *testing.T) {
	sourceFiles(t, func(rel string, file *ast.File) {
		if file.Name.Name == "main" && filepath.Base(rel) == "main.go" {
			return
		}
		uses(file, "os", func(name string) {
			if name == "Exit" {
				t.Errorf("%s uses os.Exit", rel)
			}
		})
		uses(file, "log", func(name string) {
			if strings.HasPrefix(name, "Fatal") {
				t.Errorf("%s uses log.%s", rel, name)
			}
		})
	})
}

// The SDK reads no file and no environment variable.
func TestSDKReadsNothing(t *testing.T) {
	sourceFiles(t, func(rel string, file *ast.File) {
		if !underAny(rel, "pkg/fal", "pkg/internal/transport") || under(rel, "pkg/fal/faltest") || file.Name.Name == "main" {
			return
		}
		uses(file, "os", func(name string) {
			if !strings.HasPrefix(name, "Err") {
				t.Errorf("%s uses os.%s", rel, name)
			}
		})
	})
}

// The mains under cmd are one statement each.
func TestMainsAreOneStatement(t *testing.T) {
	mains, err := filepath.Glob("../../fal*/main.go")
	if err != nil || len(mains) < 3 {
		t.Fatalf("found %q, %v", mains, err)
	}
	for _, path := range mains {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && (f.Name.Name != "main" || len(f.Body.List) != 1) {
				t.Errorf("%s: func %s with %d statements", path, f.Name.Name, len(f.Body.List))
			}
		}
	}
}
