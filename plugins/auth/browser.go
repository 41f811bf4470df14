package auth

import "os/exec"

// openBrowser opens a page in the browser of the desktop, which goes on when
// this program ends.
func openBrowser(url string) error {
	name, args := opener(url)
	cmd := exec.Command(name, args...)
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// hasBrowser reports whether a browser that is opened here opens before the
// eyes of whoever asked: not over SSH, not as root, and only on a desktop.
func hasBrowser(getenv func(string) string) bool { return !isRoot() && isDesktop(getenv) }

func isDesktop(getenv func(string) string) bool {
	return getenv("SSH_CONNECTION") == "" && getenv("SSH_TTY") == "" && hasDisplay(getenv)
}
