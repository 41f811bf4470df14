package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

// suite is the package that pulls in all others.
const suite = "fal-suite"

// The files that nfpm reads; JSON is YAML to it.
type (
	packageConfig struct {
		Name            string           `json:"name"`
		Arch            string           `json:"arch"`
		Platform        string           `json:"platform"`
		Version         string           `json:"version"`
		VersionSchema   string           `json:"version_schema"`
		Release         string           `json:"release,omitempty"`
		Section         string           `json:"section"`
		Priority        string           `json:"priority"`
		Maintainer      string           `json:"maintainer"`
		Description     string           `json:"description"`
		Homepage        string           `json:"homepage"`
		License         string           `json:"license"`
		MTime           time.Time        `json:"mtime"`
		DisableGlobbing bool             `json:"disable_globbing"`
		Depends         []string         `json:"depends,omitempty"`
		Recommends      []string         `json:"recommends,omitempty"`
		Suggests        []string         `json:"suggests,omitempty"`
		Contents        []packageContent `json:"contents"`
		RPM             rpmConfig        `json:"rpm"`
	}
	packageContent struct {
		Source      string          `json:"src"`
		Destination string          `json:"dst"`
		FileInfo    packageFileInfo `json:"file_info"`
	}
	packageFileInfo struct {
		Mode  fs.FileMode `json:"mode"`
		Owner string      `json:"owner"`
		Group string      `json:"group"`
		MTime time.Time   `json:"mtime"`
	}
	rpmConfig struct {
		BuildHost string `json:"buildhost"`
		Summary   string `json:"summary"`
	}
)

// format is a kind of package.
type format struct {
	name     string
	zsh      string                         // folder below /usr where its zsh looks for completions
	licence  string                         // folder below /usr for licences, with %s for the package
	release  string                         // of the package, behind the version
	exactly  func(name, v string) string    // requires name in exactly this version
	fileName func(name, v, a string) string // for Go's word for the processor, or "all"
}

func formats() []format {
	return []format{
		{
			name: "deb", zsh: "share/zsh/vendor-completions", licence: "share/doc/%s",
			exactly: func(name, v string) string { return name + " (= " + v + ")" },
			fileName: func(name, v, a string) string {
				return name + "_" + v + "_" + a + ".deb"
			},
		},
		{
			name: "rpm", zsh: "share/zsh/site-functions", licence: "share/licenses/%s", release: "1",
			exactly: func(name, v string) string { return name + " = " + v },
			fileName: func(name, v, a string) string {
				if known, ok := map[string]string{"amd64": "x86_64", "arm64": "aarch64", "all": "noarch"}[a]; ok {
					a = known
				}
				return name + "-" + v + "-1." + a + ".rpm"
			},
		},
	}
}

// packager writes packages with nfpm.
type packager struct {
	nfpm    string // the built tool
	work    string // folder for what is made on the way
	out     string
	version string // as packageVersion writes it
	when    time.Time
	tree    string // for LICENSE and README.md
}

// buildPackager builds the pinned tool into work.
func (r release) buildPackager(ctx context.Context, work, out string) (*packager, error) {
	version, err := packageVersion(r.version)
	if err != nil {
		return nil, err
	}
	p := &packager{nfpm: filepath.Join(work, "nfpm.exe"), work: work, out: out, version: version, when: r.when, tree: r.tree}
	dir := filepath.Join(r.tree, "cmd", "internal", "dist", "nfpm")
	env := append(os.Environ(), "GOOS=", "GOARCH=", "GOFLAGS=-mod=readonly", "GOWORK=off", "CGO_ENABLED=0")
	return p, run(ctx, dir, env, "go", "build", "-o", p.nfpm, "github.com/goreleaser/nfpm/v2/cmd/nfpm")
}

// writeAll packs every program that was built into bin for an architecture,
// in every format.
func (p *packager) writeAll(ctx context.Context, all []program, arch, bin string, l licences) error {
	for _, prog := range all {
		notices := filepath.Join(p.work, prog.name+"-"+arch+".notices")
		if err := l.writeNotices(notices, filepath.Join(bin, prog.name)); err != nil {
			return err
		}
		for _, f := range formats() {
			if err := p.writeProgram(ctx, f, prog, arch, bin, notices); err != nil {
				return fmt.Errorf("%s for %s: %w", f.name, prog.name, err)
			}
		}
	}
	return nil
}

