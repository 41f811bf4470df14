package fal

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// The service's defaults for what is not sent, as far as [AppInfo] tells them.
const (
	serviceMaxConcurrency  = 2
	serviceMaxMultiplexing = 1
	serviceRequestTimeout  = time.Hour
	serviceStartupTimeout  = 10 * time.Minute
)

// PlanDeploy says what [Client.Deploy] would do with the same parameters. It
// reads the files, and asks the service which of them it lacks and what the app
// is now; it changes nothing. Errors are as those of Deploy.
func (c *Client) PlanDeploy(ctx context.Context, app App, params *DeployParams) (*DeployPlan, error) {
	d, err := c.deployer(app, params)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(ctx); err != nil {
		return nil, err
	}
	for _, s := range d.sources {
		d.require(s, s.name)
	}
	plan := &DeployPlan{Before: d.before, After: d.after()}
	build, err := d.request.build()
	if err == nil {
		plan.Build, err = d.shown(build)
	}
	if err != nil {
		return nil, &DeployError{Err: err}
	}
	register, err := d.request.register(nil)
	if err == nil {
		plan.Register, err = d.shown(register)
	}
	if err != nil {
		return nil, &DeployError{Err: err}
	}
	_, plan.Bytes = d.goingUp()
	plan.Files, plan.Phases = d.planned(), d.report.phases
	return plan, nil
}

// planned are the files and distributions of the app. What goes up is told once.
func (d *deployer) planned() (files []PlannedFile) {
	missing := make(map[*appFile]bool, len(d.missing))
	for _, file := range d.missing {
		missing[file] = true
	}
	for _, file := range d.files {
		files = append(files, PlannedFile{Path: file.name, Hash: file.hash, Size: file.size, Missing: missing[file]})
	}
	for _, source := range d.sources {
		files = append(files, PlannedFile{Path: source.name, Hash: source.digest, Size: source.size, Missing: true, Source: true})
	}
	return files
}

// shown is a request as people may see it.
func (d *deployer) shown(request proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(request)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	environments, _ := fields["environments"].([]any)
	for _, environment := range environments {
		if environment, ok := environment.(map[string]any); ok {
			configuration, _ := environment["configuration"].(map[string]any)
			environment["configuration"] = withoutSecrets(configuration, transport.Redacted)
		}
	}
	if function, ok := fields["function"].(map[string]any); ok {
		function["definition"] = fmt.Sprintf("<%d bytes>", len(d.app.Function.Definition))
	}
	code, hasCode := fields["source_code"].(string)
	redacted, _ := d.redact(fields).(map[string]any)
	if hasCode {
		redacted["source_code"] = withoutUserinfo(d.conceal.text(code))
	}
	return json.Marshal(redacted)
}

// redact takes the secrets of the build, and what stands in URLs for them, out of
// every text in value. A short secret is a part of other words: it is taken out
// of the code alone.
func (d *deployer) redact(value any) any {
	switch value := value.(type) {
	case string:
		for _, c := range d.conceal {
			if !c.whole {
				value = c.text(value)
			}
		}
		return withoutUserinfo(value)
	case []any:
		for i := range value {
			value[i] = d.redact(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = d.redact(value[key])
		}
	}
	return value
}

// withoutUserinfo takes names and passwords out of the URLs in text. The name
// git, by which hosts of repositories are reached, is none.
func withoutUserinfo(text string) string {
	urls := regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)([^\s/?#"'<>]*)@`)
	return urls.ReplaceAllStringFunc(text, func(match string) string {
		parts := urls.FindStringSubmatch(match)
		if parts[2] == "git" {
			return match
		}
		return parts[1] + transport.Redacted + "@"
	})
}

// after is the app as it would be. An app that exists keeps its own scaling
// settings; what comes from the code does so on every deploy.
func (d *deployer) after() AppInfo {
	app := AppInfo{
		Alias:       d.request.alias(),
		AuthMode:    d.authMode(),
		Environment: trimMain(d.client.environment),
		AppSettings: AppSettings{
			KeepAlive:             given(d.app.KeepAlive, defaultKeepAlive*time.Second),
			MinConcurrency:        given(d.app.MinConcurrency, 0),
			MaxConcurrency:        given(d.app.MaxConcurrency, serviceMaxConcurrency),
			MaxMultiplexing:       given(d.app.MaxMultiplexing, serviceMaxMultiplexing),
			ConcurrencyBuffer:     given(d.app.ConcurrencyBuffer, 0),
			ConcurrencyBufferPerc: given(d.app.ConcurrencyBufferPerc, 0),
			ScalingDelay:          given(d.app.ScalingDelay, 0),
			RequestTimeout:        given(d.app.RequestTimeout, serviceRequestTimeout),
			StartupTimeout:        given(d.app.StartupTimeout, serviceStartupTimeout),
			MachineTypes:          slices.Clone(d.app.MachineTypes),
			Regions:               slices.Clone(d.app.Regions),
		},
	}
	if len(app.MachineTypes) == 0 {
		app.MachineTypes = []string{defaultMachineType}
	}
	if d.before != nil {
		app.ActiveRunners = d.before.ActiveRunners
	}
	if d.before == nil || d.params.ResetScale {
		return app
	}
	app.KeepAlive = d.before.KeepAlive
	app.MinConcurrency, app.MaxConcurrency = d.before.MinConcurrency, d.before.MaxConcurrency
	app.ConcurrencyBuffer, app.ConcurrencyBufferPerc = d.before.ConcurrencyBuffer, d.before.ConcurrencyBufferPerc
	app.ScalingDelay, app.RequestTimeout = d.before.ScalingDelay, d.before.RequestTimeout
	app.Regions = slices.Clone(d.before.Regions)
	return app
}

// trimMain is an environment as the service names it in its answers.
func trimMain(environment string) string {
	if environment == defaultEnvironment {
		return ""
	}
	return environment
}

func given[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}
