package iostreams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	backspace = 0x08
	ctrlU     = 0x15
	ctrlZ     = 0x1a
	del       = 0x7f
)

// hidden is a prompt on a terminal that does not show what is typed.
type hidden struct {
	streams *Streams
	prompt  string
	fd      int
	before  *term.State
	resumed chan os.Signal // tells that the process was stopped, and goes on
}

// hide switches the echo off.
func (s *Streams) hide(fd int, prompt string) (*hidden, error) {
	h := &hidden{streams: s, prompt: prompt, fd: fd, resumed: make(chan os.Signal, 1)}
	before, err := makeRaw(fd)
	if err != nil {
		return nil, err
	}
	h.before = before
	notifyResumed(h.resumed)
	return h, nil
}

func makeRaw(fd int) (*term.State, error) {
	before, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("cannot switch the echo of the terminal off: %w", err)
	}
	return before, nil
}

func (h *hidden) restore() error {
	signal.Stop(h.resumed)
	return h.showAgain()
}

func (h *hidden) showAgain() error {
	if err := term.Restore(h.fd, h.before); err != nil {
		return fmt.Errorf("cannot restore the terminal: %w", err)
	}
	return nil
}

// begin puts the terminal, which a shell may have had meanwhile, into the state
// of the prompt again.
func (h *hidden) begin() error {
	if _, err := makeRaw(h.fd); err != nil {
		return err
	}
	if _, err := io.WriteString(h.streams.Err, "\r"); err != nil {
		return err
	}
	return h.streams.writePrompt(h.prompt)
}

func (h *hidden) read(ctx context.Context) (string, error) {
	if err := h.streams.writePrompt(h.prompt); err != nil {
		return "", err
	}
	var line []byte
	for {
		c, err := h.streams.prompt.readByte(ctx, h.streams.In, h.resumed)
		if errors.Is(err, errResumed) {
			if err = h.begin(); err == nil {
				continue
			}
		}
		if err != nil {
			return "", err
		}
		switch c {
		case '\r', '\n':
			return accepted(line)
		case ctrlC:
			return "", interrupted{}
		case ctrlD:
			if len(line) == 0 {
				return "", io.EOF
			}
			return accepted(line)
		case ctrlU:
			line = line[:0]
		case backspace, del:
			_, size := utf8.DecodeLastRune(line)
			line = line[:len(line)-size]
		case ctrlZ:
			if canSuspend() {
				if err := h.suspend(ctx); err != nil {
					return "", err
				}
				continue
			}
			fallthrough
		default:
			if len(line) == maxLine {
				return "", errTooLong
			}
			line = append(line, c)
		}
	}
}

// suspend stops the process, as the terminal would do by itself, until it is
// continued.
func (h *hidden) suspend(ctx context.Context) error {
	if err := h.showAgain(); err != nil {
		return err
	}
	stopGroup(ctx, h.resumed)
	return h.begin()
}

// accepted is a typed line, if it has nothing in it that cannot be meant.
func accepted(line []byte) (string, error) {
	text := string(line)
	for _, r := range text {
		if r != '\t' && unicode.IsControl(r) {
			return "", typedControl(r)
		}
	}
	return text, nil
}

// typedControl is a control character where nothing is shown.
type typedControl rune

func (e typedControl) Error() string {
	return "what was typed has the control character " + SanitizeLine(string(rune(e))) + " in it, and was not taken"
}

func (typedControl) ExitCode() int { return 2 }

func (typedControl) Hints() []string {
	return []string{"arrow keys and others type such characters; Backspace, Ctrl-U, Ctrl-C and Ctrl-D work"}
}

var errTooLong = fmt.Errorf("the line on standard input is longer than %d bytes", maxLine)

type interrupted struct{}

func (interrupted) Error() string        { return "interrupted" }
func (interrupted) ExitCode() int        { return 130 }
func (interrupted) Hints() []string      { return nil }
func (interrupted) Is(target error) bool { return target == context.Canceled }
