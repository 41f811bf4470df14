package fal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// deliberate are the fields of a request in which ours differs from the
// official client's on purpose, by command: what is given is sent instead, and
// nil leaves it out.
func deliberate(argv []string) map[string]any {
	if strings.HasPrefix(strings.Join(argv, " "), "fal secrets set A=1 ") {
		// It would expose again a secret that was taken back: what nobody
		// asked for keeps its value.
		return map[string]any{"default_exposed": nil}
	}
	return nil
}

// TestCommandsOfTheOfficialClient makes the same calls as the official client's
// commands, and compares all that is sent.
func TestCommandsOfTheOfficialClient(t *testing.T) {
	data, err := os.ReadFile("testdata/commands.json")
	if err != nil {
		t.Fatal(err)
	}
	type command struct {
		Argv     []string
		Method   string
		Metadata map[string]string
		Request  map[string]any
		Query    map[string]any
	}
	var recorded []command
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	for len(recorded) > 0 {
		n := 1 // one command may send several requests
		for n < len(recorded) && cmp.Equal(recorded[n].Argv, recorded[0].Argv) {
			n++
		}
		wanted := recorded[:n]
		recorded = recorded[n:]
		argv := wanted[0].Argv
		t.Run(strings.Join(argv[1:], " "), func(t *testing.T) {
			server := faltest.New(t)
			server.Handle("CreateUserKey", func(faltest.Call) faltest.Answer { return faltest.Reply(`{"key_id": "i", "key_secret": "s"}`) })
			for _, method := range []string{"UpdateApplication", "SetAlias"} {
				server.Handle(method, func(faltest.Call) faltest.Answer { return faltest.Reply(`{"alias_info": {"alias": "a"}}`) })
			}
			server.Handle("CreateEnvironment", func(faltest.Call) faltest.Answer { return faltest.Reply(`{"environment": {"name": "e"}}`) })
			server.HandleREST("GET /applications/metrics", answer(200, `{}`))
			arguments, flags := split(argv[3:])
			o := server.Options()
			o.Environment = strings.Join(flags["env"], "")
			ctx, client := newClient(t, o)
			if err := perform(ctx, client, argv[1]+" "+argv[2], arguments, flags); err != nil {
				t.Fatal(err)
			}
			calls := server.Calls()
			if len(calls) != len(wanted) {
				t.Fatalf("%d calls, want %d", len(calls), len(wanted))
			}
			for i, want := range wanted {
				if calls[i].Method != want.Method {
					t.Errorf("call of %s, want %s", calls[i].Method, want.Method)
				}
				for name, value := range want.Metadata {
					if got := calls[i].Get(name); got != value && !strings.HasPrefix(name, "accept") {
						t.Errorf("metadata %s: %q, want %q", name, got, value)
					}
				}
				if calls[i].Transport == faltest.REST {
					if len(calls[i].Query) != 0 || len(want.Query) != 0 || len(calls[i].Body) != 0 {
						t.Errorf("query %v, body %q", calls[i].Query, calls[i].Body)
					}
					continue
				}
				expected := maps.Clone(want.Request)
				for field, value := range deliberate(argv) {
					if _, ok := expected[field]; !ok {
						t.Errorf("the official client does not send %s any more", field)
					}
					if expected[field] = value; value == nil {
						delete(expected, field)
					}
				}
				var got map[string]any
				if err := json.Unmarshal(calls[i].Request, &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(expected, got); diff != "" {
					t.Errorf("request (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// split takes a command line apart into arguments and the values of flags.
func split(words []string) (arguments []string, flags map[string][]string) {
	flags = map[string][]string{}
	name := ""
	for _, word := range words {
		if flag, ok := strings.CutPrefix(word, "--"); ok {
			name = flag
			flags[name] = []string{}
		} else if name == "" {
			arguments = append(arguments, word)
		} else {
			flags[name] = append(flags[name], word)
		}
	}
	return arguments, flags
}

func drain[T any](all iter.Seq2[T, error]) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// perform makes the SDK's calls for a command of the official client.
func perform(ctx context.Context, client *fal.Client, command string, args []string, flags map[string][]string) error {
	var bad error
	number := func(flag string) *int {
		if flags[flag] == nil {
			return nil
		}
		n, err := strconv.Atoi(flags[flag][0])
		bad = errors.Join(bad, err)
		return &n
	}
	seconds := func(flag string) *time.Duration {
		n := number(flag)
		if n == nil {
			return nil
		}
		d := time.Duration(*n) * time.Second
		return &d
	}
	args = append(args, "", "")
	var err error
	switch command {
	case "apps list":
		err = drain(client.Apps.List(ctx, nil))
	case "apps list-rev":
		err = drain(client.Apps.Revisions(ctx, &fal.AppsRevisionsParams{App: args[0]}))
	case "apps scale":
		_, err = client.Apps.Scale(ctx, args[0], &fal.AppsScaleParams{
			KeepAlive: seconds("keep-alive"), MaxMultiplexing: number("max-multiplexing"), MaxConcurrency: number("max-concurrency"),
			MinConcurrency: number("min-concurrency"), ConcurrencyBuffer: number("concurrency-buffer"),
			ConcurrencyBufferPerc: number("concurrency-buffer-perc"), ScalingDelay: seconds("scaling-delay"),
			RequestTimeout: seconds("request-timeout"), StartupTimeout: seconds("startup-timeout"),
			MachineTypes: flags["machine-types"], Regions: flags["regions"],
		})
	case "apps rollout":
		err = client.Apps.Rollout(ctx, args[0], &fal.AppsRolloutParams{Force: flags["force"] != nil})
	case "apps set-rev":
		params := &fal.AppsSetRevisionParams{}
		if flags["auth"] != nil {
			mode, err := fal.ParseAuthMode(flags["auth"][0])
			bad = errors.Join(bad, err)
			params.AuthMode = &mode
		}
		if flags["strategy"] != nil {
			strategy, err := fal.ParseDeploymentStrategy(flags["strategy"][0])
			bad = errors.Join(bad, err)
			params.Strategy = &strategy
		}
		_, err = client.Apps.SetRevision(ctx, args[0], args[1], params)
	case "apps runners":
		err = drain(client.Apps.Runners(ctx, args[0], nil))
	case "apps gpus":
		_, err = client.Apps.GPUs(ctx, args[0], nil)
	case "apps delete":
		_, err = client.Apps.Delete(ctx, args[0], nil)
	case "apps delete-rev":
		err = client.Apps.DeleteRevision(ctx, args[0], nil)
	case "keys create":
		scope, parseErr := fal.ParseKeyScope(flags["scope"][0])
		bad = errors.Join(bad, parseErr)
		params := &fal.KeysCreateParams{}
		if flags["desc"] != nil {
			params.Description = &flags["desc"][0]
		}
		_, err = client.Keys.Create(ctx, scope, params)
	case "keys list":
		err = drain(client.Keys.List(ctx, nil))
	case "secrets set":
		for _, pair := range args[:len(args)-2] {
			name, value, _ := strings.Cut(pair, "=")
			params := &fal.SecretsSetParams{}
			if flags["not-exposed-by-default"] != nil {
				params.DefaultExposed = new(bool)
			}
			err = errors.Join(err, client.Secrets.Set(ctx, name, value, params))
		}
	case "secrets list":
		err = drain(client.Secrets.List(ctx, nil))
	case "secrets unset":
		err = client.Secrets.Unset(ctx, args[0], nil)
	case "environments list":
		err = drain(client.Environments.List(ctx, nil))
	case "environments create":
		_, err = client.Environments.Create(ctx, args[0], nil)
	case "environments delete":
		err = client.Environments.Delete(ctx, args[0], nil)
	default:
		err = fmt.Errorf("no test of %s", command)
	}
	return errors.Join(bad, err)
}
