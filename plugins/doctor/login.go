package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

const (
	// largestLogin is far more than two tokens take.
	largestLogin = 1 << 20
	// shortestToken is less than what any issuer gives.
	shortestToken = 16
)

// A loginFile is the login's file as it was before anything used it.
type loginFile struct {
	path string
	info fs.FileInfo // nil: there is none, or err
	err  error
	// problem is why it is no login, whoever is asked; "" when it may be one.
	problem string
	// readOnly: a refreshed login could not be saved.
	readOnly bool
	// tokens are what must not be shown.
	tokens []string
}

func examineLogin(path string, d dependencies) loginFile {
	l := loginFile{path: path, err: fs.ErrNotExist}
	if path == "" {
		return l
	}
	if l.info, l.err = os.Stat(path); l.err != nil {
		return l
	}
	l.readOnly = !d.writable(filepath.Dir(path))
	switch {
	case l.info.IsDir():
		l.problem = "is a folder"
		return l
	case !l.info.Mode().IsRegular():
		l.problem = "is not a regular file"
		return l
	case l.info.Size() > largestLogin:
		l.problem = "is too large for a login"
		return l
	}
	content, err := d.read(path)
	if err != nil {
		l.problem = "cannot be read: " + reasonOf(err)
		return l
	}
	l.tokens = strings.FieldsFunc(strings.TrimPrefix(string(content), "\ufeff"), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range l.tokens {
		l.tokens[i] = strings.TrimSpace(l.tokens[i])
	}
	// The first line is what the login is kept alive with.
	switch {
	case len(l.tokens) == 0 || l.tokens[0] == "":
		l.problem = "holds no login: it is empty"
	case strings.ContainsFunc(l.tokens[0], func(r rune) bool { return r <= ' ' || r > '~' }):
		l.problem = "holds no login: its first line is no token"
	case len(l.tokens[0]) < shortestToken:
		l.problem = "holds no login: its first line is too short for a token"
	}
	return l
}

// reasonOf is an error without the path, which stands before it.
func reasonOf(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// checkLogin looks at the file alone: whether the login is good shows when the
// account is asked for, which refreshes it if it must.
func (p *patient) checkLogin(context.Context) finding {
	l := p.settings.login
	switch {
	case errors.Is(l.err, fs.ErrNotExist):
		return skipped("nobody is logged in")
	case l.err != nil:
		return failed(shown(l.path)+" cannot be looked at: "+reasonOf(l.err), "")
	}
	unused := ""
	if cfg := p.settings.credentials; cfg != nil && cfg.Credentials.Kind == config.CredentialsKey {
		unused = ", not in use: a key is"
	}
	if l.problem != "" {
		found := shown(l.path) + " " + l.problem
		if unused != "" {
			return warning(found+unused, l.mend())
		}
		return failed(found, l.mend())
	}
	f := private(l.path, l.info, unused)
	if l.readOnly {
		folder := filepath.Dir(l.path)
		f.found += "\n" + shown(folder) + " may not be written to: a login that was refreshed cannot be saved there"
		f.status = view.CheckWarning
		f.hint = strings.TrimPrefix(f.hint+"\nchmod u+w "+cli.Quote(folder), "\n")
	}
	return f
}

// mend is what makes a usable login of one that is not.
func (l loginFile) mend() string {
	switch {
	case l.info.IsDir():
		return "mv " + cli.Quote(l.path) + " " + cli.Quote(l.path+".old")
	case strings.HasPrefix(l.problem, "cannot be read"):
		return "chmod 600 " + cli.Quote(l.path)
	}
	return "fal auth login"
}
