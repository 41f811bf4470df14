package fal_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// received reads the client's messages up to the end of its input, or up to
// the first for which last is true.
func received(st *faltest.Stream, last func(string) bool) (messages []string) {
	for {
		m, err := st.Receive()
		if err != nil {
			return append(messages, err.Error())
		}
		messages = append(messages, string(m))
		if last != nil && last(string(m)) {
			return messages
		}
	}
}

func data(text string) string {
	b, _ := json.Marshal(map[string]string{"data": base64.StdEncoding.EncodeToString([]byte(text))})
	return string(b)
}

func openShell(t *testing.T, server *faltest.Server, params *fal.RunnersShellParams) (context.Context, *fal.ShellSession) {
	t.Helper()
	ctx, client := newClient(t, server.Options())
	session, err := client.Runners.Shell(ctx, "4f2a", params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, session
}

func TestShellMessages(t *testing.T) {
	tests := []struct {
		name   string
		params *fal.RunnersShellParams
		do     func(*fal.ShellSession) error
		want   []string
	}{
		{"a login shell without a terminal", nil, nil, []string{`{"runner_id":"4f2a"}`, "EOF"}},
		{"a command", &fal.RunnersShellParams{Command: []string{"ls", "", "-l a"}}, nil,
			[]string{`{"command":["ls","","-l a"],"runner_id":"4f2a"}`, "EOF"}},
		{"a terminal", &fal.RunnersShellParams{TTY: &fal.TerminalSize{Columns: 80, Rows: 24}}, nil,
			[]string{`{"runner_id":"4f2a","tty_size":{"height":24,"width":80}}`, `{"tty_size":{"height":24,"width":80}}`, "EOF"}},
		{"a new size, then input", &fal.RunnersShellParams{TTY: &fal.TerminalSize{Columns: 80, Rows: 24}},
			func(s *fal.ShellSession) error {
				_, err := s.Write([]byte("\x00\xff\n"))
				return errors.Join(s.Resize(fal.TerminalSize{Columns: 100, Rows: 30}), err)
			},
			[]string{`{"runner_id":"4f2a","tty_size":{"height":24,"width":80}}`, `{"tty_size":{"height":24,"width":80}}`,
				data("\x00\xff\n"), `{"tty_size":{"height":30,"width":100}}`, "EOF"}},
		{"input in pieces", nil, func(s *fal.ShellSession) error {
			n, err := s.Write(bytes.Repeat([]byte("x"), 100_000))
			if n != 100_000 {
				return errors.New("short write")
			}
			return err
		}, []string{`{"runner_id":"4f2a"}`, data(strings.Repeat("x", 65536)), data(strings.Repeat("x", 100_000-65536)), "EOF"}},
		{"nothing", nil, func(s *fal.ShellSession) error { _, err := s.Write(nil); return err }, []string{`{"runner_id":"4f2a"}`, "EOF"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := faltest.New(t)
			got := make(chan []string, 1)
			server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
				got <- received(st, nil)
				return faltest.Reply(`{"exit_code": 0}`)
			})
			_, session := openShell(t, server, tt.params)
			if tt.do != nil {
				if err := tt.do(session); err != nil {
					t.Error(err)
				}
			}
			if err := session.CloseWrite(); err != nil {
				t.Error(err)
			}
			if _, err := session.Write([]byte("late")); !errors.Is(err, fal.ErrSessionEnded) {
				t.Errorf("a write after CloseWrite: %v", err)
			}
			if out, err := io.ReadAll(session); err != nil || len(out) > 0 {
				t.Errorf("read %q, %v", out, err)
			}
			if diff := cmp.Diff(tt.want, <-got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestShellEnds(t *testing.T) {
	tests := []struct {
		name   string
		answer faltest.Answer
		out    string
		code   int
		known  bool
		err    error
		cause  fal.Cause
	}{
		{"code", faltest.Reply(data("a"), data("b"), `{"exit_code": 7}`), "ab", 7, true, nil, 0},
		{"code zero", faltest.Reply(`{"exit_code": 0}`), "", 0, true, nil, 0},
		{"data and code in one", faltest.Reply(data("a"), `{"data": "Yg==", "exit_code": -1}`), "ab", -1, true, nil, 0},
		{"close", faltest.Reply(data("a"), `{"close": true}`), "a", 0, false, nil, 0},
		{"data and close in one", faltest.Reply(`{"data": "Yg==", "close": true}`), "b", 0, false, nil, 0},
		{"code and close in one", faltest.Reply(`{"exit_code": 3, "close": true}`), "", 3, true, nil, 0},
		{"nothing said", faltest.Reply(data("a")), "a", 0, false, nil, 0},
		{"nothing after the end", faltest.Reply(`{"exit_code": 1}`, data("late"), `{"exit_code": 2}`), "", 1, true, nil, 0},
		{"empty messages", faltest.Reply(`{}`, data("a"), `{}`, `{"exit_code": 0}`), "a", 0, true, nil, 0},
		{"unknown runner", faltest.Fail(fal.CodeNotFound, "runner 4f2a not found"), "", 0, false, fal.ErrNotFound, fal.CauseNone},
		{"ended runner", faltest.Fail(fal.CodeFailedPrecondition, "it has ended"), "", 0, false, fal.ErrFailedPrecondition, fal.CauseNone},
		{"dropped", faltest.Drop(), "", 0, false, fal.ErrUnavailable, fal.CauseReset},
		{"reset", faltest.Reset(), "", 0, false, fal.ErrUnavailable, fal.CauseReset},
	}
	for _, tt := range tests {
		for _, way := range []string{"Read", "WriteTo"} {
			t.Run(tt.name+" "+way, func(t *testing.T) {
				server := faltest.New(t)
				server.HandleStream("ShellRunner", func(*faltest.Stream) faltest.Answer { return tt.answer })
				_, session := openShell(t, server, nil)
				var out bytes.Buffer
				var err error
				if way == "Read" {
					_, err = io.Copy(&out, struct{ io.Reader }{session})
				} else {
					_, err = io.Copy(&out, session)
				}
				<-session.Answered()
				if out.String() != tt.out {
					t.Errorf("read %q, want %q", out.String(), tt.out)
				}
				if errors.Is(err, io.EOF) {
					t.Errorf("the error passes for an end: %v", err)
				}
				if tt.err == nil && err != nil || tt.err != nil && !errors.Is(err, tt.err) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				var failed *fal.Error
				if errors.As(err, &failed) && failed.Cause() != tt.cause {
					t.Errorf("cause %s, want %s", failed.Cause(), tt.cause)
				}
				if code, known := session.ExitCode(); code != tt.code || known != tt.known {
					t.Errorf("exit code %d, %t", code, known)
				}
				if _, again := session.Read(make([]byte, 1)); tt.err == nil && again != io.EOF || tt.err != nil && !errors.Is(again, tt.err) {
					t.Errorf("a read after the end: %v", again)
				}
				if _, err := session.Write([]byte("x")); err != nil && !errors.Is(err, fal.ErrSessionEnded) {
					t.Errorf("a write after the end: %v", err)
				}
			})
		}
	}
}

func TestShellIsCutOff(t *testing.T) {
	server := faltest.New(t)
	server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
		if err := st.Send(data("before")); err != nil {
			t.Error(err)
		}
		_, _ = st.Receive()
		_, _ = st.Receive() // the word to go on
		return faltest.Drop()
	})
	_, session := openShell(t, server, nil)
	b := make([]byte, 100)
	if n, err := io.ReadFull(session, b[:6]); err != nil || string(b[:n]) != "before" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	if _, err := session.Write([]byte("go on")); err != nil {
		t.Fatal(err)
	}
	_, err := session.Read(b)
	var failed *fal.Error
	if !errors.As(err, &failed) || failed.Code != fal.CodeUnavailable || failed.Cause() != fal.CauseReset {
		t.Errorf("got %v", err)
	}
}

func TestShellCloseTellsTheService(t *testing.T) {
	for _, reading := range []bool{false, true} {
		server := faltest.New(t)
		got := make(chan []string, 1)
		server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
			if err := st.Send(data("some output")); err != nil {
				t.Error(err)
			}
			got <- received(st, func(m string) bool { return strings.Contains(m, "close") })
			return faltest.Reply(`{"exit_code": 143}`)
		})
		_, session := openShell(t, server, nil)
		done := make(chan error, 1)
		if reading {
			go func() { _, err := io.Copy(io.Discard, session); done <- err }()
			<-session.Answered()
		} else {
			done <- nil
		}
		if err := session.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{`{"runner_id":"4f2a"}`, `{"close":true}`}, <-got); diff != "" {
			t.Errorf("reading %t: %s", reading, diff)
		}
		if code, ok := session.ExitCode(); code != 143 || !ok {
			t.Errorf("reading %t: exit code %d, %t", reading, code, ok)
		}
	}
}

