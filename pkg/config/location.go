package config

import (
	"os"
	"path/filepath"
	"strings"
)

const (
	configName = "config.toml"
	tokenName  = "auth0_token"
)

// Locations are the files that belong to the user.
type Locations struct {
	Config   Setting // the configuration file; it need not exist; "" when no home folder is known
	LoginDir Setting // the folder of the login's files; it need not exist
	Token    string  // the login's token file; it need not exist

	home string
}

// Locate returns where the files are, from FAL_CONFIG_PATH, FAL_HOME_DIR and
// the home folder. It reads no file, so that a command that repairs the
// configuration can find it when Resolve fails.
func Locate(in Inputs) Locations {
	l := Locations{home: in.HomeDir}
	if l.home == "" {
		l.home, _ = os.UserHomeDir() // without one, only the variables say where files are
	}
	dir := ""
	if l.home != "" {
		dir = filepath.Join(l.home, ".fal")
		l.Config.Value = filepath.Join(dir, configName)
		l.LoginDir.Value = dir
	}
	if v := in.getenv(varConfigPath); v != "" {
		l.Config = Setting{Value: l.expand(v), Origin: fromVariable(varConfigPath)}
	}
	if v := in.getenv(varHomeDir); v != "" {
		l.LoginDir = Setting{Value: l.expand(v), Origin: fromVariable(varHomeDir)}
	}
	if l.LoginDir.Value != "" {
		l.Token = filepath.Join(l.LoginDir.Value, tokenName)
	}
	return l
}

// expand replaces a leading ~ by the home folder, as the official client does
// for the path of its file.
func (l Locations) expand(path string) string {
	if l.home == "" {
		return path
	}
	if path == "~" {
		return l.home
	}
	if len(path) > 1 && path[0] == '~' && os.IsPathSeparator(path[1]) {
		return filepath.Join(l.home, path[2:])
	}
	return path
}

// show returns path as people know it, with ~ for the home folder.
func (l Locations) show(path string) string { return shorten(path, l.home) }

func shorten(path, home string) string {
	if home != "" {
		if rest, ok := strings.CutPrefix(path, filepath.Clean(home)); ok && rest != "" && os.IsPathSeparator(rest[0]) {
			path = "~" + rest
		}
	}
	return printable(path)
}
