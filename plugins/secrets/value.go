package secrets

import (
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// maxValue is the longest NAME=VALUE that Linux gives to a program, in bytes
// with the one behind it.
const maxValue = 128 << 10

// ask completes the secrets that were named alone.
func ask(ctx context.Context, inv *cli.Invocation, list []secret) error {
	for i := range list {
		sec := &list[i]
		if sec.from != fromUser {
			continue
		}
		get := piped
		if inv.IO.InTerminal() {
			get = prompt
		}
		var err error
		if sec.value, err = get(ctx, inv, sec.name); err != nil {
			return err
		}
		if err := sec.check(inv); err != nil {
			return err
		}
	}
	return nil
}

// prompt asks for a line.
func prompt(ctx context.Context, inv *cli.Invocation, name string) (string, error) {
	value, err := inv.IO.ReadSecret(ctx, "Value of "+name+": ")
	if errors.Is(err, io.EOF) {
		return "", nil // refused as any other empty one
	}
	if errors.Is(err, context.Canceled) {
		return "", cli.Silent(cli.ExitInterrupted) // whoever pressed Ctrl-C knows
	}
	if err != nil {
		return "", err
	}
	more, err := moreTyped(ctx, inv.IO)
	if err != nil {
		return "", err
	}
	if more {
		return "", cli.Usagef("more than one line was typed for %s: nothing was set", name).
			WithHint("--from-file " + name + "=PATH sets it to several lines")
	}
	return value, nil
}

// piped is what stands on standard input, without the line end that most
// programs write behind it.
func piped(ctx context.Context, inv *cli.Invocation, _ string) (string, error) {
	content, err := read(ctx, inv, stdin, maxValue+len("\r\n"))
	if err != nil {
		return "", unreadable(ctx, err, stdin)
	}
	text := string(content)
	if line, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(line, "\r")
	}
	return text, nil
}

// check says what keeps a value from being set.
func (s *secret) check(inv *cli.Invocation) error {
	switch {
	case s.value == "" && s.from != fromLine && s.from != fromEnvFile:
		e := cli.Usagef("there is no value for %s", s.name)
		switch s.from {
		case fromVar:
			e = cli.Usagef("the variable %s is not set here, or empty", s.name)
		case fromFile:
			e = cli.Usagef("there is no value for %s: %s is empty", s.name, shown(s.file))
		case fromUser:
			if !inv.IO.InTerminal() {
				e = cli.Usagef("there is no value for %s: standard input is empty", s.name)
			}
		}
		return e.WithHint("`" + inv.Typed() + " set " + s.name + "=` sets it to nothing")
	case !utf8.ValidString(s.value):
		return cli.Usagef("the value of %s is not UTF-8 text", s.name).WithHint("what is binary can be set as base64")
	case strings.ContainsRune(s.value, 0):
		return cli.Usagef("the value of %s has a NUL byte, which no environment variable can have", s.name)
	case len(s.name)+len("=")+len(s.value)+len("\x00") > maxValue:
		return cli.Usagef("the value of %s is too long: a program can not be given more than %d KiB in a variable", s.name, maxValue>>10)
	}
	return nil
}
