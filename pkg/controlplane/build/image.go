package build

import (
	"context"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// buildImage makes the tree of an image, and finds its command.
func (e *Environment) buildImage(ctx context.Context, r *recipe, notice notices, log Log) error {
	e.Tree = true
	s := &stage{folder: e.tree(), workDir: "/", shell: []string{"/bin/sh", "-c"}}
	if r.image.dockerfile != "" {
		var err error
		if s, err = e.carryOut(ctx, r, notice, log); err != nil {
			return err
		}
	} else {
		notice("the image %s is not pulled: programs are those of this machine", r.image.reference)
		if err := e.layOut(ctx, r.files); err != nil {
			return err
		}
	}
	i := &image{Env: s.env, WorkDir: s.workDir}
	if len(s.ports) == 1 {
		for port := range s.ports {
			i.Port = port
		}
	}
	e.Image = i
	if err := i.setCommand(s, r.image); err != nil {
		return err
	}
	if !r.image.own {
		return nil
	}
	if len(i.Argv) == 0 {
		if r.image.dockerfile != "" {
			return failf("the image has no command: add CMD or ENTRYPOINT to the Dockerfile, or give the app cmd or entrypoint (those of the base image are not known here)")
		}
		return failf("no command is given for the image %s, and its own is not known since it is not pulled: give the app cmd or entrypoint", r.image.reference)
	}
	return e.tellCommand(log)
}

// tellCommand logs what runners execute, which fails when it is not there. It says
// nothing of an image that a Python callable runs in.
func (e *Environment) tellCommand(log Log) error {
	if e.Image == nil || e.Python != nil || len(e.Image.Argv) == 0 {
		return nil
	}
	program, err := e.builder.resolve(e.tree(), e.Image)
	if err == nil {
		log("INFO", "runners execute "+shorten(strings.Join(e.Image.Argv, " "))+" ("+program+")")
	}
	return err
}

// setCommand puts an image's command together the way an engine does: an
// entrypoint for a shell takes no arguments, and one that is given drops the
// CMD of the Dockerfile.
func (i *image) setCommand(s *stage, r *imageRecipe) error {
	entrypoint, cmd := s.entrypoint, s.cmd
	if r.entrypoint != nil {
		entrypoint, cmd = r.entrypoint, nil
	}
	if r.cmd != nil {
		cmd = r.cmd
	}
	switch {
	case entrypoint != nil && entrypoint.Shell != "":
		i.Argv = entrypoint.words()
	case entrypoint != nil:
		i.Argv = append(slices.Clone(entrypoint.Exec), cmd.words()...)
	default:
		i.Argv = cmd.words()
	}
	if len(i.Argv) > 0 && i.Argv[0] == "" {
		return failf("the command of the image begins with an empty word")
	}
	hasNUL := func(text string) bool { return strings.ContainsRune(text, 0) }
	if slices.ContainsFunc(i.Argv, hasNUL) || slices.ContainsFunc(i.Env, hasNUL) {
		return failf("the command of the image, or a variable of it, has a NUL in it")
	}
	return nil
}

func (c *command) words() []string {
	switch {
	case c == nil:
		return nil
	case c.Shell != "":
		return []string{"/bin/sh", "-c", c.Shell}
	}
	return c.Exec
}

// resolve says which program of the tree or of this machine a command's is.
func (b *Builder) resolve(tree string, i *image) (string, error) {
	placed := b.place(tree, i)
	found, err := b.program(placed, i.Argv[0])
	if err != nil {
		return "", err
	}
	if line, ok := shellLine(i.Argv); ok {
		if word := firstProgram(line); word != "" {
			if _, err := b.program(placed, word); err != nil {
				return "", err
			}
		}
	}
	return found, nil
}

// placed is an image whose tree is a folder of this machine.
type placed struct {
	*image
	root string // folder of the tree
	dir  string
	env  []string
}

func (b *Builder) place(root string, i *image) *placed {
	p := &placed{image: i, root: root, dir: filepath.Join(root, filepath.FromSlash(i.WorkDir))}
	hasPath, search := false, b.usualPath(root)
	for _, entry := range i.Env {
		name, value, _ := strings.Cut(entry, "=")
		value = translate(root, value)
		value = strings.ReplaceAll(value, hostPath, search)
		p.env = append(p.env, name+"="+value)
		hasPath = hasPath || name == "PATH"
	}
	if !hasPath && search != b.variable("PATH") {
		p.env = append(p.env, "PATH="+search)
	}
	return p
}

// usualPath is the PATH of an image that sets none: the usual folders, as far as
// something was copied there, before those of this machine.
func (b *Builder) usualPath(root string) string {
	var folders []string
	for _, folder := range []string{"usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"} {
		inside := filepath.Join(root, filepath.FromSlash(folder))
		if info, err := os.Stat(inside); err == nil && info.IsDir() {
			folders = append(folders, inside)
		}
	}
	if search := b.variable("PATH"); search != "" {
		folders = append(folders, search)
	}
	return strings.Join(folders, string(filepath.ListSeparator))
}

// searchPath is where programs of the image are looked for.
func (p *placed) searchPath(b *Builder) string {
	for _, entry := range p.env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			return value
		}
	}
	return b.variable("PATH")
}