func (p *packager) writeProgram(ctx context.Context, f format, prog program, arch, bin, notices string) error {
	licence := fmt.Sprintf(f.licence, prog.name)
	files := []file{
		{path.Join("bin", prog.name), filepath.Join(bin, prog.name), 0o755},
		{path.Join(licence, "THIRD-PARTY-LICENSES"), notices, 0o644},
	}
	if f.name == "deb" {
		files = append(files, file{path.Join(licence, "copyright"), filepath.Join(p.work, "copyright"), 0o644})
		if err := os.WriteFile(filepath.Join(p.work, "copyright"), []byte(copyright), 0o600); err != nil {
			return err
		}
	} else {
		files = append(files, file{path.Join(licence, "LICENSE"), filepath.Join(p.tree, "LICENSE"), 0o644})
	}
	for _, d := range prog.docs {
		from, to := d.from, d.installed(f.zsh)
		if d.isManual() {
			from, to = filepath.Join(p.work, d.name+".gz"), to+".gz"
			if err := writeGz(from, d.from); err != nil {
				return err
			}
		}
		files = append(files, file{to, from, 0o644})
	}
	config := p.config(f, prog.name, arch, prog.summary)
	// bash finds the completions by it alone.
	config.Recommends = []string{"bash-completion"}
	if prog.name == "fal" {
		config.Suggests = []string{suite}
		files = append(files, file{"share/doc/fal/README.md", filepath.Join(p.tree, "README.md"), 0o644})
	} else {
		config.Suggests = []string{"fal"}
	}
	for _, file := range sorted(files) {
		from, err := filepath.Abs(file.from)
		if err != nil {
			return err
		}
		config.Contents = append(config.Contents, packageContent{
			Source:      from,
			Destination: path.Join("/usr", file.path),
			FileInfo:    packageFileInfo{Mode: file.mode, Owner: "root", Group: "root", MTime: p.when},
		})
	}
	return p.pack(ctx, f, config, arch)
}

// writeSuite writes the packages that hold nothing and depend on all others.
func (p *packager) writeSuite(ctx context.Context, all []program) error {
	for _, f := range formats() {
		config := p.config(f, suite, "all", "all programs that manage fal serverless")
		for _, prog := range all {
			config.Depends = append(config.Depends, f.exactly(prog.name, p.version))
		}
		if err := p.pack(ctx, f, config, "all"); err != nil {
			return fmt.Errorf("%s for %s: %w", f.name, suite, err)
		}
	}
	return nil
}

func (p *packager) config(f format, name, arch, summary string) packageConfig {
	return packageConfig{
		Name: name, Arch: arch, Platform: "linux", Version: p.version, VersionSchema: "none", Release: f.release,
		Section: "utils", Priority: "optional", Maintainer: "fal-plugins <fal-plugins@users.noreply.github.com>",
		Description: summary, Homepage: "https://" + module, License: "Apache-2.0",
		MTime: p.when, DisableGlobbing: true,
		RPM: rpmConfig{BuildHost: "localhost", Summary: summary},
	}
}

func (p *packager) pack(ctx context.Context, f format, config packageConfig, arch string) error {
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return err
	}
	name := f.fileName(config.Name, p.version, arch)
	source := filepath.Join(p.work, name+".json")
	if err := os.WriteFile(source, text, 0o600); err != nil {
		return err
	}
	return run(ctx, p.work, append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", p.when.Unix())),
		p.nfpm, "package", "--config", source, "--packager", f.name, "--target", filepath.Join(p.out, name))
}

// copyright is the form in which Debian wants to know the licence.
const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: fal
Source: https://` + module + `

Files: *
Copyright: the authors of fal-plugins
License: Apache-2.0
 On Debian systems the text of the licence is in
 /usr/share/common-licenses/Apache-2.0.
Comment: The programs hold parts of others, whose licences are in
 THIRD-PARTY-LICENSES beside this file.
`
