package fal

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// The defaults of the official client, which it sends.
const (
	defaultMachineType = "XS"
	defaultKeepAlive   = 10 // seconds
	defaultPort        = 8080
	defaultMetricsPort = 9090
)

const (
	longestMessage     = 2048 // characters
	mostAnnotations    = 32
	longestAnnotation  = 64    // characters of a key
	annotationsAtMost  = 16384 // bytes as JSON
	serveEntrypoint    = ".run_local"
	metadataEntrypoint = ".build_metadata"
)

// A deployRequest makes the messages of a deployment. Files and the rewritten
// requirements are put in when they are known.
type deployRequest struct {
	app         *App
	params      *DeployParams
	environment string

	files        []*controllerpb.File
	requirements map[string]string // by those that are folders
}

// imageOnly: the app is the image's own command.
func (r *deployRequest) imageOnly() bool { return r.app.Entrypoint == "" && r.app.Function == nil }

// build is the message that has the environment made.
func (r *deployRequest) build() (*controllerpb.BuildEnvironmentRequest, error) {
	a := arguments{method: "BuildEnvironment"}
	machines := r.machines(&a)
	request := &controllerpb.BuildEnvironmentRequest{
		Environments: r.definitions(&a, r.params.NoCache),
		MachineRequirements: preferring(&controllerpb.MachineRequirements{
			MachineTypes:     machines,
			NumGpus:          a.number("the number of GPUs", r.app.NumGPUs),
			BaseImage:        a.optional("the base image", r.app.BaseImage),
			Scheduler:        a.optional("the scheduler", r.app.Scheduler),
			SchedulerOptions: a.object("the scheduler's options", r.app.SchedulerOptions),
			ValidRegions:     a.several("regions", r.app.Regions),
		}),
		Files:           r.files,
		EnvironmentName: a.environment(r.environment),
		ApplicationName: r.name(&a),
		Secrets:         r.secrets(&a),
	}
	return request, a.err
}

// describe is the message that runs what describes the class. It has the app's
// own auth mode, where the official client lets everybody call it.
func (r *deployRequest) describe() (*controllerpb.HostedRun, error) {
	a := arguments{method: "Run"}
	private := AuthPrivate
	mode := r.app.AuthMode
	if mode == nil {
		mode = &private
	}
	separately := false
	request := &controllerpb.HostedRun{
		Environments:        r.definitions(&a, false),
		MachineRequirements: r.requirementsOf(&a),
		Callable:            &controllerpb.HostedRun_Entrypoint{Entrypoint: r.app.Entrypoint + metadataEntrypoint},
		Files:               r.files,
		EnvironmentName:     a.environment(r.environment),
		ApplicationName:     r.name(&a),
		AuthMode:            controllerpb.ApplicationAuthMode(*mode).Enum(),
		DataMounts:          a.several("data mounts", r.app.DataMounts),
		Secrets:             r.secrets(&a),
		BuildEnvironment:    &separately,
		HealthCheckConfig:   r.healthCheck(&a),
	}
	return request, a.err
}

