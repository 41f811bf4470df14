package fal

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func events(t *testing.T, r io.Reader) (got []event, last error) {
	t.Helper()
	for e, err := range readEvents(r) {
		if last != nil {
			t.Fatal("something came after an error")
		}
		if last = err; err == nil {
			got = append(got, e)
		}
	}
	return got, last
}

func TestReadEvents(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []event
		cut        bool
	}{
		{name: "nothing"},
		{name: "one", text: "data: a\n\n", want: []event{{data: "a"}}},
		{name: "of several lines", text: "data: a\ndata:b\ndata\n\n", want: []event{{data: "a\nb\n"}}},
		{name: "all kinds of line ends", text: "data: a\r\n\r\ndata: b\r\rdata: c\n\n", want: []event{{data: "a"}, {data: "b"}, {data: "c"}}},
		{name: "ids stay", text: "id: 7\ndata: a\n\ndata: b\n\nid: 8\nevent: end\ndata: c\n\n", want: []event{{data: "a", id: "7"}, {data: "b", id: "7"}, {kind: "end", data: "c", id: "8"}}},
		{name: "comments and what is not known", text: ": keep-alive\n\nretry: 5\nwhat: ever\n\n:\n\ndata: a\n\n", want: []event{{data: "a"}}},
		{name: "a mark in front", text: "\ufeffdata: a\n\n", want: []event{{data: "a"}}},
		{name: "cut in a line", text: "data: a\n\ndata: b", want: []event{{data: "a"}}, cut: true},
		{name: "cut between lines", text: "data: a\n\ndata: b\n", want: []event{{data: "a"}}, cut: true},
		{name: "cut in the first", text: "id: 1", cut: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(c.text), iotest.OneByteReader(strings.NewReader(c.text)), iotest.DataErrReader(strings.NewReader(c.text))} {
				got, err := events(t, r)
				if !reflect.DeepEqual(got, c.want) || c.cut != errors.Is(err, io.ErrUnexpectedEOF) || !c.cut && err != nil {
					t.Errorf("%+v, %v, want %+v", got, err, c.want)
				}
			}
		})
	}
	broken := errors.New("broken")
	got, err := events(t, io.MultiReader(strings.NewReader("data: a\n\ndata: b\n\ndata"), iotest.ErrReader(broken)))
	if len(got) != 2 || !errors.Is(err, broken) {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzReadEvents: whatever a server sends, reading ends, does not depend on how
// the bytes come, and takes part of an event for nothing.
func FuzzReadEvents(f *testing.F) {
	for _, seed := range []string{"data: a\n\n", "id: 1\r\nevent: error\r\ndata: {}\r\n\r\n", "\r\r\n\n:\n", "\ufeffdata\n\n", "data: \x00\xff\n\nid: \x00\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, err := events(t, bytes.NewReader(data))
		bitwise, bitErr := events(t, iotest.OneByteReader(bytes.NewReader(data)))
		if !reflect.DeepEqual(whole, bitwise) || (err == nil) != (bitErr == nil) {
			t.Errorf("%+v, %v at once, %+v, %v byte by byte", whole, err, bitwise, bitErr)
		}
		for _, e := range whole {
			if strings.ContainsAny(e.kind+e.id, "\r\n") || strings.Contains(e.data, "\r") {
				t.Errorf("%+v has a line end", e)
			}
			if line, err := decodeLogLine([]byte(e.data)); err == nil && line.JSON[0] != '{' {
				t.Errorf("%q became %q", e.data, line.JSON)
			}
		}
	})
}

func TestLogTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-02T03:04:05Z":             "2026-01-02T03:04:05Z",
		"2026-01-02T03:04:05.678901+02:00": "2026-01-02T01:04:05.678901Z",
		"2026-01-02T03:04:05.5":            "2026-01-02T03:04:05.5Z",
		"2026-01-02 03:04:05.678901+00:00": "2026-01-02T03:04:05.678901Z",
		"2026-01-02 03:04:05":              "2026-01-02T03:04:05Z",
		"1767323045":                       "2026-01-02T03:04:05Z",
		"1767323045678":                    "2026-01-02T03:04:05.678Z",
		"1767323045678901":                 "2026-01-02T03:04:05.678901Z",
		"1767323045678901234":              "2026-01-02T03:04:05.678901234Z",
		"1767323045.5":                     "2026-01-02T03:04:05.5Z",
		"":                                 "", "soon": "", "-5": "", "NaN": "", "1e300": "",
	} {
		got, ok := logTime(text)
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %s, %v, want %s", text, got, ok, want)
		}
	}
}

func TestISOTime(t *testing.T) {
	at := time.Date(2026, 1, 2, 5, 4, 5, 678901999, time.FixedZone("", 7200))
	if got := isoTime(at); got != "2026-01-02T03:04:05.678901+00:00" {
		t.Error(got)
	}
	if got := isoTime(roundUp(at)); got != "2026-01-02T03:04:05.678902+00:00" {
		t.Error(got)
	}
	if got := isoTime(at.Truncate(time.Second)); got != "2026-01-02T03:04:05+00:00" {
		t.Error(got)
	}
}
