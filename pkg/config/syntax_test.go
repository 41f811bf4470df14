package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/config"
)

func TestSyntaxErrors(t *testing.T) {
	const secret = "QZSECRZJQ"
	for _, tt := range []struct {
		name, file   string
		line, column int
		shows        string // in the message
	}{
		{"header not closed", "a = 1\n[dev\nkey = 'x:" + secret + "'\n", 2, 5, "2 | [dev\n"},
		{"value without quotes", "[dev]\nkey = x:" + secret + "\n", 2, 7, "2 | key = ***********\n    |       ^"},
		{"string not closed", "[dev]\nkey = \"x:" + secret + "\n", 2, 19, "2 | key = \"***********\n"},
		{"no equals sign", "[dev]\nkey \"x:" + secret + "\"\n", 2, 5, "2 | key \"***********\"\n    |     ^"},
		{"a bare secret", "x:" + secret + "\n", 1, 2, "1 | ***********\n    |  ^"},
		{"a secret that looks like a name", secret + "==\n", 1, 11, "1 | *********==\n"},
		{"two keys on a line", "[dev]\nhost = 'h' key = 'x:" + secret + "'\n", 2, 12, "2 | host = '*' *** = '***********'\n"},
		{"defined twice", "[dev]\nkey = 'x:" + secret + "'\nkey = 'x:" + secret + "'\n", 3, 1, "key key is already defined"},
		{"table twice", "[dev]\n[dev]\n", 2, 2, "2 | [dev]\n"},
		{"escape", "[dev]\nkey = \"\\" + secret + "\"\n", 2, 8, "invalid escape character"},
		{"number", "[dev]\nkey = 1_" + secret + "\n", 2, 8, "2 | key = ***********\n"},
		{"float out of range", "[dev]\nkey = 1e" + strings.Repeat("7", 400) + "\n", 2, 7, "unable to parse float"},
		{"secret in an array", "[dev]\nkeys = [\n\"x:" + secret + "\" 1]\n", 3, 15, "3 | \"***********\" *]\n"},
		{"multi-line string", "[dev]\nkey = \"\"\"\n" + secret + "\n" + secret, 4, 9, "4 | *********"},
		{"byte order mark and CRLF", "\xef\xbb\xbf[dev]\r\nkey = " + secret + "\r\n", 2, 7, "2 | key = *********\n"},
		{"tab and wide characters", "[dev]\n\tключ = '" + secret + "'\n", 2, 2, "invalid character at start of key\n  2 |  **** = '*********'\n    |  ^"},
		{"not UTF-8", "[dev]\nkey = 'x:" + secret + "\xff'\n", 2, 19, "invalid UTF-8"},
		{"UTF-16", "\xff\xfe[\x00d\x00", 1, 1, "UTF-16"},
		{"control characters in a name", "[\"\\u001b[31m\"]\n[\"\\u001b[31m\"]\n", 2, 2, "table ?[31m already exists"},
		{"a long line", "[dev]\nkey = '" + strings.Repeat("x", 500) + "' " + secret + "\n", 2, 510, "' *********\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := home(t, tt.file, true)
			path := filepath.Join(dir, ".fal", "config.toml")
			_, err := config.Resolve(config.Inputs{HomeDir: dir, Getenv: getenv(env{"FAL_KEY": "a:b"})})
			e := asError(t, err, config.Syntax)
			if e.Line != tt.line || e.Column != tt.column {
				t.Errorf("at %d:%d, want %d:%d", e.Line, e.Column, tt.line, tt.column)
			}
			message := filepath.ToSlash(e.Error())
			if !strings.HasPrefix(message, "~/.fal/config.toml:") || !strings.Contains(message, tt.shows) {
				t.Errorf("message\n%s\nwant in it\n%s", message, tt.shows)
			}
			if lines := e.ErrorLines(); len(lines) != 3 && tt.shows != "UTF-16" || strings.Join(lines, "\n") != e.Error() {
				t.Errorf("lines %q", lines)
			}
			for n := 2; n <= len(secret); n++ {
				if strings.Contains(message, secret[:n]) || strings.Contains(message, secret[len(secret)-n:]) {
					t.Fatalf("part of the secret is shown:\n%s", message)
				}
			}
			for _, line := range strings.Split(message, "\n") {
				if len(line) > 200 {
					t.Errorf("a line of %d bytes", len(line))
				}
			}
			if strings.ContainsFunc(message, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }) {
				t.Errorf("control characters in %q", message)
			}

			asError(t, config.Update(path, func(*config.File) error {
				t.Error("a broken file was opened for editing")
				return nil
			}), config.Syntax)
			if got := read(t, path); got != tt.file {
				t.Errorf("the file was changed to %q", got)
			}
		})
	}
}

// FuzzSyntaxError checks for any file that a secret in it is not shown.
func FuzzSyntaxError(f *testing.F) {
	for _, seed := range []string{"key = %", "key = \"%", "[%", "[[%]", "x = [%", "%", "key %", "a.% = 1", "'''\n%", "key = \"\\u%\"", "host = % # %", "\xef\xbb\xbf%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		const secret = "Zq9:Xw8Zq9Xw8"
		_, err := config.Parse([]byte(strings.ReplaceAll(file, "%", secret)))
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), "Xw8Z") || strings.Contains(err.Error(), "Zq9:") {
			t.Errorf("%q gives\n%v", file, err)
		}
	})
}