// register is the message that makes the revision. The description is what the
// class said of itself, nil if it was not asked.
func (r *deployRequest) register(description map[string]any) (*controllerpb.RegisterApplicationRequest, error) {
	a := arguments{method: "RegisterApplication"}
	separately, scale := false, r.params.ResetScale
	request := &controllerpb.RegisterApplicationRequest{
		Environments:                  r.definitions(&a, false),
		MachineRequirements:           r.requirementsOf(&a),
		ApplicationName:               r.name(&a),
		Metadata:                      r.metadata(&a, description),
		DeploymentStrategy:            r.strategy(&a).Enum(),
		Scale:                         &scale,
		PrivateLogs:                   r.app.PrivateLogs,
		Files:                         r.files,
		SourceCode:                    a.optional("the source code", r.app.SourceCode),
		EnvironmentName:               a.environment(r.environment),
		HealthCheckConfig:             r.healthCheck(&a),
		TerminationGracePeriodSeconds: a.notNegative("the termination grace period", a.seconds("the termination grace period", r.app.TerminationGracePeriod)),
		DataMounts:                    a.several("data mounts", r.app.DataMounts),
		Secrets:                       r.secrets(&a),
		RunOnMainThread:               r.app.RunOnMainThread,
		BuildEnvironment:              &separately,
		RetryConfig:                   r.retries(&a),
		AttachToDeployment:            r.params.Attach,
	}
	if r.app.AuthMode != nil {
		request.AuthMode = controllerpb.ApplicationAuthMode(*r.app.AuthMode).Enum()
	}
	for _, condition := range r.app.SkipRetryConditions {
		request.SkipRetryConditions = append(request.SkipRetryConditions, controllerpb.RetryCondition(condition))
	}
	switch {
	case r.app.Entrypoint != "" && r.app.Function != nil:
		a.refuse("the app has an entry point and a function: only one of both may be given")
	case r.app.Entrypoint != "":
		if module, symbol, ok := strings.Cut(r.app.Entrypoint, ":"); !ok || module == "" || symbol == "" || strings.Contains(symbol, ":") {
			a.refuse("the entry point %q is not of the form module:Symbol", r.app.Entrypoint)
		}
		request.Callable = &controllerpb.RegisterApplicationRequest_Entrypoint{Entrypoint: a.text("the entry point", r.app.Entrypoint) + serveEntrypoint}
	case r.app.Function != nil:
		request.Callable = &controllerpb.RegisterApplicationRequest_Function{Function: &controllerpb.SerializedObject{
			Method: a.required("the function's method of serialization", r.app.Function.Method), Definition: r.app.Function.Definition,
		}}
	}
	return request, a.err
}

// check refuses what cannot be deployed before anything is sent.
func (r *deployRequest) check() error {
	if _, err := r.build(); err != nil {
		return err
	}
	if _, err := r.describe(); err != nil {
		return err
	}
	_, err := r.register(nil)
	return err
}

func (r *deployRequest) alias() string {
	var a arguments
	return a.alias(r.app.Name, r.environment)
}

func (r *deployRequest) name(a *arguments) *string {
	alias := a.alias(r.app.Name, r.environment)
	return &alias
}

func (r *deployRequest) machines(a *arguments) []string {
	if len(r.app.MachineTypes) == 0 {
		return []string{defaultMachineType}
	}
	return a.texts("machine types", slices.Clone(r.app.MachineTypes))
}

// requirementsOf are those of the runners.
func (r *deployRequest) requirementsOf(a *arguments) *controllerpb.MachineRequirements {
	machines := r.machines(a)
	keepAlive := a.notNegative("keep alive", a.seconds("keep alive", r.app.KeepAlive))
	if keepAlive == nil {
		keepAlive = new(int32)
		*keepAlive = defaultKeepAlive
	}
	exposed, metrics := a.port("the exposed port", r.app.ExposedPort), a.port("the metrics port", r.app.MetricsPort)
	if r.app.Entrypoint != "" {
		if exposed == nil {
			exposed = new(int32)
			*exposed = defaultPort
		}
		if metrics == nil {
			metrics = new(int32)
			*metrics = defaultMetricsPort
		}
	}
	return preferring(&controllerpb.MachineRequirements{
		MachineTypes:          machines,
		NumGpus:               a.notNegative("the number of GPUs", a.number("the number of GPUs", r.app.NumGPUs)),
		KeepAlive:             keepAlive,
		BaseImage:             a.optional("the base image", r.app.BaseImage),
		ExposedPort:           exposed,
		MetricsPort:           metrics,
		Scheduler:             a.optional("the scheduler", r.app.Scheduler),
		SchedulerOptions:      a.object("the scheduler's options", r.app.SchedulerOptions),
		MaxMultiplexing:       a.notNegative("max multiplexing", a.number("max multiplexing", r.app.MaxMultiplexing)),
		MaxConcurrency:        a.notNegative("max concurrency", a.number("max concurrency", r.app.MaxConcurrency)),
		MinConcurrency:        a.notNegative("min concurrency", a.number("min concurrency", r.app.MinConcurrency)),
		ConcurrencyBuffer:     a.notNegative("concurrency buffer", a.number("concurrency buffer", r.app.ConcurrencyBuffer)),
		ConcurrencyBufferPerc: a.notNegative("concurrency buffer perc", a.number("concurrency buffer perc", r.app.ConcurrencyBufferPerc)),
		ScalingDelaySeconds:   a.notNegative("scaling delay", a.seconds("scaling delay", r.app.ScalingDelay)),
		RequestTimeout:        a.notNegative("request timeout", a.seconds("request timeout", r.app.RequestTimeout)),
		StartupTimeout:        a.notNegative("startup timeout", a.seconds("startup timeout", r.app.StartupTimeout)),
		ValidRegions:          a.several("regions", r.app.Regions),
	})
}

