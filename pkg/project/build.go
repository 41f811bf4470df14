package project

import (
	"slices"

	"github.com/fal-plugins/fal/pkg/fal"
)

// build is what the app's runners are made of.
func (s *settings) build(python string, imageOnly bool) fal.Build {
	switch {
	case s.image != nil && s.requirements != nil:
		configuration := map[string]any{
			"image":          s.image.configuration(imageOnly),
			"requirements":   s.requirementValues(),
			"python_version": python,
		}
		return fal.Definition{Kind: "container", Configuration: configuration}
	case s.image != nil && s.image.dockerfile != nil:
		d := s.image.dockerfile
		return fal.Dockerfile{
			Text: d.text, BuildArgs: s.image.buildArgs, Secrets: s.image.secrets, Registries: s.image.registries,
			Entrypoint: s.image.entrypoint, Cmd: s.image.cmd,
			ContextDir: d.contextDir, Sources: d.paths(), Ignore: d.ignore(), PythonVersion: python,
		}
	case s.image != nil:
		return fal.Image{
			Reference: s.image.reference, Registries: s.image.registries,
			Entrypoint: s.image.entrypoint, Cmd: s.image.cmd, PythonVersion: python,
		}
	case s.requirements != nil && len(s.requirements) == 0:
		// A list without anything in it is sent, unlike no list.
		return fal.Definition{Kind: "virtualenv", Configuration: map[string]any{"requirements": []any{}, "python_version": python}}
	case s.layered:
		return fal.Virtualenv{Layers: s.requirements, PythonVersion: python}
	}
	return fal.Virtualenv{Requirements: slices.Concat(s.requirements...), PythonVersion: python}
}

// paths are the sources as they are written.
func (d *dockerfile) paths() []string {
	var paths []string
	for _, source := range d.sources {
		paths = append(paths, source.path)
	}
	return paths
}

// ignore is the patterns in Python's dialect.
func (d *dockerfile) ignore() []string {
	expressions := []string{}
	for _, pattern := range d.patterns {
		if expression := pythonExpression(pattern); expression != "" {
			expressions = append(expressions, expression)
		}
	}
	return expressions
}

// filesDir is what app_files are relative to.
func (s *settings) filesDir() string {
	if s.appFilesDir != nil {
		return *s.appFilesDir
	}
	return s.dir
}

// files are those that go with the app; nil: none.
func (s *settings) files() (*chosen, error) {
	switch {
	case s.image != nil && s.image.dockerfile != nil && len(s.image.dockerfile.sources) > 0:
		d := s.image.dockerfile
		return contextFiles(d.contextDir, d.sources, ignoring(d.patterns))
	case s.image == nil && len(s.appFiles) > 0:
		return contextFiles(s.filesDir(), s.appSources, matching(s.ignored))
	}
	return nil, nil
}

// configuration is the image as the wire has it.
func (i *image) configuration(imageOnly bool) map[string]any {
	c := map[string]any{}
	if d := i.dockerfile; d != nil {
		c["dockerfile_str"], c["docker_context_dir"] = d.text, d.contextDir
		c["docker_files_list"], c["docker_ignore"] = anys(d.paths()), anys(d.ignore())
		c["build_args"], c["secrets"], c["registries"] = objects(i.buildArgs), objects(i.secrets), registryValues(i.registries)
		c["builder"], c["compression"], c["force_compression"] = nil, "gzip", false
	} else {
		c["image"] = i.reference
		if i.registries != nil {
			c["registries"] = registryValues(i.registries)
		}
	}
	for key, command := range map[string]*fal.Command{"entrypoint": i.entrypoint, "cmd": i.cmd} {
		switch {
		case command == nil:
		case command.Exec != nil:
			c[key] = anys(command.Exec)
		default:
			c[key] = command.Shell
		}
	}
	if imageOnly {
		c["use_isolate"] = false
	}
	return c
}

func registryValues(registries map[string]fal.Registry) map[string]any {
	values := make(map[string]any, len(registries))
	for host, r := range registries {
		values[host] = map[string]any{"username": r.Username, "password": r.Password}
	}
	return values
}

func anys(texts []string) []any {
	values := make([]any, len(texts))
	for i, text := range texts {
		values[i] = text
	}
	return values
}

func objects(texts map[string]string) map[string]any {
	values := make(map[string]any, len(texts))
	for key, text := range texts {
		values[key] = text
	}
	return values
}
