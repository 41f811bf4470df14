package iostreams_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

func TestConfirm(t *testing.T) {
	for input, want := range map[string]bool{
		"y\n": true, "Y\r\n": true, " yes \n": true, "YES": true, "y": true,
		"": false, "\n": false, "n\n": false, "yy\n": false, "no\n": false, "yep\n": false, "\x00\n": false,
	} {
		s, in, out, errout := iostreams.Test()
		in.WriteString(input)
		got, err := s.Confirm(t.Context(), "Stop 2 runners of \x1b[31mapp?")
		if err != nil || got != want {
			t.Errorf("%q: %t, %v", input, got, err)
		}
		if prompt := errout.String(); prompt != `Stop 2 runners of \x1b[31mapp? [y/N] ` {
			t.Errorf("%q: prompt %q", input, prompt)
		}
		if out.Len() > 0 {
			t.Errorf("%q: on stdout: %q", input, out)
		}
	}
}

func TestReadLineTakesOneLine(t *testing.T) {
	s, _, _, _ := iostreams.Test()
	s.In = strings.NewReader("first\r\n\nthird")
	for _, want := range []string{"first", "", "third"} {
		if got, err := s.ReadLine(t.Context(), "> "); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if got, err := s.ReadLine(t.Context(), "> "); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %q, %v", got, err)
	}

	s.In = strings.NewReader("line\nthe rest")
	if _, err := s.ReadLine(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(s.In); string(rest) != "the rest" {
		t.Errorf("left for others: %q", rest)
	}
}

func TestReadLineIsBounded(t *testing.T) {
	s, _, _, _ := iostreams.Test()
	s.In = endless{}
	if _, err := s.ReadLine(t.Context(), ""); err == nil {
		t.Error("an endless line is read")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestReadSecretFromPipe(t *testing.T) {
	s, in, _, errout := iostreams.Test()
	in.WriteString("hunter2\nrest")
	got, err := s.ReadSecret(t.Context(), "Key: ")
	if err != nil || got != "hunter2" || errout.Len() > 0 {
		t.Errorf("%q, %v, stderr %q", got, err, errout)
	}
}

func TestPromptsEndWithTheirContext(t *testing.T) {
	cause := errors.New("out of time")
	for name, ask := range map[string]func(*iostreams.Streams, context.Context) error{
		"Confirm":    func(s *iostreams.Streams, ctx context.Context) error { _, err := s.Confirm(ctx, "?"); return err },
		"ReadLine":   func(s *iostreams.Streams, ctx context.Context) error { _, err := s.ReadLine(ctx, "?"); return err },
		"ReadSecret": func(s *iostreams.Streams, ctx context.Context) error { _, err := s.ReadSecret(ctx, "?"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			r, w := io.Pipe()
			s, _, _, _ := iostreams.Test()
			reading := make(chan struct{})
			s.In = &announcing{r: r, reading: reading}
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan error, 1)
			go func() { done <- ask(s, ctx) }()
			<-reading
			cancel(cause)
			select {
			case err := <-done:
				if !errors.Is(err, cause) {
					t.Errorf("got %v", err)
				}
			case <-time.After(time.Minute):
				t.Fatal("the prompt outlives its context")
			}
			// What is typed afterwards is for the next prompt, whole.
			go func() { io.WriteString(w, "later\n") }()
			if got, err := s.ReadLine(context.Background(), ""); err != nil || got != "later" {
				t.Errorf("next prompt: %q, %v", got, err)
			}
			w.Close()
		})
	}
}

// announcing closes reading when the first read begins.
type announcing struct {
	r       io.Reader
	reading chan struct{}
	once    sync.Once
}

func (a *announcing) Read(p []byte) (int, error) {
	a.once.Do(func() { close(a.reading) })
	return a.r.Read(p)
}

func TestPromptOfEndedContextReadsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, in, _, _ := iostreams.Test()
	in.WriteString("y\n")
	if _, err := s.Confirm(ctx, "?"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if in.String() != "y\n" {
		t.Errorf("left %q", in)
	}
}
