package local

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

func TestLogs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run("logs").exits(3).prints("").says("there is no log").says("hint: fal-local start")
	s := b.start("--port", quietPort(t))
	b.stop()
	lines := strings.Split(strings.TrimSuffix(b.run("logs").ok().stdout, "\n"), "\n")
	if len(lines) < 3 || !strings.Contains(lines[0], "INFO  control plane started address="+*s.Address) {
		t.Fatalf("%q", lines)
	}
	b.run("logs", "-n", "1").ok().prints(lines[len(lines)-1] + "\n")
	b.run("logs", "-n", "0").ok().prints("")
	var all LogLines
	b.run("logs", "--json").ok().decode(&all)
	if len(all.Lines) != len(lines) || all.Lines[0].Message != "control plane started" || *all.Lines[0].Level != "INFO" || all.Lines[0].Attributes["address"] != *s.Address {
		t.Errorf("%+v", all)
	}
	b.run("logs", "-q", `.lines[0].message`).ok().prints("control plane started\n")
	b.gone()
}

func TestLogIsPutAside(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir := dataDir(b.data())
	if err := dir.prepare(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir.file(logName), []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(dir.file(logName), maxLogSize+1); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.stop()
	if info, err := os.Stat(dir.file(oldLogName)); err != nil || info.Size() != maxLogSize+1 {
		t.Errorf("%v, %v", info, err)
	}
	if r := b.run("logs").ok(); strings.Contains(r.stdout, "old") {
		t.Error("the old log is still there")
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.stop()
	cmd := b.command(nil, "logs", "-f", "-n", "0", "-o", "jsonl")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(deadline, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	b.start()
	b.stop()
	reader := bufio.NewScanner(stdout)
	var messages []string
	for reader.Scan() {
		var l LogLine
		if err := json.Unmarshal(reader.Bytes(), &l); err != nil {
			t.Fatalf("%v in %s", err, reader.Text())
		}
		messages = append(messages, l.Message)
		if l.Message == "control plane stopped" {
			break
		}
	}
	if !slices.Contains(messages, "control plane started") || messages[len(messages)-1] != "control plane stopped" {
		t.Errorf("%q", messages)
	}
	_ = cmd.Process.Kill() // it follows until then
	_ = cmd.Wait()
	b.gone()
}

func TestLastLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(strings.Repeat("x", 1000)+"\n", 200)
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"", 1, ""}, {"a", 1, "a"}, {"a\n", 1, "a\n"}, {"a\nb", 1, "b"}, {"a\nb\n", 1, "b\n"}, {"a\nb\n", 2, "a\nb\n"},
		{"a\nb\n", 9, "a\nb\n"}, {"\n\n\n", 2, "\n\n"}, {"a\n\n", 1, "\n"}, {long, 150, long[50*1001:]}, {long, 1000, long},
	} {
		at, err := lastLines(strings.NewReader(c.text), int64(len(c.text)), c.n)
		if err != nil || c.text[at:] != c.want {
			t.Errorf("%d of %.20q: from %d, %v", c.n, c.text, at, err)
		}
	}
}

func FuzzLastLines(f *testing.F) {
	f.Add("a\nb\nc", 2)
	f.Add("\n\n", 1)
	f.Fuzz(func(t *testing.T, text string, n int) {
		if n < 1 {
			return
		}
		at, err := lastLines(strings.NewReader(text), int64(len(text)), n)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(text, "\n")
		if lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1]
		}
		if want := strings.Join(lines[max(len(lines)-n, 0):], ""); text[at:] != want {
			t.Errorf("got %q, want %q", text[at:], want)
		}
	})
}

func TestTail(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write("one\ntwo\nthr")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	followed := newTail(path, f)
	defer func() { followed.close() }()
	if err := followed.back(2); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	enough := errors.New("enough")
	ended := make(chan error, 1)
	go func() {
		ended <- followed.follow(t.Context(), func(line []byte) error {
			lines <- string(line)
			if string(line) == "last" {
				return enough
			}
			return nil
		})
	}()
	next := func(want string) {
		t.Helper()
		select {
		case got := <-lines:
			if got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		case <-time.After(deadline):
			t.Fatalf("no %q", want)
		}
	}
	next("two")
	write("ee\nfour")
	next("three")
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	write("five\n")
	next("four")
	next("five")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	write("6\n")
	next("6")
	write("last\n")
	next("last")
	if err := <-ended; !errors.Is(err, enough) {
		t.Error(err)
	}
}

func TestLogLineText(t *testing.T) {
	t.Parallel()
	plain := func(_ iostreams.Style, text string) string { return text }
	for _, c := range []struct{ entry, want string }{
		{"panic: \x1b[31mred", "panic: "},
		{`{"a":1}`, `{"a":1}`},
		{`{"time":"not a time","level":"INFO","msg":"m"}`, "not a time INFO  m"},
		{`{"time":"t","level":"ERROR","msg":"a\nb","z":"x y","n":12345678901234567890,"e":""}`, `t ERROR a`},
		{`{"time":"t","level":"WARN","msg":"m","o":{"k":[1]}}`, `t WARN  m o={"k":[1]}`},
		{`{"time":"t","level":"INFO","msg":"m"} trailing`, `{"time":"t","level":"INFO","msg":"m"} trailing`},
	} {
		got := parseLogLine([]byte(c.entry)).text(plain)
		if !strings.HasPrefix(got, c.want) || strings.ContainsAny(got, "\x1b\n") {
			t.Errorf("%s: %q, want %q", c.entry, got, c.want)
		}
	}
	got := parseLogLine([]byte(`{"time":"t","level":"INFO","msg":"m","z":"x y","n":12345678901234567890,"e":""}`)).text(plain)
	if want := `t INFO  m e="" n=12345678901234567890 z="x y"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzLogLine(f *testing.F) {
	f.Add([]byte(`{"time":"2026-11-21T20:41:38Z","level":"INFO","msg":"m","a":1}`))
	f.Add([]byte("goroutine 1 [running]:"))
	f.Fuzz(func(t *testing.T, entry []byte) {
		l := parseLogLine(entry)
		if _, err := json.Marshal(l); err != nil {
			t.Fatal(err)
		}
		text := l.text(func(_ iostreams.Style, text string) string { return text })
		for _, r := range text {
			if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
				t.Fatalf("%q lets %q through", entry, r)
			}
		}
	})
}

func TestLogWriter(t *testing.T) {
	t.Parallel()
	streams, _, _, stderr := iostreams.Test()
	w := &logWriter{streams: streams}
	if n, err := io.WriteString(w, `{"time":"t","level":"INFO","msg":"hello"}`+"\n"); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	if got := stderr.String(); got != "t INFO  hello\n" {
		t.Errorf("%q", got)
	}
}
