package iostreams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
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
// prompts, switches the echo off, understands Backspace, Ctrl-U, Ctrl-D, Ctrl-C
// and, where there is job control, Ctrl-Z, and always leaves the terminal as it
// found it. Without one it reads a line and prompts for nothing. Ctrl-C is an
// error that is context.Canceled and whose exit code is 130. Another control
// character than Tab, which arrow keys send too, makes a typed line an error
// whose exit code is 2: nobody sees that it is in the text.
func (s *Streams) ReadSecret(ctx context.Context, prompt string) (string, error) {
	file, isFile := s.In.(*os.File)
	if !s.inTerminal || !isFile {
		return s.readLine(ctx)
	}
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	h, err := s.hide(int(file.Fd()), prompt)
	if err != nil {
		return "", err
	}
	secret, err := h.read(ctx)
	if restoreErr := h.restore(); err == nil {
		err = restoreErr
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
		c, err := s.prompt.readByte(ctx, s.In, nil)
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

// errResumed is the error of a read during which the process was continued.
var errResumed = errors.New("the process was continued")

func (p *prompter) readByte(ctx context.Context, r io.Reader, resumed <-chan os.Signal) (byte, error) {
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
	case <-resumed:
		return 0, errResumed
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}
