package deploy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type options struct {
	dependencies

	ref      string
	appName  string
	auth     *fal.AuthMode
	strategy *fal.DeploymentStrategy

	attach, detach      bool
	resetScale, noScale bool
	check, yes, dryRun  bool
	noCache, forceBuild bool
	message             *string
	annotations         map[string]string
	python              string
	all                 bool
	jobs                int // 0: defaultJobs
}

// defaultJobs is how many apps are deployed at once.
const defaultJobs = 4

func newDeploy(d dependencies) *cli.Command {
	o := &options{dependencies: d, annotations: map[string]string{}}
	return &cli.Command{
		Name:    "app",
		Default: true,
		Summary: "Deploy an app",
		Description: "REF is the name of an app in the nearest pyproject.toml (a table [tool.fal.apps.NAME]; `fal help pyproject` lists its keys), a Python file, or file.py::Class for one of several; without it, the one Python file of this folder is taken.\n\n" +
			"Apps that are an image, and those with a python_entry_point, need no Python here. A Python file is loaded by Python with the fal package that is installed there: that of --python, FAL_PYTHON, the active virtual environment, uv run where the project has a uv.lock, or python3.\n\n" +
			"An app that exists keeps how it scales: keep alive, min and max concurrency, both buffers, scaling delay, request timeout and regions are taken from the code by --reset-scale alone. What is said meanwhile goes to stderr. On a terminal a step that ends well leaves one line, and one that fails its whole log; in a pipe the log is printed as it comes. --verbose does that on a terminal too, and adds details.\n\n" +
			"Without --attach and --detach it returns when the new revision is registered. Its rollout goes on then: until a runner of it is up, one of the revision before may answer. --attach waits for the end of the rollout, however long that takes, and `fal apps status APP --wait` does so later on.\n\n" +
			"--check and --dry-run compare what the service tells of an app: its auth mode, machines, regions and how it scales. What a revision is made of, as its image, files, requirements, ports, secrets and health check, the service does not tell; it is in the requests that --dry-run shows.\n\n" +
			"With -o json, and the like, a deployment that failed is an object too. Its status is failed, and its revision is the one that it made if the failure came behind that, or what the app points to now where the service did not tell which it made; empty, the app is as it was, or cannot be asked. previous_revision is the one before.\n\n" +
			"Ctrl-C ends it and says what has come of it so far. FAL_DEPLOY_CHECK=1 is --check; FAL_URL_OUTPUT is all, playground or none, the URLs that people are shown.",
		Args:        []cli.Arg{{Name: "REF", Optional: true, Value: cli.NonEmpty(&o.ref), Complete: o.completeRef, Usage: "an app of the pyproject.toml, file.py or file.py::Class"}},
		Output:      cli.Text,
		JSON:        view.Deployment{},
		Environment: true,
		Verbose:     "show every line of the logs",
		Lasts:       func() bool { return true },
		Flags: []*cli.Flag{
			{Name: "app-name", Placeholder: "NAME", Value: cli.NonEmpty(&o.appName), Complete: d.values.Apps(), Usage: "name of the app, for a Python file"},
			{Name: "auth", Placeholder: "MODE", Values: fal.AuthModes(), Value: o.authValue(), Usage: "who may call it, for a Python file: " + strings.Join(fal.AuthModes(), ", ")},
			{Name: "strategy", Placeholder: "STRATEGY", Values: []string{fal.StrategyRolling.String(), fal.StrategyRecreate.String()}, Value: o.strategyValue(),
				Usage: "rolling starts the new runners first, which is the default; recreate ends the old ones first"},
			{Name: "attach", Value: cli.Bool(&o.attach), Usage: "wait until a rolling deployment is through"},
			{Name: "detach", Value: cli.Bool(&o.detach), Usage: "return as soon as the new revision is registered; its rollout goes on"},
			{Name: "reset-scale", Value: cli.Bool(&o.resetScale), Usage: "take from the code how the app scales"},
			{Name: "no-scale", Hidden: true, Value: cli.Bool(&o.noScale), Usage: "deprecated: keep how the app scales, which is the default"},
			{Name: "message", Aliases: []string{"m"}, Placeholder: "TEXT", Value: o.messageValue(), Usage: "a note on the revision, of at most 2048 characters"},
			{Name: "annotation", Placeholder: "KEY=VALUE", Value: o.annotationValue(), Usage: "a value to keep with the revision, as GIT_SHA=1a2b3c; may be given several times"},
			{Name: "no-cache", Value: cli.Bool(&o.noCache), Usage: "build the environment anew"},
			{Name: "force-env-build", Hidden: true, Value: cli.Bool(&o.forceBuild), Usage: "deprecated: same as --no-cache"},
			{Name: "python", Placeholder: "PATH", Value: cli.NonEmpty(&o.python), Complete: cli.Files(), Usage: "the Python that loads a Python file"},
			{Name: "check", Value: cli.Bool(&o.check), Usage: "show which settings of the app change, and deploy when confirm is typed"},
			{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "do not ask"},
			{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show which settings of the app change, the files and the requests; the service is asked, and nothing is sent to it"},
			{Name: "all", Value: cli.Bool(&o.all), Usage: "deploy every app of the pyproject.toml; the JSON is then {deployments: [...]}"},
			{Name: "jobs", Placeholder: "N", Value: cli.Int(&o.jobs, 1, math.MaxInt), Usage: fmt.Sprintf("with --all, how many at once; %d unless given", defaultJobs)},
		},
		Examples: []cli.Example{
			{Comment: "an app of the pyproject.toml, to staging", Line: "fal deploy my-app --env staging"},
			{Comment: "a class of a file, with the commit that it is", Line: "fal deploy app.py::Model --annotation GIT_SHA=1a2b3c --message 'faster start'"},
			{Comment: "what would be sent", Line: "fal deploy my-app --dry-run"},
			{Comment: "where it can be called", Line: `fal deploy my-app --jq '.urls.sync["/"]'`},
			{Comment: "all of them, in a script", Line: "fal deploy --all --yes --json"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runDeploy(ctx, inv, o) },
	}
}

func (o *options) authValue() cli.Value {
	return cli.Func(func(text string) error {
		m, err := fal.ParseAuthMode(text)
		o.auth = &m
		return err
	})
}

func (o *options) strategyValue() cli.Value {
	return cli.Func(func(text string) error {
		s, err := fal.ParseDeploymentStrategy(text)
		o.strategy = &s
		return err
	})
}

func (o *options) messageValue() cli.Value {
	return cli.Func(func(text string) error { o.message = &text; return nil })
}

func (o *options) annotationValue() cli.Value {
	return cli.Func(func(text string) error {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return errors.New("want KEY=VALUE")
		}
		if _, twice := o.annotations[key]; twice {
			return fmt.Errorf("%s is given twice", key)
		}
		o.annotations[key] = value
		return nil
	})
}

// validate refuses flags that contradict each other.
func (o *options) validate() error {
	switch {
	case o.attach && o.detach:
		return cli.Usagef("--attach and --detach contradict each other")
	case o.resetScale && o.noScale:
		return cli.Usagef("--reset-scale and --no-scale contradict each other")
	case o.check && o.dryRun:
		return cli.Usagef("--check asks and --dry-run does not: give one of them")
	case o.all && o.ref != "":
		return cli.Usagef("--all deploys every app: %s is one of them", o.ref)
	case o.jobs != 0 && !o.all:
		return cli.Usagef("--jobs is for --all")
	case o.all && o.overrides():
		flags, are := o.overriding()
		return cli.Usagef("%s %s for one Python file, not for --all", flags, are)
	}
	return nil
}

// overrides reports whether a flag was given that only a Python file takes.
func (o *options) overrides() bool { return o.appName != "" || o.auth != nil }

// overriding are the flags of overrides that were given, and their verb.
func (o *options) overriding() (flags, are string) {
	switch {
	case o.auth == nil:
		return "--app-name", "is"
	case o.appName == "":
		return "--auth", "is"
	}
	return "--app-name and --auth", "are"
}

// notices are what is said about deprecated flags.
func (o *options) notices() []string {
	var said []string
	if o.forceBuild {
		said = append(said, "--force-env-build is deprecated: --no-cache is the same")
	}
	if o.noScale {
		said = append(said, "--no-scale is deprecated, and is the default")
	}
	return said
}
