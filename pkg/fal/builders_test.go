package fal

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A builder makes a request of parameters. Its required arguments are not
// empty, and its client has an environment.
type builder struct {
	params any // a pointer to empty parameters
	build  func(params any) (proto.Message, error)
	always []string          // wire fields of every request
	wire   map[string]string // parameter → wire field
	client []string          // parameters that work on the answer
}

func builders() map[string]builder {
	const app, id, env = "checkout", "the-id", "staging"
	none := func(request proto.Message, err error) func(any) (proto.Message, error) {
		return func(any) (proto.Message, error) { return request, err }
	}
	return map[string]builder{
		"List": {
			params: &AppsListParams{}, client: []string{"Filter"},
			build:  none(listAliasesRequest(env)),
			always: []string{"environment_name"},
		},
		"Runners": {
			params: &AppsRunnersParams{}, client: []string{"States"},
			build: func(p any) (proto.Message, error) {
				return listAliasRunnersRequest(app, env, p.(*AppsRunnersParams))
			},
			always: []string{"alias", "environment_name", "list_pending"},
			wire:   map[string]string{"Since": "start_time"},
		},
		"Scale": {
			params: &AppsScaleParams{},
			build: func(p any) (proto.Message, error) {
				return updateApplicationRequest(app, env, p.(*AppsScaleParams))
			},
			always: []string{"application_name", "environment_name"},
			wire: map[string]string{
				"KeepAlive": "keep_alive", "MaxMultiplexing": "max_multiplexing", "MaxConcurrency": "max_concurrency",
				"MinConcurrency": "min_concurrency", "ConcurrencyBuffer": "concurrency_buffer",
				"ConcurrencyBufferPerc": "concurrency_buffer_perc", "ScalingDelay": "scaling_delay_seconds",
				"RequestTimeout": "request_timeout", "StartupTimeout": "startup_timeout",
				"MachineTypes": "machine_types", "Regions": "valid_regions",
			},
		},
		"Rollout": {
			params: &AppsRolloutParams{},
			build: func(p any) (proto.Message, error) {
				return rolloutApplicationRequest(app, env, p.(*AppsRolloutParams))
			},
			always: []string{"application_name", "environment_name", "force"},
			wire:   map[string]string{"Force": "force"},
		},
		"SetRevision": {
			params: &AppsSetRevisionParams{},
			build: func(p any) (proto.Message, error) {
				return setAliasRequest(app, id, env, p.(*AppsSetRevisionParams))
			},
			always: []string{"alias", "revision", "environment_name"},
			wire:   map[string]string{"AuthMode": "auth_mode", "Strategy": "deployment_strategy"},
		},
		"Delete": {
			params: &AppsDeleteParams{},
			build:  none(deleteAliasRequest(app, env)),
			always: []string{"alias", "environment_name"},
		},
		"Revisions": {
			params: &AppsRevisionsParams{},
			build: func(p any) (proto.Message, error) {
				return listApplicationsRequest(env, p.(*AppsRevisionsParams))
			},
			always: []string{"environment_name"},
			wire:   map[string]string{"App": "application_name"},
		},
		"DeleteRevision": {
			params: &AppsDeleteRevisionParams{},
			build:  none(deleteApplicationRequest(id)),
			always: []string{"application_id"},
		},
		"Create key": {
			params: &KeysCreateParams{},
			build: func(p any) (proto.Message, error) {
				return createUserKeyRequest(KeyScopeAPI, p.(*KeysCreateParams))
			},
			always: []string{"scope"},
			wire:   map[string]string{"Description": "alias"},
		},
		"Revoke": {
			params: &KeysRevokeParams{},
			build:  none(revokeUserKeyRequest(id)),
			always: []string{"key_id"},
		},
		"Set": {
			params: &SecretsSetParams{},
			build: func(p any) (proto.Message, error) {
				return setSecretRequest("NAME", "", env, p.(*SecretsSetParams))
			},
			always: []string{"name", "value", "environment_name"},
			wire:   map[string]string{"DefaultExposed": "default_exposed"},
		},
		"List secrets": {
			params: &SecretsListParams{},
			build:  none(listSecretsRequest(env)),
			always: []string{"environment_name"},
		},
		"Create environment": {
			params: &EnvironmentsCreateParams{},
			build: func(p any) (proto.Message, error) {
				return createEnvironmentRequest("qa", p.(*EnvironmentsCreateParams))
			},
			always: []string{"name"},
			wire:   map[string]string{"Description": "description"},
		},
		"Delete environment": {
			params: &EnvironmentsDeleteParams{},
			build:  none(deleteEnvironmentRequest("qa")),
			always: []string{"name"},
		},
	}
}

