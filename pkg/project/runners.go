package project

import (
	"math"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
)

// The values that some keys may have.
func regions() []string {
	return []string{"us-west", "us-central", "us-east", "eu-north", "eu-west"}
}

func retryConditions() []string  { return []string{"timeout", "server_error", "connection_error"} }
func healthCheckVerbs() []string { return []string{"GET", "POST"} }

// readMachine reads where the app's runners are.
func (s *settings) readMachine(t *table) {
	machine, machines := t.textOrTexts("machine_type")
	if machine != nil {
		machines = []string{*machine}
	}
	if list, ok := t.values["machine_type"].([]any); ok && len(list) == 0 {
		t.wrong([]string{"machine_type"}, "must not be empty")
	}
	if slices.Contains(machines, "") {
		t.wrong([]string{"machine_type"}, "there is an empty name in it")
	}
	s.app.MachineTypes = machines
	s.app.NumGPUs = t.count("num_gpus")
	s.app.Regions = t.words("regions", regions())
	s.app.ExposedPort, s.app.MetricsPort = t.port("exposed_port"), t.port("metrics_port")
	s.app.Scheduler = t.text("_scheduler")
	s.app.SchedulerOptions = t.object("_scheduler_options")
}

func (s *settings) readScaling(t *table) {
	a := &s.app
	a.KeepAlive = t.seconds("keep_alive")
	a.MinConcurrency, a.MaxConcurrency = t.count("min_concurrency"), t.count("max_concurrency")
	a.ConcurrencyBuffer, a.ConcurrencyBufferPerc = t.count("concurrency_buffer"), t.count("concurrency_buffer_perc")
	a.ScalingDelay = t.seconds("scaling_delay")
	a.MaxMultiplexing = t.count("max_multiplexing")
	a.RequestTimeout, a.StartupTimeout = t.seconds("request_timeout"), t.seconds("startup_timeout")
	a.TerminationGracePeriod = t.seconds("termination_grace_period_seconds")
	s.doubtScaling(t)
}

// doubtScaling says which numbers leave an app without runners or requests. A
// service may take them all the same.
func (s *settings) doubtScaling(t *table) {
	a := &s.app
	doubt := func(key, format string, args ...any) {
		s.notices = append(s.notices, t.doubt([]string{key}, format, args...))
	}
	if a.MaxMultiplexing != nil && *a.MaxMultiplexing == 0 {
		doubt("max_multiplexing", "with 0 a runner takes no request; 1 is the least that does")
	}
	switch {
	case a.MaxConcurrency == nil:
	case *a.MaxConcurrency == 0:
		doubt("max_concurrency", "with 0 there is never a runner; 1 is the least that has one")
	case a.MinConcurrency != nil && *a.MinConcurrency > *a.MaxConcurrency:
		doubt("min_concurrency", "%d is more than max_concurrency, which is %d", *a.MinConcurrency, *a.MaxConcurrency)
	}
}

// readRequests reads how the service treats runners and requests.
func (s *settings) readRequests(t *table) {
	for _, word := range t.words("skip_retry_conditions", retryConditions()) {
		if condition, err := fal.ParseRetryCondition(word); err == nil {
			s.app.SkipRetryConditions = append(s.app.SkipRetryConditions, condition)
		}
	}
	if below := t.table("retry_config"); below != nil {
		s.app.Retries = readRetries(below)
	}
	if below := t.table("health_check"); below != nil {
		s.app.HealthCheck = readHealthCheck(below)
	}
}

func readRetries(t *table) map[fal.RetryCondition]int {
	retries := map[fal.RetryCondition]int{}
	if len(t.values) == 0 {
		t.wrong(nil, "must have one of %s", strings.Join(retryConditions(), ", "))
	}
	for _, word := range retryConditions() {
		below := t.table(word)
		if below == nil {
			continue
		}
		value, ok := below.get("retries")
		n, isNumber := value.(int64)
		switch {
		case !ok:
			below.wrong(nil, "there is no retries in it")
		case !isNumber:
			below.mistyped([]string{"retries"}, "a whole number", value)
		case n > math.MaxInt32:
			below.wrong([]string{"retries"}, "must be at most %d, not %d", math.MaxInt32, n)
		default:
			if condition, err := fal.ParseRetryCondition(word); err == nil {
				retries[condition] = int(max(n, 0))
			}
		}
		below.finish()
	}
	t.finish()
	return retries
}

func readHealthCheck(t *table) *fal.HealthCheck {
	h := &fal.HealthCheck{
		StartPeriod:      t.seconds("start_period_seconds"),
		Timeout:          t.seconds("timeout_seconds"),
		FailureThreshold: t.count("failure_threshold"),
		CallRegularly:    t.flag("call_regularly"),
	}
	if path := t.text("path"); path != nil {
		h.Path = *path
	} else if !t.has("path") {
		t.wrong(nil, "there is no path in it")
	}
	if verb := t.text("method"); verb != nil {
		h.Method = strings.ToUpper(*verb)
		t.oneOf([]string{"method"}, h.Method, healthCheckVerbs())
	}
	t.finish()
	return h
}
