package build

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// hostPath stands, in the values of ENV, for the PATH of this machine.
const hostPath = "${PATH}"

// notices receive what is not done.
type notices func(format string, values ...any)

// carrier carries out a Dockerfile as far as that is possible here.
type carrier struct {
	environment *Environment
	recipe      *imageRecipe
	context     []entry
	notice      notices
	log         Log
	escape      rune
	global      map[string]string // of ARG before the first FROM
	stages      []*stage
	said        map[string]bool
	ctx         context.Context
}

// stage is what the instructions of one have made.
type stage struct {
	name       string
	folder     string
	env        []string          // NAME=value, each name once
	args       map[string]string // of ARG
	workDir    string
	shell      []string
	entrypoint *command
	cmd        *command
	cmdSet     bool // by this stage, and not the one that it begins with
	ports      map[int]bool
}

// carryOut reads a Dockerfile and makes the tree of its last stage.
func (e *Environment) carryOut(ctx context.Context, r *recipe, notice notices, log Log) (*stage, error) {
	file, err := parser.Parse(strings.NewReader(r.image.dockerfile))
	if err != nil {
		return nil, failf("the Dockerfile cannot be read: %v", err)
	}
	stages, args, err := instructions.Parse(file.AST, nil)
	if err != nil {
		return nil, failf("the Dockerfile cannot be read: %v", err)
	}
	if len(stages) == 0 {
		return nil, failf("the Dockerfile has no FROM")
	}
	c := &carrier{
		environment: e, recipe: r.image, context: e.builder.uploaded(r.files), notice: notice, log: log,
		escape: file.EscapeToken, global: make(map[string]string), said: make(map[string]bool), ctx: ctx,
	}
	for i := range args {
		lex := shell.NewLex(c.escape)
		err := args[i].Expand(func(word string) (string, error) {
			word, _, err := lex.ProcessWord(word, variables(c.global))
			return word, err
		})
		if err != nil {
			return nil, failf("%s: %v", shorten(args[i].String()), err)
		}
		if err := c.declare(&args[i], c.global, nil); err != nil {
			return nil, err
		}
	}
	defer func() {
		for _, s := range c.stages {
			if s.folder != e.tree() {
				// The folder of the environment is removed, or swept, in the end.
				_ = os.RemoveAll(s.folder)
			}
		}
	}()
	for i := range stages {
		if err := c.stage(&stages[i], filepath.Join(e.folder(), fmt.Sprintf("stage-%d", i))); err != nil {
			return nil, err
		}
	}
	last := c.stages[len(c.stages)-1]
	if err := os.Rename(last.folder, e.tree()); err != nil {
		return nil, err
	}
	last.folder = e.tree()
	return last, nil
}

// once is notice for what is worth saying one time.
func (c *carrier) once(format string, values ...any) {
	message := fmt.Sprintf(format, values...)
	if !c.said[message] {
		c.said[message] = true
		c.notice("%s", message)
	}
}

func (c *carrier) stage(in *instructions.Stage, folder string) error {
	s := &stage{name: in.Name, folder: folder, args: make(map[string]string), workDir: "/", ports: make(map[int]bool)}
	s.shell = []string{"/bin/sh", "-c"}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	base, _, err := shell.NewLex(c.escape).ProcessWord(in.BaseName, variables(c.global))
	if err != nil {
		return failf("FROM %s: %v", in.BaseName, err)
	}
	if earlier := c.find(base); earlier != nil {
		if err := copyTree(folder, earlier.folder); err != nil {
			return err
		}
		s.env, s.workDir, s.shell = slices.Clone(earlier.env), earlier.workDir, earlier.shell
		s.entrypoint, s.cmd = earlier.entrypoint, earlier.cmd
		for port := range earlier.ports {
			s.ports[port] = true
		}
	} else if base != "scratch" {
		c.once("the base image %s is not pulled: programs are those of this machine", base)
	}
	c.stages = append(c.stages, s)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, command := range in.Commands {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := c.carry(s, root, command); err != nil {
			return err
		}
	}
	return nil
}

// find returns an earlier stage by its name or number.
func (c *carrier) find(name string) *stage {
	for i := len(c.stages) - 1; i >= 0; i-- {
		if s := c.stages[i]; strings.EqualFold(s.name, name) && name != "" || strconv.Itoa(i) == name {
			return s
		}
	}
	return nil
}

// variables are what ARG and ENV have set, for the expansion of words.
type variables map[string]string

