package searchpath

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, mode os.FileMode, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(path), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func join(entries ...string) string { return strings.Join(entries, string(filepath.ListSeparator)) }

func TestParse(t *testing.T) {
	root := t.TempDir()
	a, b := filepath.Join(root, "a"), filepath.Join(root, "b")
	path := Parse(join("", a, ".", b, "x", a, a+string(filepath.Separator), "./x", "."), "")
	if want := []string{a, b}; !slices.Equal(path.Folders, want) {
		t.Errorf("folders %q, want %q", path.Folders, want)
	}
	var refused []string
	for _, refusal := range path.Refused {
		refused = append(refused, refusal.Entry)
		if refusal.Reason == "" {
			t.Errorf("no reason for %q", refusal.Entry)
		}
	}
	if want := []string{"", ".", "x", "./x"}; !slices.Equal(refused, want) {
		t.Errorf("refused %q, want %q", refused, want)
	}
	if path := Parse("", ""); len(path.Folders)+len(path.Refused) > 0 {
		t.Errorf("an empty PATH has entries: %+v", path)
	}
}

func TestWithLeavesThePathAlone(t *testing.T) {
	root := t.TempDir()
	path := Parse(filepath.Join(root, "a"), "")
	one := path.With(filepath.Join(root, "b"))
	other := path.With(filepath.Join(root, "c"))
	if len(path.Folders) != 1 || filepath.Base(one.Folders[1]) != "b" || filepath.Base(other.Folders[1]) != "c" {
		t.Errorf("got %q, %q, %q", path.Folders, one.Folders, other.Folders)
	}
	if again := one.With(filepath.Join(root, "b") + "/."); len(again.Folders) != 2 {
		t.Errorf("got %q", again.Folders)
	}
}

func TestExtensions(t *testing.T) {
	tests := map[string]string{
		"":                             ".com .exe .bat .cmd",
		".EXE":                         ".exe",
		".CMD;.EXE;.cmd":               ".cmd .exe",
		".COM;.EXE;.BAT;.CMD;.VBS;.PY": ".com .exe .bat .cmd",
		";;.py;":                       ".com .exe .bat .cmd",
	}
	for pathExt, want := range tests {
		if got := strings.Join(runnable(pathExt), " "); got != want {
			t.Errorf("PATHEXT=%q gives %s, want %s", pathExt, got, want)
		}
	}
}

func TestInWithExtensions(t *testing.T) {
	root := t.TempDir()
	write(t, 0o755, root, "x.exe")
	write(t, 0o755, root, "x.bat")
	write(t, 0o755, root, "x")
	write(t, 0o755, root, "y")
	write(t, 0o755, root, "z.py")
	path := Path{Folders: []string{root}, extensions: []string{".bat", ".exe"}}
	for name, want := range map[string]string{"x": "x.bat", "x.exe": "x.exe", "y": "", "z": "", "z.py": ""} {
		file, found := path.In(root, name)
		if got := filepath.Base(file.Path); found != (want != "") || found && got != want {
			t.Errorf("%q gives %q, %t, want %q", name, got, found, want)
		}
	}
	for file, want := range map[string]string{"x.EXE": "x", "x.bat": "x", "x": "", "x.py": "", "x.y.exe": "x.y"} {
		if got, ok := path.Program(file); got != want || ok != (want != "") {
			t.Errorf("%q is the program %q, %t, want %q", file, got, ok, want)
		}
	}
}

func TestPathLine(t *testing.T) {
	tests := []struct{ goos, folder, want string }{
		{"linux", "/usr/local/bin", `export PATH="/usr/local/bin:$PATH"`},
		{"darwin", "/a b/$x/`y`/\"z\"", `export PATH="/a b/\$x/` + "\\`y\\`" + `/\"z\":$PATH"`},
		{"windows", `C:\it's`, `$env:Path = 'C:\it''s;' + $env:Path`},
	}
	for _, test := range tests {
		if got := pathLine(test.goos, test.folder); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestFolderOf(t *testing.T) {
	for _, self := range []string{"", "fal", filepath.Join("bin", "fal")} {
		if got := FolderOf(self); got != "" {
			t.Errorf("%q is in %q", self, got)
		}
	}
	gone := filepath.Join(t.TempDir(), "gone", "fal")
	if got := FolderOf(gone); got != filepath.Dir(gone) {
		t.Errorf("%q is in %q", gone, got)
	}
}

func TestShadowed(t *testing.T) {
	if runtime.GOOS == "windows" {
		testShadowed(t, ".exe")
		return
	}
	testShadowed(t, "")
}

func testShadowed(t *testing.T, extension string) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ours := write(t, 0o755, root, "opt", "fal"+extension)
	runners := write(t, 0o755, root, "opt", "fal-runners"+extension)
	other := write(t, 0o755, root, "venv", "fal"+extension)
	write(t, 0o755, root, "alone", "fal-runners"+extension)
	hard := filepath.Join(root, "bin", "fal"+extension)
	if err := os.Mkdir(filepath.Dir(hard), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(ours, hard); err != nil {
		t.Fatal(err)
	}
	in := func(folder string) string { return filepath.Join(root, folder) }
	tests := []struct {
		name, path, self string
		ours             string // empty when nothing hides ours
	}{
		{"first", join(in("opt"), in("venv")), ours, ""},
		{"second", join(in("venv"), in("opt")), ours, ours},
		{"asked by a plugin", join(in("venv"), in("opt")), runners, ours},
		{"first through a link", join(in("bin"), in("venv"), in("opt")), ours, ""},
		{"second through a link", join(in("venv"), in("bin"), in("opt")), ours, hard},
		{"not on the path", in("venv"), ours, ours},
		{"none on the path", in("empty"), ours, ""},
		{"none beside the plugin", in("venv"), filepath.Join(root, "alone", "fal-runners"+extension), ""},
		{"no executable", in("venv"), "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			shadow, shadowed := Parse(test.path, "").Shadowed(test.self, "fal")
			if shadowed != (test.ours != "") {
				t.Fatalf("got %t, %+v", shadowed, shadow)
			}
			if !shadowed {
				return
			}
			if shadow.First != other || shadow.Ours != test.ours {
				t.Errorf("%s hides %s, want %s and %s", shadow.First, shadow.Ours, other, test.ours)
			}
			if strings.Contains(shadow.Message, "comes before "+test.ours) == strings.Contains(shadow.Message, test.ours+" is not on PATH") {
				t.Errorf("message %q", shadow.Message)
			}
			if !strings.Contains(shadow.Message, other) || !strings.Contains(shadow.PathLine, filepath.Dir(test.ours)) {
				t.Errorf("message %q, line %q", shadow.Message, shadow.PathLine)
			}
		})
	}
}
