package controlplane

import (
	"slices"
	"strings"
)

// inherited returns what runners get of the control plane's environment: what any
// process needs to run on this machine, and nothing that is for the user's shell,
// where credentials are. withheld are the names of proxies that are left out because
// their URLs hold credentials. system is as in runtime.GOOS.
func inherited(environ []string, system string) (env, withheld []string) {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case !inherits(name, system):
		case isProxy(name) && strings.Contains(value, "@"):
			withheld = append(withheld, name)
		default:
			env = append(env, entry)
		}
	}
	return env, withheld
}

// inherits reports whether a variable says whose the process is, where its programs,
// libraries, devices and temporary files are, its language, or how it reaches the
// network. TERM does not: whoever opens a session has another terminal.
func inherits(name, system string) bool {
	if isProxy(name) {
		return true
	}
	if system == "windows" {
		name = strings.ToUpper(name)
		if ofWindows(name) {
			return true
		}
	}
	switch name {
	case "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME",
		"LANG", "LANGUAGE", "TZ",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
		"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
		"CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER":
		return true
	}
	return strings.HasPrefix(name, "LC_")
}

// ofWindows reports whether Windows itself sets a variable, whose name is in upper
// case, for every process.
func ofWindows(name string) bool {
	switch name {
	case "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "OS", "COMSPEC", "PATHEXT",
		"COMPUTERNAME", "USERNAME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH",
		"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "ALLUSERSPROFILE", "PUBLIC",
		"PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432",
		"COMMONPROGRAMFILES", "COMMONPROGRAMFILES(X86)", "COMMONPROGRAMW6432",
		"NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "PROCESSOR_ARCHITEW6432",
		"PROCESSOR_IDENTIFIER", "PROCESSOR_LEVEL", "PROCESSOR_REVISION":
		return true
	}
	return false
}

// isProxy reports whether a variable is about proxies; programs read either case.
func isProxy(name string) bool {
	return slices.Contains([]string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}, strings.ToUpper(name))
}

// missed are the names that no entry of env has.
func missed(names, env []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
	})
}