func (v variables) Get(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

func (v variables) Keys() []string {
	keys := make([]string, 0, len(v))
	for name := range v {
		keys = append(keys, name)
	}
	slices.Sort(keys)
	return keys
}

// variables of a stage: ENV wins over ARG.
func (s *stage) variables() variables {
	v := variables{"PATH": hostPath}
	for name, value := range s.args {
		v[name] = value
	}
	for _, entry := range s.env {
		name, value, _ := strings.Cut(entry, "=")
		v[name] = value
	}
	return v
}

func (s *stage) set(name, value string) {
	for i, entry := range s.env {
		if n, _, _ := strings.Cut(entry, "="); n == name {
			s.env[i] = name + "=" + value
			return
		}
	}
	s.env = append(s.env, name+"="+value)
}

// platform is what ARG may ask for without a value.
func platform() map[string]string {
	return map[string]string{
		"TARGETPLATFORM": "linux/" + goruntime.GOARCH, "TARGETOS": "linux", "TARGETARCH": goruntime.GOARCH, "TARGETVARIANT": "",
		"BUILDPLATFORM": "linux/" + goruntime.GOARCH, "BUILDOS": "linux", "BUILDARCH": goruntime.GOARCH, "BUILDVARIANT": "",
	}
}

// declare sets what an ARG names; outer has those of before the first FROM.
func (c *carrier) declare(command *instructions.ArgCommand, into, outer map[string]string) error {
	for _, arg := range command.Args {
		given, ok := c.recipe.arguments[arg.Key]
		switch {
		case ok:
			into[arg.Key] = given
		case arg.Value != nil:
			into[arg.Key] = *arg.Value
		default:
			if value, ok := outer[arg.Key]; ok {
				into[arg.Key] = value
			} else if value, ok := platform()[arg.Key]; ok {
				into[arg.Key] = value
			}
		}
	}
	return nil
}

// shorten makes a step fit for a line of a log.
func shorten(step string) string {
	step = strings.Join(strings.Fields(step), " ")
	if runes := []rune(step); len(runes) > 120 {
		return string(runes[:119]) + "…"
	}
	return step
}

// carry carries out one instruction.
func (c *carrier) carry(s *stage, root *os.Root, step instructions.Command) error {
	fail := func(err error) error {
		return failf("%s: %v", shorten(fmt.Sprint(step)), err)
	}
	values := s.variables()
	if e, ok := step.(instructions.SupportsSingleWordExpansion); ok {
		lex := shell.NewLex(c.escape)
		err := e.Expand(func(word string) (string, error) {
			word, _, err := lex.ProcessWord(word, values)
			return word, err
		})
		if err != nil {
			return fail(err)
		}
	}
	if e, ok := step.(instructions.SupportsSingleWordExpansionRaw); ok {
		lex := shell.NewLex('\\')
		lex.SkipProcessQuotes = true
		err := e.ExpandRaw(func(word string) (string, error) {
			word, _, err := lex.ProcessWord(word, values)
			return word, err
		})
		if err != nil {
			return fail(err)
		}
	}
	switch step := step.(type) {
	case *instructions.ArgCommand:
		return c.declare(step, s.args, c.global)
	case *instructions.EnvCommand:
		for _, pair := range step.Env {
			s.set(pair.Key, pair.Value)
		}
	case *instructions.WorkdirCommand:
		s.workDir = s.absolute(step.Path)
		return makeDir(root, strings.TrimPrefix(s.workDir, "/"))
	case *instructions.CopyCommand:
		return c.copy(s, root, copying{
			step: "COPY", SourcesAndDest: step.SourcesAndDest, from: step.From, chmod: step.Chmod, chown: step.Chown,
			exclude: step.ExcludePatterns, parents: step.Parents,
		})
	case *instructions.AddCommand:
		return c.copy(s, root, copying{
			step: "ADD", SourcesAndDest: step.SourcesAndDest, chmod: step.Chmod, chown: step.Chown,
			exclude: step.ExcludePatterns, unpack: step.Unpack == nil || *step.Unpack,
		})
	case *instructions.RunCommand:
		c.notice("not executed: %s", shorten(step.String()))
	case *instructions.CmdCommand:
		s.cmd, s.cmdSet = s.command(step.ShellDependantCmdLine), true
	case *instructions.EntrypointCommand:
		s.entrypoint = s.command(step.ShellDependantCmdLine)
		if !s.cmdSet {
			s.cmd = nil // it was meant for the entrypoint of before
		}
	case *instructions.ShellCommand:
		s.shell = step.Shell
	case *instructions.ExposeCommand:
		for _, port := range step.Ports {
			number, protocol, _ := strings.Cut(port, "/")
			if n, err := strconv.Atoi(number); err == nil && (protocol == "" || strings.EqualFold(protocol, "tcp")) {
				s.ports[n] = true
			}
		}
	case *instructions.UserCommand:
		c.once("USER %s is not followed: runners are processes of this user", step.User)
	case *instructions.VolumeCommand:
		c.once("VOLUME %s is not mounted", strings.Join(step.Volumes, " "))
	case *instructions.HealthCheckCommand:
		c.once("HEALTHCHECK is not followed: the app's own health check is")
	case *instructions.StopSignalCommand:
		c.once("STOPSIGNAL %s is not followed: runners are ended with SIGTERM", step.Signal)
	case *instructions.OnbuildCommand:
		c.once("ONBUILD %s is not followed: no image is made of this one", shorten(step.Expression))
	case *instructions.LabelCommand, *instructions.MaintainerCommand:
		// These change nothing about this image.
	default:
		c.notice("not carried out: %s", shorten(fmt.Sprint(step)))
	}
	return nil
}

func (s *stage) absolute(name string) string {
	if !path.IsAbs(name) {
		name = path.Join(s.workDir, name)
	}
	return path.Clean(name)
}

// command is a CMD or ENTRYPOINT; nil for an empty one, which takes it back.
func (s *stage) command(line instructions.ShellDependantCmdLine) *command {
	switch {
	case len(line.CmdLine) == 0:
		return nil
	case line.PrependShell && slices.Equal(s.shell, []string{"/bin/sh", "-c"}):
		return &command{Shell: strings.Join(line.CmdLine, " ")}
	case line.PrependShell:
		return &command{Exec: append(slices.Clone(s.shell), strings.Join(line.CmdLine, " "))}
	}
	return &command{Exec: line.CmdLine}
}

// heredoc returns the file that stands in a Dockerfile.
func heredoc(content instructions.SourceContent) (string, *bytes.Reader) {
	return path.Base(content.Path), bytes.NewReader([]byte(content.Data))
}
