// Package deploy is the fal-deploy program: it deploys an app of a
// pyproject.toml or of a Python file, shows how far it is, and says what came of
// it.
package deploy

import (
	"context"
	"os"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// Main runs fal-deploy and returns its exit code.
func Main() int { return cli.Main(App()) }

// App declares fal-deploy.
func App() *cli.App {
	return app(dependencies{
		connect: session.OpenFor,
		client:  func(s *session.Session) deployer { return s.Client },
		dir:     os.Getwd,
		size:    terminalSize,
		now:     time.Now,
		values:  complete.Background(),

		lookBehind: 250 * time.Millisecond,
	})
}

// deployer is what is asked of a *fal.Client.
type deployer interface {
	Deploy(context.Context, fal.App, *fal.DeployParams) (*fal.Deployment, error)
	PlanDeploy(context.Context, fal.App, *fal.DeployParams) (*fal.DeployPlan, error)
}

// dependencies are what the command needs from outside.
type dependencies struct {
	connect func(context.Context, *cli.Invocation, session.Account) (*session.Session, error)
	client  func(*session.Session) deployer
	dir     func() (string, error)
	size    func() (columns, rows int) // of the terminal of stderr
	now     func() time.Time
	values  complete.Values

	// lookBehind bounds the look at the runners behind a deployment that went
	// well, which waits for it.
	lookBehind time.Duration
}

func app(d dependencies) *cli.App {
	// The program has one command, which `fal deploy` runs without a verb.
	return d.values.In(&cli.App{
		Name:      "fal-deploy",
		Noun:      "deploy",
		Summary:   "Deploy an app",
		Account:   true,
		CompileJQ: jq.Compile,
		Commands:  []*cli.Command{newDeploy(d)},
	})
}