// preferring says the first machine type once more, as the official client does.
func preferring(m *controllerpb.MachineRequirements) *controllerpb.MachineRequirements {
	//lint:ignore SA1019 an older control plane looks at nothing else
	m.MachineType = &m.MachineTypes[0]
	return m
}

// secrets: no names and no list are not the same.
func (r *deployRequest) secrets(a *arguments) *controllerpb.SecretsConfig {
	if r.app.Secrets == nil {
		return nil
	}
	return &controllerpb.SecretsConfig{Names: a.several("secrets' names", r.app.Secrets)}
}

func (r *deployRequest) healthCheck(a *arguments) *controllerpb.ApplicationHealthCheckConfig {
	check := r.app.HealthCheck
	if check == nil {
		return nil
	}
	out := &controllerpb.ApplicationHealthCheckConfig{
		Path:               a.required("the health check's path", check.Path),
		StartPeriodSeconds: a.notNegative("the health check's start period", a.seconds("the health check's start period", check.StartPeriod)),
		TimeoutSeconds:     a.notNegative("the health check's timeout", a.seconds("the health check's timeout", check.Timeout)),
		FailureThreshold:   a.notNegative("the health check's failure threshold", a.number("the health check's failure threshold", check.FailureThreshold)),
		CallRegularly:      check.CallRegularly,
		AllowOnBusy:        check.AllowOnBusy,
	}
	method := check.Method
	if method == "" && r.imageOnly() {
		method = "GET"
	}
	switch method {
	case "":
	case "GET":
		out.Method = controllerpb.ApplicationHealthCheckConfig_GET.Enum()
	case "POST":
		out.Method = controllerpb.ApplicationHealthCheckConfig_POST.Enum()
	default:
		a.refuse("the health check's method %q is neither GET nor POST", method)
	}
	return out
}

// retries are written as the official client does, byte for byte.
func (r *deployRequest) retries(a *arguments) *string {
	if len(r.app.Retries) == 0 {
		return nil
	}
	byName := make(map[string]int, len(r.app.Retries))
	for condition, n := range r.app.Retries {
		if n < 0 {
			a.refuse("%d retries after %s: want 0 or more", n, condition)
		}
		byName[condition.String()] = n
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		parts = append(parts, fmt.Sprintf(`"%s": {"retries": %d}`, name, byName[name]))
	}
	text := "{" + strings.Join(parts, ", ") + "}"
	return &text
}

func (r *deployRequest) strategy(a *arguments) controllerpb.DeploymentStrategy {
	strategy := StrategyRolling
	if r.params.Strategy != nil {
		strategy = *r.params.Strategy
	}
	if r.params.Attach != nil && strategy != StrategyRolling {
		a.refuse("only a rolling deployment can be attached to or detached from, and this one is %s", strategy)
	}
	return controllerpb.DeploymentStrategy(strategy)
}

