//go:build unix

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/creack/pty"
)

// ptyrun is a command of the scripts: it runs a program on a terminal of its
// own and writes what the terminal shows to stdout, with \n for line ends.
//
//	ptyrun [-size COLSxROWS] [-input TEXT] [-after SHOWN] PROGRAM [ARGUMENTS]
//
// The input is typed when SHOWN has appeared, or at once; \n in it is the
// Return key, \x03 Ctrl-C. The exit code is the program's.
func ptyrun() {
	code, err := ptyMain(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "ptyrun:", err)
		code = 250
	}
	os.Exit(code)
}

func ptyMain(args []string) (int, error) {
	flags := flag.NewFlagSet("ptyrun", flag.ContinueOnError)
	size := flags.String("size", "160x40", "columns and rows")
	input := flags.String("input", "", "what is typed")
	after := flags.String("after", "", "type when this has appeared")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	var window pty.Winsize
	if _, err := fmt.Sscanf(*size, "%dx%d", &window.Cols, &window.Rows); err != nil {
		return 0, err
	}
	cmd := exec.Command(flags.Arg(0), flags.Args()[1:]...)
	terminal, err := pty.StartWithSize(cmd, &window)
	if err != nil {
		return 0, err
	}
	defer terminal.Close()
	var shown []byte
	typed := false
	for buffer := make([]byte, 4096); ; {
		if !typed && strings.Contains(string(shown), *after) {
			typed = true
			if _, err := io.WriteString(terminal, strings.NewReplacer(`\n`, "\n", `\x03`, "\x03").Replace(*input)); err != nil {
				return 0, err
			}
		}
		n, err := terminal.Read(buffer)
		shown = append(shown, buffer[:n]...)
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO) { // how Linux says that nobody holds the terminal any more
			break
		} else if err != nil {
			return 0, err
		}
	}
	waitErr := cmd.Wait()
	if _, err := io.WriteString(os.Stdout, strings.ReplaceAll(string(shown), "\r\n", "\n")); err != nil {
		return 0, err
	}
	var exit *exec.ExitError
	if waitErr != nil && !errors.As(waitErr, &exit) {
		return 0, waitErr
	}
	return cmd.ProcessState.ExitCode(), nil
}
