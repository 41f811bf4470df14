package fal

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
)

// imagePython is sent for an image's own command if nothing is given: nobody
// looks at it.
const imagePython = "3.11"

func (v Virtualenv) definition(bool) (string, map[string]any, error) {
	configuration := map[string]any{}
	switch {
	case len(v.Requirements) > 0 && len(v.Layers) > 0:
		return "", nil, fmt.Errorf("requirements are given in layers and without: only one of both may be")
	case len(v.Requirements) > 0:
		configuration["requirements"] = values(v.Requirements)
	case len(v.Layers) > 0:
		layers := make([]any, len(v.Layers))
		for i, layer := range v.Layers {
			layers[i] = values(layer)
		}
		configuration["requirements"] = layers
	}
	return "virtualenv", withPython(configuration, v.PythonVersion, false), nil
}

func (i Image) definition(imageOnly bool) (string, map[string]any, error) {
	if i.Reference == "" {
		return "", nil, fmt.Errorf("the image's reference is empty")
	}
	image := map[string]any{"image": i.Reference}
	if len(i.Registries) > 0 {
		image["registries"] = registries(i.Registries)
	}
	if err := started(image, imageOnly, i.Entrypoint, i.Cmd); err != nil {
		return "", nil, err
	}
	return "container", withPython(map[string]any{"image": image}, i.PythonVersion, imageOnly), nil
}

func (d Dockerfile) definition(imageOnly bool) (string, map[string]any, error) {
	if d.Text == "" {
		return "", nil, fmt.Errorf("the Dockerfile is empty")
	}
	image := map[string]any{
		"dockerfile_str":     d.Text,
		"build_args":         texts(d.BuildArgs),
		"registries":         registries(d.Registries),
		"builder":            nil,
		"compression":        "gzip",
		"force_compression":  false,
		"secrets":            texts(d.Secrets),
		"docker_context_dir": d.ContextDir,
		"docker_files_list":  values(d.Sources),
		"docker_ignore":      values(d.Ignore),
	}
	if err := started(image, imageOnly, d.Entrypoint, d.Cmd); err != nil {
		return "", nil, err
	}
	return "container", withPython(map[string]any{"image": image}, d.PythonVersion, imageOnly), nil
}

func (d Definition) definition(bool) (string, map[string]any, error) {
	switch d.Kind {
	case "virtualenv", "container", "conda":
		return d.Kind, d.Configuration, nil
	}
	return "", nil, fmt.Errorf("unknown kind of environment %q: want virtualenv, container or conda", d.Kind)
}

// started says how an image is begun.
func started(image map[string]any, imageOnly bool, entrypoint, cmd *Command) error {
	if imageOnly {
		image["use_isolate"] = false
	}
	for key, command := range map[string]*Command{"entrypoint": entrypoint, "cmd": cmd} {
		switch {
		case command == nil:
		case command.Exec != nil && command.Shell != "":
			return fmt.Errorf("the image's %s is given for a shell and without one: only one of both may be", key)
		case command.Exec != nil:
			image[key] = values(command.Exec)
		default:
			image[key] = command.Shell
		}
	}
	return nil
}

func withPython(configuration map[string]any, version string, imageOnly bool) map[string]any {
	if version == "" && imageOnly {
		version = imagePython
	}
	if version != "" {
		configuration["python_version"] = version
	}
	return configuration
}

func registries(hosts map[string]Registry) map[string]any {
	logins := make(map[string]any, len(hosts))
	for host, login := range hosts {
		logins[host] = map[string]any{"username": login.Username, "password": login.Password}
	}
	return logins
}

func texts[M ~map[string]string](m M) map[string]any {
	out := make(map[string]any, len(m))
	for key, text := range m {
		out[key] = text
	}
	return out
}

func values(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// secretsOf are the passwords of registries and the secrets of a build, in a
// configuration of the wire.
func secretsOf(configuration map[string]any) (secrets []string) {
	eachSecret(configuration, func(m map[string]any, key string) {
		if s, ok := m[key].(string); ok && s != "" {
			secrets = append(secrets, s)
		}
	})
	return secrets
}

// withoutSecrets is a copy of a configuration that names them only.
func withoutSecrets(configuration map[string]any, instead any) map[string]any {
	shown := cloneJSON(configuration).(map[string]any)
	eachSecret(shown, func(m map[string]any, key string) { m[key] = instead })
	return shown
}

func eachSecret(configuration map[string]any, do func(m map[string]any, key string)) {
	image, _ := configuration["image"].(map[string]any)
	hosts, _ := image["registries"].(map[string]any)
	for _, host := range hosts {
		if login, ok := host.(map[string]any); ok && login["password"] != nil {
			do(login, "password")
		}
	}
	secrets, _ := image["secrets"].(map[string]any)
	for _, name := range slices.Collect(maps.Keys(secrets)) {
		do(secrets, name)
	}
}

func cloneJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = cloneJSON(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = cloneJSON(value)
		}
		return out
	}
	return v
}

// String shows the user alone.
func (r Registry) String() string { return r.Username + ":[redacted]" }

// GoString shows the user alone.
func (r Registry) GoString() string { return fmt.Sprintf("fal.Registry{Username: %q}", r.Username) }

// Format shows the user alone, whatever the verb.
func (r Registry) Format(f fmt.State, verb rune) { shown(f, verb, r) }

// LogValue shows the user alone.
func (r Registry) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText shows the user alone, so that no encoder writes the password.
func (r Registry) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// BuildSecrets are the secrets of a build, by name. Printed, logged or encoded
// they show their names alone.
type BuildSecrets map[string]string

// String shows the names alone.
func (s BuildSecrets) String() string {
	return fmt.Sprint(slices.Sorted(maps.Keys(s)))
}

// GoString shows the names alone.
func (s BuildSecrets) GoString() string { return "fal.BuildSecrets" + s.String() }

// Format shows the names alone, whatever the verb.
func (s BuildSecrets) Format(f fmt.State, verb rune) { shown(f, verb, s) }

// LogValue shows the names alone.
func (s BuildSecrets) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText shows the names alone, so that no encoder writes the values.
func (s BuildSecrets) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String shows the configuration without passwords and secrets.
func (d Definition) String() string {
	return fmt.Sprintf("%s %v", d.Kind, withoutSecrets(d.Configuration, "[redacted]"))
}

// GoString shows the configuration without passwords and secrets.
func (d Definition) GoString() string { return "fal.Definition{" + d.String() + "}" }

// Format shows the configuration without passwords and secrets, whatever the
// verb.
func (d Definition) Format(f fmt.State, verb rune) { shown(f, verb, d) }

// LogValue shows the configuration without passwords and secrets.
func (d Definition) LogValue() slog.Value { return slog.StringValue(d.String()) }

type discreet interface {
	fmt.Stringer
	fmt.GoStringer
}

// shown prints a value that hides a part of itself.
func shown(f fmt.State, verb rune, v discreet) {
	text := v.String()
	if verb == 'v' && f.Flag('#') {
		text = v.GoString()
	}
	_, _ = io.WriteString(f, text) // fmt keeps no error of its own
}