// onWire are the fields of a request that the wire carries, with their values.
func onWire(t *testing.T, m proto.Message) map[string]any {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	received := m.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(data, received); err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{}
	received.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		fields[string(f.Name())] = v.String()
		if f.IsList() {
			var items []string
			for i := range v.List().Len() {
				items = append(items, v.List().Get(i).String())
			}
			fields[string(f.Name())] = fmt.Sprint(items)
		}
		return true
	})
	return fields
}

// sample sets a parameter to a value that is not its zero, or, through a
// pointer, to the zero value: that is a value too.
func sample(t *testing.T, field reflect.Value, zero bool) (possible bool) {
	t.Helper()
	set := field
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		set = field.Elem()
	}
	if zero {
		return field.Kind() == reflect.Pointer
	}
	switch {
	case set.Type() == reflect.TypeFor[time.Time]():
		set.Set(reflect.ValueOf(time.Unix(1700000000, 5)))
	case set.Type() == reflect.TypeFor[time.Duration]():
		set.SetInt(int64(7 * time.Second))
	case set.CanInt():
		set.SetInt(2)
	case set.Kind() == reflect.Bool:
		set.SetBool(true)
	case set.Kind() == reflect.String:
		set.SetString("text")
	case set.Kind() == reflect.Slice:
		set.Set(reflect.MakeSlice(set.Type(), 2, 2))
	default:
		t.Fatalf("no sample of %s", set.Type())
	}
	return true
}

// TestEveryParameterReachesTheWire: each parameter makes exactly its own field
// differ, zero is sent where it is a value, and no field of a request is left
// that nothing sets.
func TestEveryParameterReachesTheWire(t *testing.T) {
	for name, b := range builders() {
		t.Run(name, func(t *testing.T) {
			base, err := b.build(b.params)
			if err != nil {
				t.Fatal(err)
			}
			plain := onWire(t, base)
			if diff := cmp.Diff(slices.Sorted(slices.Values(b.always)), slices.Sorted(maps.Keys(plain))); diff != "" {
				t.Errorf("without parameters (-want +got):\n%s", diff)
			}
			covered := map[string]bool{}
			for _, f := range b.always {
				covered[f] = true
			}
			for field := range reflect.TypeOf(b.params).Elem().Fields() {
				for _, zero := range []bool{false, true} {
					params := reflect.New(reflect.TypeOf(b.params).Elem())
					if !sample(t, params.Elem().FieldByIndex(field.Index), zero) {
						continue
					}
					request, err := b.build(params.Interface())
					if err != nil {
						t.Fatalf("%s: %v", field.Name, err)
					}
					var changed []string
					for wire, value := range onWire(t, request) {
						if before, ok := plain[wire]; !ok || before != value {
							changed = append(changed, wire)
						}
					}
					var want []string
					if !slices.Contains(b.client, field.Name) {
						want = []string{b.wire[field.Name]}
					}
					if !slices.Equal(changed, want) {
						t.Errorf("%s (zero: %t) changes %q, want %q", field.Name, zero, changed, want)
					}
					covered[b.wire[field.Name]] = true
				}
			}
			fields := base.ProtoReflect().Descriptor().Fields()
			for i := range fields.Len() {
				if wire := string(fields.Get(i).Name()); !covered[wire] {
					t.Errorf("nothing sets %s", wire)
				}
			}
		})
	}
}