// program finds what the first word of a command names, in the tree or else on
// this machine.
func (b *Builder) program(p *placed, word string) (string, error) {
	written := word
	if strings.ContainsAny(word, `/\`) {
		inside := filepath.Join(p.dir, filepath.FromSlash(word))
		if path.IsAbs(word) {
			inside = filepath.Join(p.root, filepath.FromSlash(word))
		}
		if info, err := os.Stat(inside); err == nil && !info.IsDir() {
			if _, err := exec.LookPath(inside); err != nil {
				return "", failf("the command of the image, %s, is not executable", word)
			}
			return inside, nil
		}
		if !path.IsAbs(word) {
			return "", failf("the command of the image, %s, is none of the files that were copied into it", word)
		}
		if found, err := exec.LookPath(filepath.FromSlash(word)); err == nil {
			return found, nil
		}
		word = path.Base(word)
	}
	for _, name := range alternatives(word) {
		for _, folder := range filepath.SplitList(p.searchPath(b)) {
			if !filepath.IsAbs(folder) {
				continue
			}
			if found, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
				return found, nil
			}
		}
	}
	if written != word {
		written += ", which is not on this machine"
	}
	return "", failf("the command of the image begins with %s, and no program %s was copied into the image or is on the PATH of the control plane: images are not pulled, so copy it or install it on this machine", written, word)
}

// alternatives are the names that a program is looked for under.
func alternatives(word string) []string {
	if word == "python" {
		return []string{word, "python3"}
	}
	return []string{word}
}

// shellLine returns the line of a command that a shell reads.
func shellLine(argv []string) (string, bool) {
	if len(argv) != 3 || argv[1] != "-c" {
		return "", false
	}
	switch path.Base(argv[0]) {
	case "sh", "bash", "dash", "ash":
		return argv[2], true
	}
	return "", false
}

// firstProgram is the program that a shell line begins with, if that is plain to
// see.
func firstProgram(line string) string {
	for word := range strings.FieldsSeq(line) {
		if word == "exec" {
			continue
		}
		if name, _, ok := strings.Cut(word, "="); ok && isPlain(name) && !strings.ContainsAny(name, "./-") {
			continue
		}
		if !isPlain(word) || slices.Contains(builtins(), word) {
			return ""
		}
		return word
	}
	return ""
}

func isPlain(word string) bool {
	for _, r := range word {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._/-+", r)) {
			return false
		}
	}
	return word != ""
}

// builtins are words that a shell understands itself.
func builtins() []string {
	return strings.Fields(". : alias bg bind break builtin case cd command continue declare dirs do done echo elif else esac eval exit export false fc fg fi for function getopts hash if jobs kill let local popd printf pushd pwd read readonly return select set shift shopt source suspend test then time times trap true type typeset ulimit umask unalias unset until wait while")
}
