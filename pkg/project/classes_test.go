package project

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestClasses(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"import fal\n\nclass A(fal.App):\n    pass\n\nclass B(A, keep_alive=3):\n    pass\n\nclass C:\n  pass\nclass D(Other):\n  pass\n", []string{"A", "B"}},
		{"from fal import App\nclass A(App, name='x'): pass\n", []string{"A"}},
		{"import fal\nclass Größe_2(fal.App): pass\nclass 名前(Größe_2): pass\nclass e\u0301(fal.App): pass\n@fal.function\ndef naïve(): pass\n", []string{"Größe_2", "名前", "e\u0301", "naïve"}},
		{"import fal\nclass 2A(fal.App): pass\nclass a-b(fal.App): pass\n", nil},
		{"from fal import endpoint, App as Base\nclass A(Base): pass\n", []string{"A"}},
		{"class A(\n    fal.App,\n    keep_alive=1,\n):\n  pass\n", []string{"A"}},
		{"@fal.function(\n    requirements=['x'],\n)\ndef f(): pass\ndef g(): pass\n", []string{"f"}},
		{"@fal.function\n@other\nasync def f(): pass\n", []string{"f"}},
		{"@function()\ndef f(): pass\n@functional\ndef g(): pass\n", []string{"f"}},
		{"if x:\n    class A(fal.App): pass\n", nil},
		{"\"\"\"\nclass A(fal.App): pass\n\"\"\"\nclass B(fal.App): pass\n", []string{"B"}},
		{"x = '''\nclass A(fal.App): pass\n''' + '''\nclass B(fal.App):\n'''\nclass C(fal.App): pass\n", []string{"C"}},
		{"# it's \"\"\" not open\nclass A(fal.App): pass\n", []string{"A"}},
		{"", nil},
	} {
		name := filepath.Join(t.TempDir(), "app.py")
		writeFile(t, name, test.text)
		if got := Classes(name); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
	if got := Classes(filepath.Join(t.TempDir(), "nowhere.py")); got != nil {
		t.Errorf("a file that is not there has %q", got)
	}
}

func FuzzClasses(f *testing.F) {
	for _, seed := range []string{"class A(fal.App):", "class A(\n" + strings.Repeat("x", 5000), `"""`, "@fal.function\ndef f", "\x00\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range scanClasses(strings.NewReader(text)) {
			if name == "" || strings.ContainsAny(name, " (\n") {
				t.Errorf("%q", name)
			}
		}
	})
}
