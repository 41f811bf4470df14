package runtime

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func splitAll(chunks ...string) []string {
	var s splitter
	var lines []string
	emit := func(text string) { lines = append(lines, text) }
	for _, chunk := range chunks {
		s.feed([]byte(chunk), emit)
	}
	s.close(emit)
	return lines
}

func TestSplitter(t *testing.T) {
	full := strings.Repeat("x", maxLine)
	tests := []struct {
		name   string
		chunks []string
		want   []string
	}{
		{"nothing", nil, nil},
		{"lines", []string{"a\nb\n"}, []string{"a", "b"}},
		{"empty lines", []string{"\n\na\n"}, []string{"", "", "a"}},
		{"unterminated", []string{"a\nb"}, []string{"a", "b"}},
		{"across reads", []string{"he", "llo\nwor", "ld\n"}, []string{"hello", "world"}},
		{"carriage return", []string{"a\r\nb\r", "\n"}, []string{"a", "b"}},
		{"only one carriage return", []string{"a\r\r\n"}, []string{"a\r"}},
		{"carriage return inside", []string{"10%\r20%\n"}, []string{"10%\r20%"}},
		{"carriage return at the end", []string{"a\r"}, []string{"a"}},
		{"invalid bytes", []string{"\xff\xfe\x00\n"}, []string{"\xff\xfe\x00"}},
		{"exactly full", []string{full + "\n"}, []string{full}},
		{"exactly full, carriage return", []string{full + "\r\n", "a\n"}, []string{full, "a"}},
		{"exactly full, end in another read", []string{full, "\r", "\n", "\n"}, []string{full, ""}},
		{"one more", []string{full + "y\nz\n"}, []string{full, "y", "z"}},
		{"two and a half", []string{full + full + "y"}, []string{full, full, "y"}},
		{"full and unterminated", []string{full}, []string{full}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := splitAll(test.chunks...); !slices.Equal(got, test.want) {
				t.Errorf("got %d lines %.100q, want %d %.100q", len(got), got, len(test.want), test.want)
			}
		})
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte("a\r\nb\n\n\xffc"), 1)
	f.Add(bytes.Repeat([]byte("x"), maxLine+1), 7)
	f.Fuzz(func(t *testing.T, data []byte, at int) {
		whole := splitAll(string(data))
		if at = max(at, 0); at <= len(data) {
			if parts := splitAll(string(data[:at]), string(data[at:])); !slices.Equal(whole, parts) {
				t.Errorf("cut at %d: %q, whole: %q", at, parts, whole)
			}
		}
		for _, line := range whole {
			if len(line) > maxLine || strings.Contains(line, "\n") {
				t.Errorf("bad line of %d bytes", len(line))
			}
		}
	})
}

func TestSource(t *testing.T) {
	if Stdout.String() != "stdout" || Stderr.String() != "stderr" {
		t.Errorf("got %v and %v", Stdout, Stderr)
	}
}

func TestLaunchRoundTrip(t *testing.T) {
	want := launch{
		Path:    "/bin/sh",
		Dir:     "/tmp/\xff",
		Streams: terminal,
		Argv:    []string{"sh", "", "-c\nx"},
		Env:     []string{"A=", "B=\xfe\n"},
	}
	message, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	stream := bytes.NewReader(append(message, orderTerminate))
	got, err := readLaunch(iotest.OneByteReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	if got.Path != want.Path || got.Dir != want.Dir || got.Streams != want.Streams || !slices.Equal(got.Argv, want.Argv) || !slices.Equal(got.Env, want.Env) {
		t.Errorf("got %q, want %q", got, want)
	}
	if order, err := stream.ReadByte(); err != nil || order != orderTerminate {
		t.Errorf("the order after the message is lost: %q, %v", order, err)
	}
}

func TestReadLaunchMalformed(t *testing.T) {
	for _, message := range []string{
		"", "\x00\x00", "\x00\x00\x00\x00", "\x00\x00\x00\x05ab", "\xff\xff\xff\xff",
		"\x00\x00\x00\x01a", "\x00\x00\x00\x04a\x00b\x00", "\x00\x00\x00\x06a\x00b\x009\x00",
		"\x00\x00\x00\x06a\x00b\x000\x00", "\x00\x00\x00\x06a\x00b\x00x\x00",
		"\x00\x00\x00\x0ea\x00b\x00lines\x000\x00", "\x00\x00\x00\x0ea\x00b\x00lines\x002\x00", "\x00\x00\x00\x0ea\x00b\x00other\x001\x00",
	} {
		if got, err := readLaunch(strings.NewReader(message)); err == nil {
			t.Errorf("%q: got %q, want an error", message, got)
		}
	}
}

func FuzzReadLaunch(f *testing.F) {
	message, err := launch{Path: "/a", Dir: "/", Streams: lines, Argv: []string{"a", "b"}, Env: []string{"C=d"}}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(message)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readLaunch(bytes.NewReader(data))
		if err != nil {
			return
		}
		if len(got.Argv) == 0 {
			t.Fatalf("no command in %q", got)
		}
		if _, err := got.encode(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestEvents(t *testing.T) {
	for _, want := range []event{
		{kind: eventStarted, pid: 4242, start: 1<<64 - 1},
		{kind: eventFailed, errno: 2, text: "no such\nfile \xff"},
		{kind: eventFailed, text: ""},
		{kind: eventExited, code: 255},
		{kind: eventExited, code: -1, signal: 9, left: true},
		{kind: eventExited, code: 0xC0000005},
	} {
		got, err := parseEvent(want.String())
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", want.String(), got, err, want)
		}
	}
	for _, line := range []string{
		"", "\n", "started 1 2\n", "started 0 2\n", "started -5 2\n", "started 5\n", "started 5 x\n",
		"started 5 7", "failed x \"\"\n", "failed 1 no\n", "failed -1 \"\"\n", "exited 0\n", "exited 0 0\n",
		"exited 0 x,true\n", "exited 0 0,maybe\n", "exited 99999999999 0,true\n", "hello 1 2\n",
	} {
		if got, err := parseEvent(line); err == nil {
			t.Errorf("%q: got %+v, want an error", line, got)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add("started 5 7\n")
	f.Add("failed 2 \"x\"\n")
	f.Add("exited -1 9,true\n")
	f.Fuzz(func(t *testing.T, line string) {
		e, err := parseEvent(line)
		if err != nil {
			return
		}
		if again, err := parseEvent(e.String()); err != nil || again != e {
			t.Errorf("%q: %+v, then %+v, %v", line, e, again, err)
		}
	})
}