// TestShellCloseOfAHungSession: nobody answers and nobody reads, and a write
// is under way.
func TestShellCloseOfAHungSession(t *testing.T) {
	server := faltest.New(t)
	server.HandleStream("ShellRunner", func(*faltest.Stream) faltest.Answer { return faltest.Hang() })
	_, session := openShell(t, server, nil)
	started, done := make(chan struct{}), make(chan error, 2)
	go func() {
		close(started)
		_, err := session.Write(make([]byte, 64<<20)) // more than any window
		done <- err
	}()
	go func() { _, err := session.Read(make([]byte, 1)); done <- err }()
	<-started
	_ = session.Close()
	for range 2 {
		if err := <-done; err == nil {
			t.Error("nothing was told")
		}
	}
}

func TestShellEndsWithItsContext(t *testing.T) {
	server := faltest.New(t)
	broken := make(chan struct{})
	server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
		_ = st.Open() // the client may be gone before this returns
		<-st.Context().Done()
		close(broken)
		return faltest.Hang()
	})
	ctx, client := newClient(t, server.Options())
	ctx, cancel := context.WithCancel(ctx)
	session, err := client.Runners.Shell(ctx, "4f2a", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	<-session.Answered()
	cancel()
	if _, err := session.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) || !errors.Is(err, fal.ErrCanceled) {
		t.Errorf("got %v", err)
	}
	<-broken
}

