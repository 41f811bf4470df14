package controlplane

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// diary is a log that can be read while it is written.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

func setSecret(t *testing.T, c client, request *pb.SetSecretRequest) {
	t.Helper()
	if _, err := c.SetSecret(c.ctx, request); err != nil {
		t.Fatal(err)
	}
}

// folder returns what is in every file below dir, and the names of the files.
func folder(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			var content []byte
			content, err = os.ReadFile(path)
			all.WriteString(path + "\n")
			all.Write(content)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was removed meanwhile
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestNobodyButARunnerSeesTheValueOfASecret looks for a value wherever it could
// have been left behind.
func TestNobodyButARunnerSeesTheValueOfASecret(t *testing.T) {
	canary, former := "canary-"+rand.Text(), "former-"+rand.Text()
	log, dir := new(diary), t.TempDir()
	s := start(t, Options{DataDir: dir, Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	c := dial(t, s, s.Credentials())
	setSecret(t, c, &pb.SetSecretRequest{Name: "NEST", Value: &former})
	setSecret(t, c, &pb.SetSecretRequest{Name: "NEST", Value: &canary})
	setSecret(t, c, &pb.SetSecretRequest{Name: "GONE", Value: &former})
	setSecret(t, c, &pb.SetSecretRequest{Name: "GONE"})

	spec := app(t, "web", "unsuspecting")
	spec.MinConcurrency, spec.Env = 1, append(spec.Env, "NEST=of the app", "GREETING=hello")
	register(t, s, spec)
	awaitUp(t, s, "web", 1)
	if env := strings.Split(get(t, s, "web", "/env"), "\n"); !slices.Contains(env, "NEST="+canary) || !slices.Contains(env, "GREETING=hello") {
		t.Errorf("the runner was not given the secret: %q", env)
	}
	spec = app(t, "broken", "fail")
	spec.MinConcurrency = 1
	register(t, s, spec)
	missing := app(t, "missing")
	missing.MinConcurrency, missing.Argv = 1, []string{"/nonexistent/command"}
	register(t, s, missing)
	for _, alias := range []string{"broken", "missing"} {
		await(t, "a failure of "+alias, func() bool {
			runners := live(t, s, alias)
			return len(runners) > 0 && runners[0].Attempt > 1
		})
	}

	var said []string
	for _, request := range []*pb.SetSecretRequest{
		{Name: "NO NAME", Value: &canary},
		{Name: "PORT", Value: &canary},
		{Name: "NUL", Value: new(canary + "\x00")},
		{Name: "LONG", Value: new(strings.Repeat(canary, 2000))},
		{Name: "BYTES", Value: new(canary + "\xff")},
		{Name: "NEST", Value: &canary, EnvironmentName: new("nowhere")},
	} {
		_, err := c.SetSecret(c.ctx, request)
		if err == nil {
			t.Errorf("set %q", request.GetName())
			continue
		}
		said = append(said, err.Error())
	}
	limited, _ := apiKey(t, s, c)
	_, err := limited.SetSecret(limited.ctx, &pb.SetSecretRequest{Name: "NEST", Value: &canary})
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("a key of API scope sets a secret: %v", err)
	}
	said = append(said, status.Convert(err).Message())
	listed, err := c.ListSecrets(c.ctx, &pb.ListSecretsRequest{})
	if err != nil || len(listed.GetSecrets()) != 1 {
		t.Errorf("secrets %v, %v", listed, err)
	}
	said = append(said, listed.String())

	// Of each place, and something that is to be found there.
	look := func(when string) {
		t.Helper()
		for place, found := range map[string]struct{ text, has string }{
			"data folder":         {folder(t, dir), "NEST"},
			"arguments":           {commandLines(t), "unsuspecting"},
			"log":                 {log.String(), "control plane started"},
			"errors and listings": {strings.Join(said, "\n"), "PORT"},
		} {
			if !strings.Contains(found.text, found.has) && when == "while it runs" {
				t.Errorf("%s, %s: %q is not there, so that looking proves nothing", when, place, found.has)
			}
			for _, value := range []string{canary, former} {
				if strings.Contains(found.text, value) {
					t.Errorf("%s, %s: a secret's value is there", when, place)
				}
			}
		}
	}
	look("while it runs")
	stop(t, s)
	look("after its end")
}

// apiKey returns a client with a new key of API scope, and the key.
func apiKey(t *testing.T, s *Server, c client) (client, Credentials) {
	t.Helper()
	key, err := c.CreateUserKey(c.ctx, &pb.CreateUserKeyRequest{Scope: pb.CreateUserKeyRequest_API})
	if err != nil {
		t.Fatal(err)
	}
	credentials := Credentials{KeyID: key.GetKeyId(), Secret: key.GetKeySecret()}
	return dial(t, s, credentials), credentials
}

func TestSecretsOnTheWire(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{DataDir: dir})
	c := dial(t, s, s.Credentials())
	if _, err := c.CreateEnvironment(c.ctx, &pb.CreateEnvironmentRequest{Name: "dev"}); err != nil {
		t.Fatal(err)
	}
	setSecret(t, c, &pb.SetSecretRequest{Name: "B", Value: new("1")})
	setSecret(t, c, &pb.SetSecretRequest{Name: "A", Value: new(""), DefaultExposed: new(false)})
	setSecret(t, c, &pb.SetSecretRequest{Name: "A", Value: new("2"), EnvironmentName: new("main")})
	setSecret(t, c, &pb.SetSecretRequest{Name: "C", Value: new("3"), EnvironmentName: new("dev"), DefaultExposed: new(true)})
	check := func(s *Server) {
		t.Helper()
		c := dial(t, s, s.Credentials())
		for environment, want := range map[string][]*pb.Secret{
			"main": {{Name: "A", DefaultExposed: new(false)}, {Name: "B"}},
			"dev":  {{Name: "C", DefaultExposed: new(true), EnvironmentName: new("dev")}},
		} {
			listed, err := c.ListSecrets(c.ctx, &pb.ListSecretsRequest{EnvironmentName: &environment})
			if err != nil || len(listed.GetSecrets()) != len(want) {
				t.Fatalf("secrets of %s: %v, %v", environment, listed, err)
			}
			for i, secret := range listed.GetSecrets() {
				created := secret.GetCreatedTime()
				secret.CreatedTime = nil
				if secret.String() != want[i].String() || created.AsTime().IsZero() {
					t.Errorf("secret %d of %s: %v, created %v, want %v", i, environment, secret, created, want[i])
				}
			}
		}
	}
	check(s)
	stop(t, s)
	s = start(t, Options{DataDir: dir})
	check(s)
	c = dial(t, s, s.Credentials())
	for _, test := range []struct {
		request *pb.SetSecretRequest
		code    codes.Code
		says    string
	}{
		{&pb.SetSecretRequest{Name: "NONE"}, codes.NotFound, "secret NONE not found in environment main"},
		{&pb.SetSecretRequest{Name: "A", EnvironmentName: new("dev")}, codes.NotFound, "secret A not found in environment dev"},
		{&pb.SetSecretRequest{Name: "A", Value: new("v"), EnvironmentName: new("prod")}, codes.NotFound, "environment prod not found"},
		{&pb.SetSecretRequest{Name: "1A", Value: new("v")}, codes.InvalidArgument, `"1A" is no name for a secret`},
	} {
		_, err := c.SetSecret(c.ctx, test.request)
		if status.Code(err) != test.code || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: %v", test.request, err)
		}
	}
	_, err := c.DeleteEnvironment(c.ctx, &pb.DeleteEnvironmentRequest{Name: "dev"})
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "secret C") {
		t.Errorf("deleting an environment with a secret: %v", err)
	}
}

