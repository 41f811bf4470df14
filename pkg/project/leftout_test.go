package project_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/project"
)

const imageOfFolder = "[tool.fal.apps.web]\nimage = { dockerfile = 'Dockerfile' }\n"

// What the default rules keep out is told, but for what nobody looks for.
func TestLeftOut(t *testing.T) {
	many := []string{"COPY . ."}
	for i := range 5 {
		many = append(many, fmt.Sprintf("docs/%d.md", i), "x")
	}
	for name, tt := range map[string]struct {
		copies string
		files  []string
		want   []project.LeftOut
		notice string
	}{
		"nothing":   {"COPY site ./site", []string{"site/index.html", "x", "other.md", "x"}, nil, ""},
		"expected":  {"COPY . .", []string{".git/HEAD", "x", "a/__pycache__/b.pyc", "x", "venv/x", "x", ".gitignore", "x"}, nil, ""},
		"a file":    {"COPY site ./site", []string{"site/notes.md", "x", "site/index.html", "x"}, []project.LeftOut{{Path: "site/notes.md", Pattern: "*.md"}}, "1 file left out by the default ignore rules (*.md): site/notes.md; a .dockerignore replaces these rules"},
		"a pattern": {"COPY site/* ./site/", []string{"site/notes.md", "x", "site/index.html", "x"}, []project.LeftOut{{Path: "site/notes.md", Pattern: "*.md"}}, "1 file left out by the default ignore rules (*.md): site/notes.md; a .dockerignore replaces these rules"},
		"a folder":  {"COPY . .", []string{"web/node_modules/a", "x", "web/node_modules/b.md", "x"}, []project.LeftOut{{Path: "web/node_modules/", Pattern: "node_modules"}}, "1 folder left out by the default ignore rules (node_modules): web/node_modules/; a .dockerignore replaces these rules"},
		"several":   {"COPY . .", []string{".env", "x", "node_modules/a", "x", "a.md", "x"}, []project.LeftOut{{Path: ".env", Pattern: ".env"}, {Path: "a.md", Pattern: "*.md"}, {Path: "node_modules/", Pattern: "node_modules"}}, "2 files and 1 folder left out by the default ignore rules (.env, *.md, node_modules): .env, a.md, node_modules/; a .dockerignore replaces these rules"},
		"many":      {many[0], many[1:], []project.LeftOut{{Path: "docs/0.md", Pattern: "*.md"}, {Path: "docs/1.md", Pattern: "*.md"}, {Path: "docs/2.md", Pattern: "*.md"}, {Path: "docs/3.md", Pattern: "*.md"}, {Path: "docs/4.md", Pattern: "*.md"}}, "5 files left out by the default ignore rules (*.md): docs/0.md, docs/1.md, docs/2.md and 2 more, which --dry-run lists; a .dockerignore replaces these rules"},
		"own rules": {"COPY . .", []string{".dockerignore", "*.txt\n", "a.txt", "x", "a.md", "x"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := append([]string{"pyproject.toml", imageOfFolder, "Dockerfile", "FROM scratch\n" + tt.copies + "\nCMD x\n"}, tt.files...)
			target, err := project.Find(project.Options{Dir: folder(t, files...), Ref: "web"})
			if err != nil {
				t.Fatal(err)
			}
			l, err := target.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			if d := cmp.Diff(tt.want, l.LeftOut); d != "" {
				t.Error(d)
			}
			if tt.notice != "" && !slices.Contains(l.Notices, tt.notice) || tt.notice == "" && len(l.Notices) > 0 {
				t.Errorf("notices %q, want %q", l.Notices, tt.notice)
			}
		})
	}
}

// What a COPY names and a rule keeps out is an error that names the rule.
func TestSourcesLeftOut(t *testing.T) {
	for name, tt := range map[string]struct {
		copies, ignored string // "-": no .dockerignore
		message, hint   string
	}{
		"a default rule":      {"COPY site/notes.md /", "-", "Dockerfile:2: site/notes.md is left out by *.md, a default ignore rule, and the build would not find it", "write a .dockerignore: it replaces the default rules, and may be empty"},
		"of a folder":         {"COPY a b\nADD site/node_modules /x/", "-", "Dockerfile:3: site/node_modules is left out by node_modules, a default ignore rule, and the build would not find it", "write a .dockerignore: it replaces the default rules, and may be empty"},
		"a rule of the file":  {"COPY site/notes.md /", "x\nsite/*.m?\n", "Dockerfile:2: site/notes.md is left out by site/*.m? of .dockerignore, and the build would not find it", "take the rule away, or what needs the file"},
		"below a folder":      {"COPY site/notes.md /", "site\n", "Dockerfile:2: site/notes.md is left out by site of .dockerignore, and the build would not find it", "take the rule away, or what needs the file"},
		"let in again":        {"COPY site/notes.md /", "*.md\n!notes.md\n", "", ""},
		"a pattern":           {"COPY site/*.md /", "-", "", ""},
		"all there is":        {"COPY . /", "**\n", "", ""},
		"a folder with other": {"COPY site /", "-", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := []string{"pyproject.toml", imageOfFolder, "Dockerfile", "FROM scratch\n" + tt.copies + "\nCMD x\n", "a", "", "site/notes.md", "", "site/node_modules/x", ""}
			if tt.ignored != "-" {
				files = append(files, ".dockerignore", tt.ignored)
			}
			_, err := project.Find(project.Options{Dir: folder(t, files...), Ref: "web"})
			if tt.message == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			found, _ := err.(project.Problems)
			if err == nil || err.Error() != tt.message || strings.Join(found.Hints(), "\n") != tt.hint {
				t.Errorf("%v, hints %q", err, found.Hints())
			}
		})
	}
}