func TestShellRefusals(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	for _, tt := range []struct {
		id     string
		params *fal.RunnersShellParams
	}{
		{"", nil},
		{"a", &fal.RunnersShellParams{Command: []string{""}}},
		{"a", &fal.RunnersShellParams{TTY: &fal.TerminalSize{}}},
		{"a", &fal.RunnersShellParams{TTY: &fal.TerminalSize{Columns: -1, Rows: 5}}},
		{"a", &fal.RunnersShellParams{TTY: &fal.TerminalSize{Columns: 5, Rows: 70000}}},
	} {
		if _, err := client.Runners.Shell(ctx, tt.id, tt.params); !errors.Is(err, fal.ErrInvalidArgument) {
			t.Errorf("%q %+v: %v", tt.id, tt.params, err)
		}
	}
	if n := len(server.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
	server.Close()
	_, err := client.Runners.Shell(ctx, "a", nil)
	var failed *fal.Error
	if !errors.As(err, &failed) || failed.Cause() != fal.CauseRefused {
		t.Errorf("got %v", err)
	}
}

// TestShellCarriesBytes sends bytes of every kind through an echo.
func TestShellCarriesBytes(t *testing.T) {
	server := faltest.New(t)
	server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
		for {
			m, err := st.Receive()
			if err != nil {
				return faltest.Reply(`{"exit_code": 0}`)
			}
			var in struct{ Data string }
			if err := json.Unmarshal(m, &in); err != nil {
				t.Error(err)
			}
			if in.Data == "" {
				continue
			}
			if err := st.Send(`{"data": "` + in.Data + `"}`); err != nil {
				t.Error(err)
			}
		}
	})
	_, session := openShell(t, server, nil)
	sent := make([]byte, 3<<20)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(sent)
	go func() {
		if _, err := session.Write(sent); err != nil {
			t.Error(err)
		}
		if err := session.CloseWrite(); err != nil {
			t.Error(err)
		}
	}()
	got, err := io.ReadAll(session)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(sent) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
}