func TestValuesOnTheWire(t *testing.T) {
	seconds := func(n time.Duration) *time.Duration { d := n * time.Second; return &d }
	number := func(n int) *int { return &n }
	scale, err := updateApplicationRequest("a", "", &AppsScaleParams{
		KeepAlive: seconds(0), MaxMultiplexing: number(1), MaxConcurrency: number(math.MaxInt32), MinConcurrency: number(math.MinInt32),
		ConcurrencyBuffer: number(2), ConcurrencyBufferPerc: number(3), ScalingDelay: seconds(4), RequestTimeout: seconds(math.MaxInt32),
		StartupTimeout: seconds(-6), MachineTypes: []string{"A", "B"}, Regions: []string{"r"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"application_name": "a", "keep_alive": "0", "max_multiplexing": "1", "max_concurrency": "2147483647",
		"min_concurrency": "-2147483648", "concurrency_buffer": "2", "concurrency_buffer_perc": "3",
		"scaling_delay_seconds": "4", "request_timeout": "2147483647", "startup_timeout": "-6",
		"machine_types": "[A B]", "valid_regions": "[r]",
	}
	if diff := cmp.Diff(want, onWire(t, scale)); diff != "" {
		t.Errorf("scale (-want +got):\n%s", diff)
	}
	public, recreate := AuthPublic, StrategyRecreate
	alias, err := setAliasRequest("a", "r", "", &AppsSetRevisionParams{AuthMode: &public, Strategy: &recreate})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"alias": "a", "revision": "r", "auth_mode": "1", "deployment_strategy": "0"}, onWire(t, alias)); diff != "" {
		t.Errorf("set revision (-want +got):\n%s", diff)
	}
	value := "two\nlines and é\x00"
	set, err := setSecretRequest("NAME", value, "", &SecretsSetParams{})
	if err != nil || set.GetValue() != value {
		t.Errorf("the value is %q, %v", set.GetValue(), err)
	}
	unset, err := unsetSecretRequest("NAME", "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"name": "NAME"}, onWire(t, unset)); diff != "" {
		t.Errorf("unset (-want +got):\n%s", diff)
	}
}