func TestRunnersGetTheSecretsOnTheirList(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	setSecret(t, c, &pb.SetSecretRequest{Name: "SHOWN", Value: new("1")})
	setSecret(t, c, &pb.SetSecretRequest{Name: "HIDDEN", Value: new("2"), DefaultExposed: new(false)})
	given := func(alias string, secrets []string) []string {
		t.Helper()
		spec := app(t, alias)
		spec.MinConcurrency, spec.Secrets = 1, secrets
		register(t, s, spec)
		r := awaitUp(t, s, alias, 1)[0]
		var names []string
		for _, entry := range strings.Split(get(t, s, alias, "/env"), "\n") {
			if name, _, _ := strings.Cut(entry, "="); name == "SHOWN" || name == "HIDDEN" {
				names = append(names, entry)
			}
		}
		if missing := "started without secrets that are not set: ABSENT"; strings.Contains(logText(t, s, r.ID), missing) != slices.Contains(secrets, "ABSENT") {
			t.Errorf("the log of %s does not say what is missing:\n%s", alias, logText(t, s, r.ID))
		}
		slices.Sort(names)
		return names
	}
	for alias, test := range map[string]struct {
		secrets []string
		want    string
	}{
		"without": {nil, "SHOWN=1"},
		"with":    {[]string{"HIDDEN", "ABSENT"}, "HIDDEN=2"},
		"none":    {[]string{}, ""},
	} {
		if got := strings.Join(given(alias, test.secrets), " "); got != test.want {
			t.Errorf("%s a list: %s, want %s", alias, got, test.want)
		}
	}
}

