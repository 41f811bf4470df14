package deploy

import (
	"slices"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	tm := newTerm(t)
	tm.write("app.py", "import fal\n\nclass One(fal.App):\n    pass\n\n@fal.function(serve=True)\ndef two():\n    pass\n\nclass Other:\n    pass\n")
	tm.write("src/many.py", "import fal\n\nclass One(fal.App):\n    pass\n\nclass Two(fal.App):\n    pass\n")
	tm.write("src/many.txt", "")
	tm.write("single.py", "import fal\n\nclass One(fal.App):\n    pass\n")
	tm.write("check.py", "import fal\n\nclass One(fal.App):\n    pass\n\nclass Two(fal.App):\n    pass\n")
	for _, tt := range []struct {
		line      string
		want, not []string
	}{
		{"ch", []string{"checkout\tapp of the pyproject.toml", ":files *.py"}, []string{"search", "check.py::One\t"}},
		{"", []string{"checkout\tapp of the pyproject.toml", "search\tapp of the pyproject.toml", ":files *.py"}, []string{"app.py"}},
		{"app.py", []string{"app.py\tPython file", "app.py::One\t", "app.py::two\t", ":none"}, []string{"app.py::Other\t"}},
		{"a", []string{"app.py::One\t", "app.py::two\t", ":none"}, []string{"app.py\tPython file", ":files *.py"}},
		{"src/m", []string{"src/many.py::One\t", "src/many.py::Two\t", ":none"}, nil},
		{"src/", []string{"src/many.py::One\t"}, nil},
		{"si", []string{":files *.py"}, []string{"single.py::One\t"}},
		{"s", []string{":files *.py"}, []string{"single.py::One\t"}},
		{"app.py::", []string{"app.py::One\t", "app.py::two\t"}, []string{"app.py\tPython file"}},
		{"app.py::O", []string{"app.py::One\t"}, []string{"app.py::two\t"}},
		{"missing.py::", nil, nil},
		{"--strategy ", []string{"rolling\t", "recreate\t"}, nil},
		{"--auth=", []string{"--auth=public\t"}, nil},
		{"--python ", []string{":files"}, nil},
	} {
		r := tm.run(append([]string{"__complete", "--"}, strings.Split(tt.line, " ")...)...)
		lines := strings.Split(strings.TrimSpace(r.out), "\n")
		for i := range lines {
			if !strings.Contains(lines[i], "\t") && !strings.HasPrefix(lines[i], ":") {
				lines[i] += "\t"
			}
		}
		for _, w := range tt.want {
			if !slices.Contains(lines, w) {
				t.Errorf("%q: no %q in\n%s", tt.line, w, r.out)
			}
		}
		for _, n := range tt.not {
			if slices.Contains(lines, n) {
				t.Errorf("%q: %q in\n%s", tt.line, n, r.out)
			}
		}
		if r.code != 0 || r.err != "" {
			t.Errorf("%q: %+v", tt.line, r)
		}
	}
}

func TestHelp(t *testing.T) {
	r := newTerm(t).run("--help")
	text := strings.Join(strings.Fields(r.out), " ")
	for _, want := range []string{"give up when there is no answer after this time", "show every line of the logs"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
}
