package view

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Deployment is the JSON contract of a deployment. The keys up to status are
// those of the official client.
type Deployment struct {
	Revision         string             `json:"revision"` // that the app points to by it; empty if it made none: a plan, and a failure that left the app as it was
	AppName          string             `json:"app_name"` // without the suffix of its environment; empty if the file that gives it could not be loaded
	Status           string             `json:"status"`   // deployed, rolling_out, planned, failed
	EnvironmentName  string             `json:"environment_name"`
	AuthMode         string             `json:"auth_mode"`         // empty when it is not known
	PreviousRevision *string            `json:"previous_revision"` // null for a first deployment, and when it is not known
	URLs             DeploymentURLs     `json:"urls"`
	LogURL           string             `json:"log_url"`
	Inherited        []InheritedSetting `json:"inherited"` // settings that differ from the code
	Phases           []DeploymentPhase  `json:"phases"`    // that took place, in their order
	Plan             *DeploymentPlan    `json:"plan"`      // null unless it is planned
	Error            *string            `json:"error"`

	authKept bool // the code says nothing of it, and a first deployment would have another
}

// DeploymentURLs are where the app is reached, by its endpoints' paths.
type DeploymentURLs struct {
	Playground map[string]string `json:"playground"`
	Sync       map[string]string `json:"sync"`
	Async      map[string]string `json:"async"`
	WebSocket  map[string]string `json:"websocket"`

	endpoints []string
}

// DeploymentPhase is how long a part of the deployment took.
type DeploymentPhase struct {
	Phase   string  `json:"phase"` // load, hash, upload, build, metadata, register
	Seconds float64 `json:"seconds"`
}

// DeploymentList is what deploy prints as JSON for several apps.
type DeploymentList struct {
	Deployments []Deployment `json:"deployments"`
}

// The states of a deployment.
const (
	Deployed      = "deployed"
	RollingOut    = "rolling_out"
	DeployPlanned = "planned"
	DeployFailed  = "failed"
)

// NewDeployment says what came of a deployment of an app; load is how long it
// took to make the app from its project.
func NewDeployment(d *fal.Deployment, app fal.App, reset bool, load time.Duration) Deployment {
	v := Deployment{
		Revision: d.Revision, AppName: d.Name, Status: Deployed, EnvironmentName: d.Environment,
		AuthMode: d.AuthMode.String(), LogURL: d.URLs.Log, URLs: newDeploymentURLs(d.URLs, d.Endpoints),
		PreviousRevision: revisionOf(d.Before), Inherited: Inherited(d.Before, app, reset),
		Phases: newDeploymentPhases(append([]fal.PhaseDuration{loaded(load)}, d.Phases...)),
	}
	if d.Detached {
		v.Status = RollingOut
	}
	v.authKept = d.Before != nil && app.AuthMode == nil && d.AuthMode != fal.AuthPrivate
	return v
}

// NewPlannedDeployment says what would come of one.
func NewPlannedDeployment(p *fal.DeployPlan, app fal.App, environment string, reset bool, load time.Duration) Deployment {
	return Deployment{
		AppName: app.Name, Status: DeployPlanned, EnvironmentName: environment, AuthMode: p.After.AuthMode.String(),
		PreviousRevision: revisionOf(p.Before), URLs: newDeploymentURLs(fal.ServiceURLs{}, nil),
		Inherited: Inherited(p.Before, app, reset), Phases: newDeploymentPhases(append([]fal.PhaseDuration{loaded(load)}, p.Phases...)),
		Plan: newDeploymentPlan(p),
	}
}

// FailedDeployment is what is known of a deployment that did not come to its
// end. What is empty is not known, or not there.
type FailedDeployment struct {
	App, Environment string
	// Revision is the new one, if it is registered: the app points to it, and
	// only its rollout, or what is told of it, failed. Previous is the one before.
	Revision, Previous string
	AuthMode           *fal.AuthMode
	Phases             []fal.PhaseDuration // that took place
	Err                error
}

// NewFailedDeployment says what came of one that did not come to its end.
func NewFailedDeployment(f FailedDeployment) Deployment {
	text := f.Err.Error()
	v := Deployment{
		Revision: f.Revision, AppName: f.App, Status: DeployFailed, EnvironmentName: f.Environment,
		URLs: newDeploymentURLs(fal.ServiceURLs{}, nil), Inherited: []InheritedSetting{}, Phases: newDeploymentPhases(f.Phases), Error: &text,
	}
	if f.Previous != "" {
		v.PreviousRevision = &f.Previous
	}
	if f.AuthMode != nil {
		v.AuthMode = f.AuthMode.String()
	}
	return v
}

// DeployLoad is the phase before those of the SDK: the app is made from its
// project.
const DeployLoad fal.DeployPhase = "load"

func newDeploymentPhases(phases []fal.PhaseDuration) []DeploymentPhase {
	shown := []DeploymentPhase{}
	for _, p := range phases {
		shown = append(shown, DeploymentPhase{Phase: string(p.Phase), Seconds: milli(p.Duration)})
	}
	return shown
}