// TestNoSecretTakesThePlaceOfAVariableOfRunners compares what runners get with
// what cannot be set.
func TestNoSecretTakesThePlaceOfAVariableOfRunners(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	spec := app(t, "web")
	spec.MinConcurrency = 1
	register(t, s, spec)
	awaitUp(t, s, "web", 1)
	inherited := make(map[string]bool)
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		inherited[name] = !strings.HasPrefix(name, "FAL_")
	}
	own := 0
	for _, entry := range strings.Split(get(t, s, "web", "/env"), "\n") {
		name, _, _ := strings.Cut(entry, "=")
		if inherited[name] || name == "" {
			continue
		}
		own++
		if _, err := c.SetSecret(c.ctx, &pb.SetSecretRequest{Name: name, Value: new("v")}); status.Code(err) != codes.InvalidArgument {
			t.Errorf("a secret can have the name %s: %v", name, err)
		}
	}
	if own < 6 {
		t.Errorf("runners have %d variables of their own", own)
	}
}

func TestSecretsThatCannotBeReadPreventTheStart(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	exe := executable(t)
	key := filepath.Join(dir, SecretKeyFile)
	restart := func() (*Server, error) {
		return Start(t.Context(), Options{DataDir: dir, Supervisor: []string{exe, "__supervise"}})
	}
	refused := func(what string, texts ...string) {
		t.Helper()
		s, err := restart()
		if err == nil {
			stop(t, s)
		}
		if !errors.Is(err, ErrSecretKey) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", what, err)
			return
		}
		for _, text := range texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %q does not say %q", what, err, text)
			}
		}
	}
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(key, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stop(t, start(t, Options{DataDir: other}))
	anothers, err := os.ReadFile(filepath.Join(other, SecretKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	// Without secrets a key that is gone is no loss.
	stop(t, start(t, Options{DataDir: dir}))
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{DataDir: dir})
	setSecret(t, dial(t, s, s.Credentials()), &pb.SetSecretRequest{Name: "NEST", Value: new("egg")})
	stop(t, s)
	right, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}

	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	refused("no key", key, "missing")
	if _, err := os.Stat(key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another key was made: %v", err)
	}
	write(string(anothers))
	refused("another key", key, "secret NEST of environment main")
	write("nonsense")
	refused("no key in the file", key, "64 hexadecimal digits")
	write(string(right))
	s, err = restart()
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, s)
	spec := app(t, "web")
	spec.MinConcurrency = 1
	register(t, s, spec)
	awaitUp(t, s, "web", 1)
	if env := strings.Split(get(t, s, "web", "/env"), "\n"); !slices.Contains(env, "NEST=egg") {
		t.Error("the secret was lost")
	}
}

func TestAPIKeysOnlyRead(t *testing.T) {
	s := start(t, Options{})
	spec := app(t, "web")
	spec.MinConcurrency = 1
	register(t, s, spec)
	r := awaitUp(t, s, "web", 1)[0]
	admin := dial(t, s, s.Credentials())
	c, credentials := apiKey(t, s, admin)
	allowed := map[string]bool{
		"ListApplications": true, "ListAliases": true, "ListAliasRunners": true, "ListRunners": true, "ListEnvironments": true,
	}
	for _, method := range pb.IsolateController_ServiceDesc.Methods {
		call := func(c client) error { return invoke(c, method.MethodName, r.ID) }
		if err := call(c); (status.Code(err) == codes.PermissionDenied) == allowed[method.MethodName] {
			t.Errorf("%s with an API key: %v", method.MethodName, err)
		} else if err != nil && !strings.Contains(err.Error(), "ADMIN") {
			t.Errorf("%s: %v does not say what is needed", method.MethodName, err)
		}
	}
	for _, path := range []string{"/users/current", "/runners/" + r.ID, "/applications/metrics"} {
		key := http.Header{"Authorization": {"Key " + credentials.Key()}}
		if code, body, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+path, key); code != http.StatusOK {
			t.Errorf("%s with an API key: %d %v", path, code, body)
		}
	}
	stream, err := c.ShellRunner(c.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pb.ShellRunnerInput{RunnerId: r.ID, Command: []string{"true"}}); err != nil && !errors.Is(err, io.EOF) { // it may have been refused by now
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "shell") {
		t.Errorf("a shell with an API key: %v", err)
	}
	if got := runner(t, s, r.ID); got.State.String() != "IDLE" {
		t.Errorf("the runner is %s", got.State)
	}
}