// TestEnvironmentsOnTheWire: an alias gets the suffix of its environment once,
// and "main" is said and changes no name.
func TestEnvironmentsOnTheWire(t *testing.T) {
	for _, c := range []struct {
		app, environment, alias string
		sent                    any
	}{
		{"a", "", "a", nil},
		{"a--staging", "", "a--staging", nil},
		{"a", "main", "a", "main"},
		{"a", "staging", "a--staging", "staging"},
		{"a--staging", "staging", "a--staging", "staging"},
		{"a--dev", "staging", "a--dev--staging", "staging"},
		{"--staging", "staging", "--staging--staging", "staging"},
		{"astaging", "staging", "astaging--staging", "staging"},
	} {
		requests := map[string]proto.Message{}
		var errs [6]error
		requests["alias,runners"], errs[0] = listAliasRunnersRequest(c.app, c.environment, &AppsRunnersParams{})
		requests["application_name,scale"], errs[1] = updateApplicationRequest(c.app, c.environment, &AppsScaleParams{})
		requests["application_name,rollout"], errs[2] = rolloutApplicationRequest(c.app, c.environment, &AppsRolloutParams{})
		requests["alias,set"], errs[3] = setAliasRequest(c.app, "r", c.environment, &AppsSetRevisionParams{})
		requests["alias,delete"], errs[4] = deleteAliasRequest(c.app, c.environment)
		requests["application_name,revisions"], errs[5] = listApplicationsRequest(c.environment, &AppsRevisionsParams{App: c.app})
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		for name, request := range requests {
			field := name[:slices.Index([]byte(name), ',')]
			got := onWire(t, request)
			if got[field] != c.alias || got["environment_name"] != c.sent {
				t.Errorf("%s: %s in %q is sent as %v in %v", name, c.app, c.environment, got[field], got["environment_name"])
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ alias, environment, name string }{
		{"a", "", "a"},
		{"a--staging", "", "a--staging"}, // main has no suffix: it is a part of the name
		{"a--staging", "main", "a--staging"},
		{"a--staging", "staging", "a"},
		{"a--b--staging", "staging", "a--b"},
		{"a--dev", "staging", "a--dev"},
		{"--staging", "staging", "--staging"},
		{"a", "staging", "a"},
	} {
		if got := (AppInfo{Alias: c.alias, Environment: c.environment}).Name(); got != c.name {
			t.Errorf("%s in %q is named %s, want %s", c.alias, c.environment, got, c.name)
		}
	}
}

// TestWhatTheWireCannotCarry is refused before it is sent, and says what it is.
func TestWhatTheWireCannotCarry(t *testing.T) {
	const bad = "\xff"
	half, long := 1500*time.Millisecond, (math.MaxInt32+1)*time.Second
	big, small := math.MaxInt32+1, math.MinInt32-1
	text := bad
	scale := func(p AppsScaleParams) error {
		_, err := updateApplicationRequest("a", "", &p)
		return err
	}
	errOf := func(_ any, err error) error { return err }
	for want, err := range map[string]error{
		"UpdateApplication: keep alive cannot be sent: 1.5s is not a whole number of seconds":                        scale(AppsScaleParams{KeepAlive: &half}),
		"UpdateApplication: scaling delay cannot be sent: 1.5s is not a whole number of seconds":                     scale(AppsScaleParams{ScalingDelay: &half}),
		"UpdateApplication: request timeout cannot be sent: 596523h14m8s is beyond 32 bits of seconds":               scale(AppsScaleParams{RequestTimeout: &long}),
		"UpdateApplication: startup timeout cannot be sent: 1.5s is not a whole number of seconds":                   scale(AppsScaleParams{StartupTimeout: &half}),
		"UpdateApplication: max multiplexing cannot be sent: 2147483648 is beyond 32 bits":                           scale(AppsScaleParams{MaxMultiplexing: &big}),
		"UpdateApplication: max concurrency cannot be sent: 2147483648 is beyond 32 bits":                            scale(AppsScaleParams{MaxConcurrency: &big}),
		"UpdateApplication: min concurrency cannot be sent: -2147483649 is beyond 32 bits":                           scale(AppsScaleParams{MinConcurrency: &small}),
		"UpdateApplication: concurrency buffer cannot be sent: 2147483648 is beyond 32 bits":                         scale(AppsScaleParams{ConcurrencyBuffer: &big}),
		"UpdateApplication: concurrency buffer perc cannot be sent: 2147483648 is beyond 32 bits":                    scale(AppsScaleParams{ConcurrencyBufferPerc: &big}),
		"UpdateApplication: an empty list of machine types cannot be sent":                                           scale(AppsScaleParams{MachineTypes: []string{}}),
		"UpdateApplication: an empty list of regions cannot be sent":                                                 scale(AppsScaleParams{Regions: []string{}}),
		"UpdateApplication: one of the regions cannot be sent: it is not UTF-8":                                      scale(AppsScaleParams{Regions: []string{"a", bad}}),
		"UpdateApplication: the app's name is empty":                                                                 errOf(updateApplicationRequest("", "staging", &AppsScaleParams{})),
		"RolloutApplication: the app's name cannot be sent: it is not UTF-8":                                         errOf(rolloutApplicationRequest(bad, "", &AppsRolloutParams{})),
		"ListAliases: the environment's name cannot be sent: it is not UTF-8":                                        errOf(listAliasesRequest(bad)),
		"ListAliasRunners: the app's name is empty":                                                                  errOf(listAliasRunnersRequest("", "", &AppsRunnersParams{})),
		"ListAliasRunners: the time 12000-01-01 00:00:00 +0000 UTC cannot be sent: it is not in the years 1 to 9999": errOf(listAliasRunnersRequest("a", "", &AppsRunnersParams{Since: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)})),
		"SetAlias: the revision is empty":                                                                            errOf(setAliasRequest("a", "", "", &AppsSetRevisionParams{})),
		"DeleteAlias: the app's name is empty":                                                                       errOf(deleteAliasRequest("", "")),
		"ListApplications: the app's name cannot be sent: it is not UTF-8":                                           errOf(listApplicationsRequest("", &AppsRevisionsParams{App: bad})),
		"DeleteApplication: the revision is empty":                                                                   errOf(deleteApplicationRequest("")),
		"CreateUserKey: the description cannot be sent: it is not UTF-8":                                             errOf(createUserKeyRequest(KeyScopeAPI, &KeysCreateParams{Description: &text})),
		"RevokeUserKey: the key's id is empty":                                                                       errOf(revokeUserKeyRequest("")),
		"SetSecret: the secret's name is empty":                                                                      errOf(setSecretRequest("", "v", "", &SecretsSetParams{})),
		"SetSecret: the secret's value cannot be sent: it is not UTF-8":                                              errOf(setSecretRequest("A", bad, "", &SecretsSetParams{})),
		"SetSecret: the secret's name cannot be sent: it is not UTF-8":                                               errOf(unsetSecretRequest(bad, "")),
		"ListSecrets: the environment's name cannot be sent: it is not UTF-8":                                        errOf(listSecretsRequest(bad)),
		"CreateEnvironment: the environment's name is empty":                                                         errOf(createEnvironmentRequest("", &EnvironmentsCreateParams{})),
		"DeleteEnvironment: the environment's name is empty":                                                         errOf(deleteEnvironmentRequest("")),
	} {
		if !errors.Is(err, ErrInvalidArgument) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