func loaded(load time.Duration) fal.PhaseDuration {
	return fal.PhaseDuration{Phase: DeployLoad, Duration: load}
}

func newDeploymentURLs(u fal.ServiceURLs, endpoints []string) DeploymentURLs {
	each := func(url string) map[string]string {
		m := map[string]string{}
		for _, e := range endpoints {
			if url != "" {
				m[e] = url + e
			}
		}
		return m
	}
	return DeploymentURLs{Playground: each(u.Playground), Sync: each(u.Run), Async: each(u.Queue), WebSocket: each(u.WS), endpoints: endpoints}
}

func revisionOf(a *fal.AppInfo) *string {
	if a == nil {
		return nil
	}
	return &a.Revision
}

// milli is a length of time in seconds, to the millisecond.
func milli(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// URLChoice is which URLs people are shown.
type URLChoice int

// The choices, as of FAL_URL_OUTPUT.
const (
	AllURLs URLChoice = iota
	PlaygroundURLs
	NoURLs
)

// URLChoiceOf is the choice that the configuration names "all", "playground" or
// "none"; all for any other word.
func URLChoiceOf(word string) URLChoice {
	switch word {
	case "playground":
		return PlaygroundURLs
	case "none":
		return NoURLs
	}
	return AllURLs
}

// WriteText writes what came of a deployment for people.
func (v Deployment) WriteText(w io.Writer, p *output.Printer, urls URLChoice) error {
	heading := map[string]string{Deployed: "deployed ", RollingOut: "deploying "}[v.Status]
	if heading == "" {
		return nil // the error says it, or the plan
	}
	heading += v.AppName
	if environment := shownEnvironment(v.EnvironmentName); environment != "" {
		heading += " in " + environment
	}
	if v.Status == RollingOut {
		heading += ": its rollout goes on"
	}
	if _, err := fmt.Fprintln(w, p.Paint(iostreams.Bold, iostreams.SanitizeLine(heading))); err != nil {
		return err
	}
	fields := []output.Field{
		{Name: "  revision", Value: v.Revision},
		{Name: "  auth", Value: v.AuthMode + explained(v.AuthMode)},
	}
	add := func(name string, of map[string]string) {
		for _, e := range v.URLs.endpoints {
			if url := of[e]; url != "" {
				fields = append(fields, output.Field{Name: name, Value: url, Style: iostreams.Cyan})
			}
		}
	}
	if urls != NoURLs {
		add("  playground", v.URLs.Playground)
	}
	if urls == AllURLs {
		add("  sync", v.URLs.Sync)
		add("  async", v.URLs.Async)
		if v.LogURL != "" {
			fields = append(fields, output.Field{Name: "  log", Value: v.LogURL, Style: iostreams.Cyan})
		}
	}
	return p.Fields(w, fields...)
}

// explained says who may call an app.
func explained(authMode string) string {
	switch authMode {
	case fal.AuthPublic.String():
		return ", anybody may call it"
	case fal.AuthPrivate.String():
		return ", only its account may call it"
	case fal.AuthShared.String():
		return ", anybody with an account may call it"
	}
	return ""
}

// InheritedNote says which settings are as before and not as in the code; empty
// when all are.
func (v Deployment) InheritedNote() string {
	if len(v.Inherited) == 0 {
		return ""
	}
	parts := make([]string, len(v.Inherited))
	for i, s := range v.Inherited {
		value, code := s.texts()
		parts[i] = s.Setting + " " + value + " (code: " + code + ")"
	}
	return "kept from before: " + strings.Join(parts, ", ") + "; --reset-scale takes them from the code"
}

// AuthNote says that who may call the app is as before, where the code says
// nothing of it and the app is not private; empty otherwise.
func (v Deployment) AuthNote() string {
	if !v.authKept {
		return ""
	}
	return "kept from before: auth " + v.AuthMode + ", of which the code says nothing"
}

// Deployments is how deployments of several apps are shown as records.
func Deployments() output.View[Deployment] {
	return output.View[Deployment]{
		Key: "deployments",
		Name: func(v Deployment) string {
			if v.Status == DeployFailed {
				return ""
			}
			return v.AppName
		},
		Columns: []output.Column[Deployment]{
			{Header: "APP", Key: "app_name", Text: func(v Deployment) string { return v.AppName }},
			{Header: "STATUS", Text: func(v Deployment) string { return v.Status }},
			{Header: "AUTH", Rank: 1, Text: func(v Deployment) string { return cmp.Or(v.AuthMode, "-") }},
			{Header: "REVISION", Text: func(v Deployment) string { return cmp.Or(v.Revision, "-") }, Raw: func(v Deployment) string { return v.Revision }},
			{Header: "ERROR", Wide: true, Text: func(v Deployment) string { return orEmpty(v.Error) }},
		},
		Empty: "no apps",
	}
}