// metadata are absent when they are empty.
func (r *deployRequest) metadata(a *arguments, description map[string]any) *structpb.Struct {
	all := maps.Clone(description)
	if all == nil {
		all = map[string]any{}
	}
	if r.app.OpenAPI != nil {
		all["openapi"] = r.app.OpenAPI
	}
	if message := r.params.Message; message != nil {
		if n := utf8.RuneCountInString(*message); n > longestMessage {
			a.refuse("the message has %d characters: want %d at most", n, longestMessage)
		}
		all["message"] = a.text("the message", *message)
	}
	if len(r.params.Annotations) > 0 {
		a.annotations(r.params.Annotations)
		all["annotations"] = texts(r.params.Annotations)
	}
	if len(all) == 0 {
		return nil
	}
	return a.object("the app's metadata", all)
}

func (a *arguments) annotations(annotations map[string]string) {
	if n := len(annotations); n > mostAnnotations {
		a.refuse("%d annotations: want %d at most", n, mostAnnotations)
	}
	size := len("{}") + len(", ")*(len(annotations)-1)
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		switch n := utf8.RuneCountInString(key); {
		case n == 0:
			a.refuse("an annotation's key is empty")
		case n > longestAnnotation:
			a.refuse("the annotation's key %.20q… has %d characters: want %d at most", key, n, longestAnnotation)
		}
		switch key {
		case "openapi", "message", "annotations":
			a.refuse("an annotation cannot be called %q: that is taken", key)
		}
		size += len(jsonText(a.text("an annotation's key", key))) + len(": ") + len(jsonText(a.text("an annotation", annotations[key])))
	}
	if size > annotationsAtMost {
		a.refuse("the annotations have %d bytes as JSON: want %d at most", size, annotationsAtMost)
	}
}

// jsonText is a text as JSON, with as few escapes as it takes.
func jsonText(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// definitions is the app's environment, with what was uploaded in the place of
// requirements that are folders.
func (r *deployRequest) definitions(a *arguments, force bool) []*controllerpb.EnvironmentDefinition {
	kind, configuration, err := r.configuration()
	if err != nil {
		a.refuse("%v", err)
		return nil
	}
	return []*controllerpb.EnvironmentDefinition{{Kind: kind, Configuration: a.object("the environment", configuration), Force: force}}
}

func (r *deployRequest) configuration() (kind string, configuration map[string]any, err error) {
	if r.app.Build == nil {
		return "", nil, fmt.Errorf("the app has no environment")
	}
	kind, configuration, err = r.app.Build.definition(r.imageOnly())
	if err != nil {
		return "", nil, err
	}
	if kind != "container" && r.imageOnly() {
		return "", nil, fmt.Errorf("the app has neither an entry point nor a function, and no image that has a command of its own")
	}
	configuration = plain(configuration).(map[string]any)
	list, _ := configuration["requirements"].([]any)
	for _, s := range r.app.Sources {
		if !requires(list, strings.TrimSpace(s.Requirement)) {
			return "", nil, fmt.Errorf("there is a source distribution of %q, and no such requirement", s.Requirement)
		}
	}
	if len(r.requirements) > 0 {
		configuration["requirements"] = r.rewritten(list)
	}
	return kind, configuration, nil
}

func requires(list []any, requirement string) bool {
	return slices.ContainsFunc(list, func(item any) bool {
		switch item := item.(type) {
		case string:
			return strings.TrimSpace(item) == requirement
		case []any:
			return requires(item, requirement)
		}
		return false
	})
}

func (r *deployRequest) rewritten(list []any) []any {
	out := make([]any, len(list))
	for i, item := range list {
		switch item := item.(type) {
		case string:
			out[i] = item
			if uploaded, ok := r.requirements[strings.TrimSpace(item)]; ok {
				out[i] = uploaded
			}
		case []any:
			out[i] = r.rewritten(item)
		default:
			out[i] = item
		}
	}
	return out
}