// invoke calls a method with nothing but the runner and the app that are there.
func invoke(c client, method, runnerID string) error {
	var err error
	switch method {
	case "CreateUserKey":
		_, err = c.CreateUserKey(c.ctx, &pb.CreateUserKeyRequest{})
	case "ListUserKeys":
		_, err = c.ListUserKeys(c.ctx, &pb.ListUserKeysRequest{})
	case "RevokeUserKey":
		_, err = c.RevokeUserKey(c.ctx, &pb.RevokeUserKeyRequest{KeyId: "none"})
	case "UpdateApplication":
		_, err = c.UpdateApplication(c.ctx, &pb.UpdateApplicationRequest{ApplicationName: "web"})
	case "ListApplications":
		_, err = c.ListApplications(c.ctx, &pb.ListApplicationsRequest{})
	case "DeleteApplication":
		_, err = c.DeleteApplication(c.ctx, &pb.DeleteApplicationRequest{ApplicationId: "none"})
	case "RolloutApplication":
		_, err = c.RolloutApplication(c.ctx, &pb.RolloutApplicationRequest{ApplicationName: "web"})
	case "SetAlias":
		_, err = c.SetAlias(c.ctx, &pb.SetAliasRequest{Alias: "web"})
	case "DeleteAlias":
		_, err = c.DeleteAlias(c.ctx, &pb.DeleteAliasRequest{Alias: "web"})
	case "ListAliases":
		_, err = c.ListAliases(c.ctx, &pb.ListAliasesRequest{})
	case "SetSecret":
		_, err = c.SetSecret(c.ctx, &pb.SetSecretRequest{Name: "A", Value: new("v")})
	case "ListSecrets":
		_, err = c.ListSecrets(c.ctx, &pb.ListSecretsRequest{})
	case "ListAliasRunners":
		_, err = c.ListAliasRunners(c.ctx, &pb.ListAliasRunnersRequest{Alias: "web"})
	case "StopRunner":
		_, err = c.StopRunner(c.ctx, &pb.StopRunnerRequest{RunnerId: runnerID})
	case "KillRunner":
		_, err = c.KillRunner(c.ctx, &pb.KillRunnerRequest{RunnerId: runnerID})
	case "ListRunners":
		_, err = c.ListRunners(c.ctx, &pb.ListRunnersRequest{})
	case "ListEnvironments":
		_, err = c.ListEnvironments(c.ctx, &pb.ListEnvironmentsRequest{})
	case "CreateEnvironment":
		_, err = c.CreateEnvironment(c.ctx, &pb.CreateEnvironmentRequest{Name: "dev"})
	case "DeleteEnvironment":
		_, err = c.DeleteEnvironment(c.ctx, &pb.DeleteEnvironmentRequest{Name: "dev"})
	default:
		err = errors.New("ADMIN? nobody says how to call " + method)
	}
	return err
}

func TestEnvironmentsOnTheWire(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	created, err := c.CreateEnvironment(c.ctx, &pb.CreateEnvironmentRequest{Name: "dev", Description: new("to try things")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateEnvironment(c.ctx, &pb.CreateEnvironmentRequest{Name: "bare"}); err != nil {
		t.Fatal(err)
	}
	listed, err := c.ListEnvironments(c.ctx, &pb.ListEnvironmentsRequest{})
	if err != nil || len(listed.GetEnvironments()) != 3 {
		t.Fatalf("environments %v, %v", listed, err)
	}
	accounts, err := s.state.Accounts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	main, dev, bare := listed.GetEnvironments()[0], listed.GetEnvironments()[1], listed.GetEnvironments()[2]
	if main.GetName() != "main" || !main.GetIsDefault() || !main.GetCreatedAt().AsTime().Equal(accounts[0].CreatedAt) {
		t.Errorf("the default environment is %v", main)
	}
	if dev.String() != created.GetEnvironment().String() || dev.GetName() != "dev" || dev.GetDescription() != "to try things" || dev.GetIsDefault() {
		t.Errorf("environment %v, created as %v", dev, created)
	}
	if bare.GetName() != "bare" || bare.Description != nil || bare.GetCreatedAt().AsTime().Before(dev.GetCreatedAt().AsTime()) {
		t.Errorf("environment %v", bare)
	}
	for name, code := range map[string]codes.Code{"dev": codes.AlreadyExists, "main": codes.AlreadyExists, "a--b": codes.InvalidArgument, "": codes.InvalidArgument} {
		if _, err := c.CreateEnvironment(c.ctx, &pb.CreateEnvironmentRequest{Name: name}); status.Code(err) != code {
			t.Errorf("create %q: %v", name, err)
		}
	}
	if _, err := c.DeleteEnvironment(c.ctx, &pb.DeleteEnvironmentRequest{Name: "bare"}); err != nil {
		t.Error(err)
	}
	for name, code := range map[string]codes.Code{"bare": codes.NotFound, "main": codes.FailedPrecondition, "": codes.InvalidArgument} {
		if _, err := c.DeleteEnvironment(c.ctx, &pb.DeleteEnvironmentRequest{Name: name}); status.Code(err) != code {
			t.Errorf("delete %q: %v", name, err)
		}
	}
}
