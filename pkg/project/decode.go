package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// decodeApp makes an app of the requests that the fal package made. What an app
// cannot carry is an error: nothing of the requests is lost. Names, strategy
// and the like, which every deployment chooses anew, are left out. tree are the
// app's files, nil for none.
func decodeApp(said *answer) (app fal.App, tree *chosen, err error) {
	var register controllerpb.RegisterApplicationRequest
	var build controllerpb.BuildEnvironmentRequest
	for _, message := range []struct {
		bytes []byte
		into  proto.Message
	}{{said.Register, &register}, {said.Build, &build}} {
		if err := proto.Unmarshal(message.bytes, message.into); err != nil {
			return fal.App{}, nil, err
		}
		if err := refuseUnknown(message.into.ProtoReflect()); err != nil {
			return fal.App{}, nil, err
		}
	}
	d := decoder{request: &register}
	app = d.app()
	for _, environment := range build.GetEnvironments() {
		if environment.GetForce() {
			d.refuse("force (use --no-cache instead)")
		}
	}
	files := make(map[string]string, len(said.Files))
	from := make(map[string]string, len(said.Files))
	for _, file := range said.Files {
		from[file.Hash] = file.From
	}
	for _, file := range register.GetFiles() {
		path, ok := from[file.GetHash()]
		if !ok {
			d.refuse("a file that it did not read: " + file.GetRelativePath())
			continue
		}
		files[file.GetRelativePath()] = path
	}
	if len(d.refused) > 0 {
		return fal.App{}, nil, fmt.Errorf("it has %s", strings.Join(d.refused, ", "))
	}
	if len(files) > 0 {
		tree, err = newContext("", files)
	}
	return app, tree, err
}

// refuseUnknown refuses fields that our messages do not have.
func refuseUnknown(m protoreflect.Message) (err error) {
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		return fmt.Errorf("%s has fields that are not known here", m.Descriptor().Name())
	}
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil || field.IsMap():
		case field.IsList():
			for i := range value.List().Len() {
				err = errors.Join(err, refuseUnknown(value.List().Get(i).Message()))
			}
		default:
			err = errors.Join(err, refuseUnknown(value.Message()))
		}
		return err == nil
	})
	return err
}

type decoder struct {
	request *controllerpb.RegisterApplicationRequest
	refused []string
}

func (d *decoder) refuse(what string) { d.refused = append(d.refused, what) }

func (d *decoder) app() fal.App {
	r := d.request
	app := fal.App{
		Name:                   r.GetApplicationName(),
		Build:                  d.build(),
		Entrypoint:             strings.TrimSuffix(r.GetEntrypoint(), ".run_local"),
		DataMounts:             r.GetDataMounts(),
		TerminationGracePeriod: seconds(r.TerminationGracePeriodSeconds),
		HealthCheck:            healthCheck(r.GetHealthCheckConfig()),
		Retries:                d.retries(),
		PrivateLogs:            r.PrivateLogs,
		RunOnMainThread:        r.RunOnMainThread,
		SourceCode:             r.SourceCode,
		OpenAPI:                d.openAPI(),
	}
	if r.AuthMode != nil {
		mode := fal.AuthMode(r.GetAuthMode())
		app.AuthMode = &mode
	}
	if f := r.GetFunction(); f != nil {
		app.Function = &fal.SerializedObject{Method: f.GetMethod(), Definition: f.GetDefinition()}
		if f.GetWasItRaised() || f.StringizedTraceback != nil {
			d.refuse("a function that was raised")
		}
	}
	if r.Secrets != nil {
		app.Secrets = append([]string{}, r.GetSecrets().GetNames()...)
	}
	for _, condition := range r.GetSkipRetryConditions() {
		app.SkipRetryConditions = append(app.SkipRetryConditions, fal.RetryCondition(condition))
	}
	d.machine(&app)
	message := r.ProtoReflect()
	for _, name := range []protoreflect.Name{"setup_func", "max_concurrency", "health_check_path", "fetch_openapi", "env_id"} {
		if message.Has(message.Descriptor().Fields().ByName(name)) {
			d.refuse(string(name))
		}
	}
	return app
}

func (d *decoder) build() fal.Build {
	environments := d.request.GetEnvironments()
	if len(environments) != 1 {
		d.refuse(fmt.Sprintf("%d environments", len(environments)))
		return nil
	}
	return fal.Definition{Kind: environments[0].GetKind(), Configuration: environments[0].GetConfiguration().AsMap()}
}

func (d *decoder) machine(app *fal.App) {
	m := d.request.GetMachineRequirements()
	app.MachineTypes = m.GetMachineTypes()
	app.NumGPUs = number(m.NumGpus)
	app.Regions = m.GetValidRegions()
	app.KeepAlive = seconds(m.KeepAlive)
	app.MinConcurrency, app.MaxConcurrency = number(m.MinConcurrency), number(m.MaxConcurrency)
	app.ConcurrencyBuffer, app.ConcurrencyBufferPerc = number(m.ConcurrencyBuffer), number(m.ConcurrencyBufferPerc)
	app.ScalingDelay = seconds(m.ScalingDelaySeconds)
	app.MaxMultiplexing = number(m.MaxMultiplexing)
	app.RequestTimeout, app.StartupTimeout = seconds(m.RequestTimeout), seconds(m.StartupTimeout)
	app.ExposedPort, app.MetricsPort = number(m.ExposedPort), number(m.MetricsPort)
	app.BaseImage, app.Scheduler = m.BaseImage, m.Scheduler
	if m.GetSchedulerOptions() != nil {
		app.SchedulerOptions = m.GetSchedulerOptions().AsMap()
	}
}

func (d *decoder) openAPI() map[string]any {
	var openAPI map[string]any
	for key, value := range d.request.GetMetadata().AsMap() {
		described, ok := value.(map[string]any)
		if key != "openapi" || !ok {
			d.refuse("metadata." + key)
			continue
		}
		openAPI = described
	}
	return openAPI
}

func (d *decoder) retries() map[fal.RetryCondition]int {
	if d.request.RetryConfig == nil {
		return nil
	}
	var config map[string]map[string]int
	if err := json.Unmarshal([]byte(d.request.GetRetryConfig()), &config); err != nil {
		d.refuse("a retry_config that is not known here")
		return nil
	}
	retries := make(map[fal.RetryCondition]int, len(config))
	for name, entry := range config {
		condition, err := fal.ParseRetryCondition(name)
		count, ok := entry["retries"]
		if err != nil || !ok || len(entry) != 1 {
			d.refuse("retry_config." + name)
			continue
		}
		retries[condition] = count
	}
	return retries
}

func healthCheck(c *controllerpb.ApplicationHealthCheckConfig) *fal.HealthCheck {
	if c == nil {
		return nil
	}
	check := &fal.HealthCheck{
		Path:             c.GetPath(),
		StartPeriod:      seconds(c.StartPeriodSeconds),
		Timeout:          seconds(c.TimeoutSeconds),
		FailureThreshold: number(c.FailureThreshold),
		CallRegularly:    c.CallRegularly,
		AllowOnBusy:      c.AllowOnBusy,
	}
	if c.Method != nil {
		check.Method = c.GetMethod().String()
	}
	return check
}

func number(n *int32) *int {
	if n == nil {
		return nil
	}
	wide := int(*n)
	return &wide
}

func seconds(n *int32) *time.Duration {
	if n == nil {
		return nil
	}
	d := time.Duration(*n) * time.Second
	return &d
}
