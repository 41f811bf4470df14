//go:build unix

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// example is a command of the README and what it is said to print.
type example struct {
	line    int
	command string
	shown   []string
}

// readmeExamples reads the console blocks: lines that begin with "$ ", each
// with what it prints on a terminal.
func readmeExamples(t *testing.T) []example {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []example
	inside := false
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case line == "```console":
			inside = true
		case line == "```":
			inside = false
		case !inside:
		case strings.HasPrefix(line, "$ "):
			found = append(found, example{line: i + 1, command: line[2:]})
		case len(found) > 0:
			last := &found[len(found)-1]
			last.shown = append(last.shown, line)
		}
	}
	return found
}

// TestReadme types the examples of the README into a shell on a terminal, in
// their order, and compares what it shows, but for ids, ports and ages.
func TestReadme(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	examples := readmeExamples(t)
	if len(examples) < 10 {
		t.Fatalf("the README has %d examples", len(examples))
	}
	const mark = "@@@"
	var script strings.Builder
	for i, e := range examples {
		fmt.Fprintf(&script, "echo '%s %d'\n%s\necho \"%s code $?\"\n", mark, i, e.command, mark)
	}
	home := t.TempDir()
	file := filepath.Join(home, "examples.sh")
	if err := os.WriteFile(file, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + home, "PATH=" + bin + ":/usr/local/bin:/usr/bin:/bin", "NO_COLOR=1", "TERM=xterm", "LANG=C.UTF-8"}
	t.Cleanup(func() {
		stop := exec.Command(filepath.Join(bin, "fal-local"), "stop")
		stop.Env = env
		_ = stop.Run() // the last example stops it already
	})
	caches, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output() // for the example that builds something
	if err != nil {
		t.Fatal(err)
	}
	build, modules, _ := strings.Cut(strings.TrimSpace(string(caches)), "\n")
	cmd := exec.Command("ptyrun", "-size", "200x50", "bash", file)
	cmd.Dir = "../../.."
	cmd.Env = append(env, "PATH="+bin+":"+os.Getenv("PATH"), "GOCACHE="+build, "GOMODCACHE="+modules, "CGO_ENABLED=0")
	drawn, err := cmd.CombinedOutput()
	out := standing(string(drawn))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for part := range strings.SplitSeq(out, mark+" ") {
		number, rest, ok := strings.Cut(part, "\n")
		var n int
		if _, err := fmt.Sscan(number, &n); !ok || err != nil {
			if code, is := strings.CutPrefix(number, "code "); is && strings.TrimSpace(code) != "0" {
				t.Errorf("an example ended with %s\n%s", number, out)
			}
			continue
		}
		e := examples[n]
		got, want := normal(rest), normal(strings.Join(e.shown, "\n"))
		if got != want {
			t.Errorf("README.md:%d: %s\nprints\n%s\nand not\n%s", e.line, e.command, got, want)
		}
	}
	if strings.Count(out, mark+" code 0") != len(examples) {
		t.Errorf("%d examples, and not all ended with 0:\n%s", len(examples), out)
	}
}

var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	ports = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	times = regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d\b`)
	ages  = regexp.MustCompile(`\b\d+(\.\d+)?[smhd]\b`)
	sizes = regexp.MustCompile(`\b\d+(\.\d+)? ([KMG]i)?B\b`)
	// How often a wait says how far it is depends on the machine.
	progress = regexp.MustCompile(`(?m)^\d+ of \d+ runners replaced(, .*)?\n`)
	uptime   = regexp.MustCompile(`(?m)^(ID) \d+$`)
	blanks   = regexp.MustCompile(`[ \t]+`)
)

func normal(s string) string {
	s = uuids.ReplaceAllString(s, "ID")
	s = ports.ReplaceAllString(s, "127.0.0.1:PORT")
	s = times.ReplaceAllString(s, "TIME")
	s = ages.ReplaceAllString(s, "AGE")
	s = sizes.ReplaceAllString(s, "SIZE")
	s = uptime.ReplaceAllString(s, "$1 SECONDS")
	s = progress.ReplaceAllString(s, "")
	s = blanks.ReplaceAllString(s, " ")
	return strings.TrimSpace(s)
}

// standing is what a terminal shows in the end of what was written to it:
// progress is drawn in place, over what was there.
func standing(written string) string {
	lines, row, column := [][]rune{nil}, 0, 0
	text := []rune(written)
	for i := 0; i < len(text); i++ {
		switch r := text[i]; {
		case r == '\r':
			column = 0
		case r == '\n':
			if row, column = row+1, 0; row == len(lines) {
				lines = append(lines, nil)
			}
		case r == '\x1b' && i+1 < len(text) && text[i+1] == '[':
			from := i + 2
			for i = from; i < len(text) && (text[i] < '@' || text[i] > '~'); i++ {
			}
			n, _ := strconv.Atoi(string(text[from:min(i, len(text))]))
			switch {
			case i == len(text):
			case text[i] == 'A':
				row = max(row-n, 0)
			case text[i] == 'J':
				lines = lines[:row+1]
				lines[row] = lines[row][:min(column, len(lines[row]))]
			}
		default:
			for len(lines[row]) <= column {
				lines[row] = append(lines[row], ' ')
			}
			lines[row][column] = r
			column++
		}
	}
	var shown strings.Builder
	for _, line := range lines {
		shown.WriteString(string(line) + "\n")
	}
	return shown.String()
}

// TestDemo runs what `make demo` runs, and holds the README's block against it.
func TestDemo(t *testing.T) {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	app, err := helloApp()
	if err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	cmd := exec.Command("sh", "../demo/demo.sh", bin, app)
	cmd.Env = []string{"HOME=/nowhere", "TMPDIR=" + temporary, "PATH=/usr/local/bin:/usr/bin:/bin", "SHELL=/usr/bin/fish"}
	var errout strings.Builder
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errout.String())
	}
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "prints:\n\n```\n")
	block, _, ok := strings.Cut(block, "```")
	if !ok {
		t.Fatal("the README does not show what make demo prints")
	}
	got, want := normal(string(out)), normal(block)
	_, noJQ := exec.LookPath("jq")
	_, noCurl := exec.LookPath("curl")
	if noJQ == nil && noCurl == nil && got != want {
		t.Errorf("make demo prints\n%s\nand the README says\n%s", got, want)
	}
	if strings.Count(got, "ID IDLE") != 3 || strings.Count(got, "ID sample IDLE AGE") != 3 {
		t.Errorf("make demo prints\n%s", got)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("make demo leaves %v, %v", left, err)
	}
	if left := processesNaming(temporary); len(left) > 0 {
		t.Errorf("make demo leaves running %q", left)
	}
}
