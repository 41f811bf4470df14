package iostreams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"
)

// maxLine bounds what a prompt reads, in bytes: far above any key or
// certificate that is typed or pasted.
const maxLine = 64 << 10

// Confirm asks a yes-or-no question on Err and reads the answer from In. Only
// y and yes, in any case, mean yes; the end of input and anything else mean
// no. It returns the cause of the context's end as soon as that comes.
func (s *Streams) Confirm(ctx context.Context, question string) (bool, error) {
	line, err := s.ReadLine(ctx, question+" [y/N] ")
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

// ReadLine writes a prompt to Err and reads one line from In, which is
// returned without its end. It returns io.EOF at the end of input when there
// is no line any more, and the context's cause when that ends first.
func (s *Streams) ReadLine(ctx context.Context, prompt string) (string, error) {
	if err := s.writePrompt(prompt); err != nil {
		return "", err
	}
	line, err := s.readLine(ctx)
	if err != nil && s.inTerminal {
		// The cursor still stands behind the prompt.
		fmt.Fprintln(s.Err)
	}
	return line, err
}

// ReadSecret reads one line from In without showing it. On a terminal it
// prompts, switches the echo off, understands Backspace, Ctrl-U, Ctrl-D and
// Ctrl-C, and always leaves the terminal as it found it. Without one it reads
// a line and prompts for nothing. Ctrl-C is an error that is context.Canceled
// and whose exit code is 130.
func (s *Streams) ReadSecret(ctx context.Context, prompt string) (string, error) {
	file, isFile := s.In.(*os.File)
	if !s.inTerminal || !isFile {
		return s.readLine(ctx)
	}
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	fd := int(file.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("cannot switch the echo of the terminal off: %w", err)
	}
	secret, err := s.promptSecret(ctx, prompt)
	if restoreErr := term.Restore(fd, before); restoreErr != nil && err == nil {
		err = fmt.Errorf("cannot restore the terminal: %w", restoreErr)
	}
	fmt.Fprintln(s.Err)
	if err != nil {
		return "", err
	}
	return secret, nil
}

func (s *Streams) writePrompt(prompt string) error {
	_, err := io.WriteString(s.Err, Sanitize(prompt))
	return err
}

func (s *Streams) readLine(ctx context.Context) (string, error) {
	var line []byte
	for {
		c, err := s.prompt.readByte(ctx, s.In)
		switch {
		case errors.Is(err, io.EOF) && len(line) > 0, err == nil && c == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case err != nil:
			return "", err
		case len(line) == maxLine:
			return "", errTooLong
		}
		line = append(line, c)
	}
}

const (
	ctrlC     = 0x03
	ctrlD     = 0x04
	backspace = 0x08
	ctrlU     = 0x15
	del       = 0x7f
)

func (s *Streams) promptSecret(ctx context.Context, prompt string) (string, error) {
	if err := s.writePrompt(prompt); err != nil {
		return "", err
	}
	var line []byte
	for {
		c, err := s.prompt.readByte(ctx, s.In)
		if err != nil {
			return "", err
		}
		switch c {
		case '\r', '\n':
			return string(line), nil
		case ctrlC:
			return "", interrupted{}
		case ctrlD:
			if len(line) == 0 {
				return "", io.EOF
			}
			return string(line), nil
		case ctrlU:
			line = line[:0]
		case backspace, del:
			_, size := utf8.DecodeLastRune(line)
			line = line[:len(line)-size]
		default:
			if len(line) == maxLine {
				return "", errTooLong
			}
			line = append(line, c)
		}
	}
}

var errTooLong = fmt.Errorf("the line on standard input is longer than %d bytes", maxLine)

type interrupted struct{}

func (interrupted) Error() string        { return "interrupted" }
func (interrupted) ExitCode() int        { return 130 }
func (interrupted) Hints() []string      { return nil }
func (interrupted) Is(target error) bool { return target == context.Canceled }

// prompter reads single bytes, so that nothing behind the line is taken from
// whoever reads In next, and in a goroutine, since a read from a terminal
// cannot be called off. A read that outlives its context stays pending, and
// its byte goes to the next prompt.
type prompter struct {
	mu      sync.Mutex
	pending chan readResult
}

type readResult struct {
	c   byte
	err error
}

func (p *prompter) readByte(ctx context.Context, r io.Reader) (byte, error) {
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == nil {
		p.pending = make(chan readResult, 1)
		go func(result chan<- readResult) {
			var b [1]byte
			_, err := io.ReadFull(r, b[:])
			result <- readResult{b[0], err}
		}(p.pending)
	}
	select {
	case result := <-p.pending:
		p.pending = nil
		return result.c, result.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}
