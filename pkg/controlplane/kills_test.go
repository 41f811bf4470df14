package controlplane

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// greeting is what a control plane that is to be killed says when it is up.
type greeting struct {
	Address string
	Secrets map[string]string // values, by "<environment>/<name>": no API tells them
}

// killedControlPlane runs until it is killed. It has three revisions and starts
// no runners.
func killedControlPlane(dataDir string) int {
	if err := runKilled(context.Background(), dataDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return 1
}

func runKilled(ctx context.Context, dataDir string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	s, err := Start(ctx, Options{DataDir: dataDir, Supervisor: []string{exe, "__supervise"}})
	if err != nil {
		return err
	}
	owner, err := s.state.Authenticate(s.credentials.KeyID, s.credentials.Secret)
	if err != nil {
		return err
	}
	revisions, err := s.state.Revisions(owner, "", "")
	if err != nil {
		return err
	}
	for n := len(revisions) + 1; n <= 3; n++ {
		_, err := s.RegisterApp(ctx, AppSpec{
			Name: "base", Argv: []string{exe, "__app"}, MaxMultiplexing: n, StartupTimeout: time.Duration(n) * time.Minute, MachineTypes: []string{fmt.Sprintf("M%d", n)},
		})
		if err != nil {
			return err
		}
	}
	hello := greeting{Address: s.Addr(), Secrets: make(map[string]string)}
	for _, environment := range s.state.Environments(owner) {
		secrets, err := s.state.Secrets(owner, environment.Name)
		if err != nil {
			return err
		}
		all := App{}
		all.Account, all.Environment = owner.Account.ID, environment.Name
		for _, secret := range secrets {
			all.Rev.Secrets = append(all.Rev.Secrets, secret.Name)
		}
		variables, _, err := s.state.RunnerSecrets(&all)
		if err != nil {
			return err
		}
		for _, variable := range variables {
			name, value, _ := strings.Cut(variable, "=")
			hello.Secrets[environment.Name+"/"+name] = value
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(hello); err != nil {
		return err
	}
	select {}
}

// victim is a control plane in a process of its own.
type victim struct {
	client
	command *exec.Cmd
	hello   greeting
}

// launch starts a control plane; nil if it was killed before it was up.
func launch(t *testing.T, dir string, killAfter time.Duration) *victim {
	t.Helper()
	command := exec.Command(executable(t), "__killed", dir)
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() }) // unless it has ended
	if killAfter > 0 {
		timer := time.AfterFunc(killAfter, func() { command.Process.Kill() })
		defer timer.Stop()
	}
	v := &victim{command: command}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if killAfter > 0 {
		command.Process.Kill()
		command.Wait()
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &v.hello); err != nil {
		t.Fatal(err)
	}
	credentials, err := ReadCredentials(dir)
	if err != nil {
		t.Fatal(err)
	}
	v.client = dialAddress(t, v.hello.Address, credentials)
	return v
}

// facts is what is true of the control plane, by what it is about.
type facts map[string]string

// observe asks for everything that writers change. A fact holds every field of
// a thing, so that one that is half changed is neither the old nor the new one.
func (v *victim) observe(t *testing.T) facts {
	t.Helper()
	seen := make(facts)
	keys, err := v.ListUserKeys(v.ctx, &pb.ListUserKeysRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys.GetUserKeys() {
		if key.GetAlias() != "" { // else that of the first account
			seen["key "+key.GetAlias()] = key.GetScope().String()
		}
	}
	environments, err := v.ListEnvironments(v.ctx, &pb.ListEnvironmentsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, environment := range environments.GetEnvironments() {
		if !environment.GetIsDefault() {
			seen["environment "+environment.GetName()] = environment.GetDescription()
		}
		secrets, err := v.ListSecrets(v.ctx, &pb.ListSecretsRequest{EnvironmentName: new(environment.GetName())})
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets.GetSecrets() {
			name := environment.GetName() + "/" + secret.GetName()
			seen["secret "+name] = secretFact(v.hello.Secrets[name], secret.DefaultExposed)
		}
	}
	aliases, err := v.ListAliases(v.ctx, &pb.ListAliasesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, app := range aliases.GetAliases() {
		seen["scale of "+app.GetAlias()] = scaleFact(app.GetKeepAlive(), app.GetMaxConcurrency(), app.GetConcurrencyBuffer(), app.GetRequestTimeout(), app.GetScalingDelaySeconds())
		seen["revision of "+app.GetAlias()] = revisionFact(app.GetRevision(), app.GetAuthMode(), app.GetMaxMultiplexing(), app.GetStartupTimeout(), app.GetMachineTypes())
	}
	return seen
}

func secretFact(value string, exposed *bool) string {
	if exposed == nil {
		return value + ", unsaid"
	}
	return fmt.Sprintf("%s, exposed %t", value, *exposed)
}

func scaleFact(values ...int32) string { return fmt.Sprint(values) }

func revisionFact(revision string, auth pb.ApplicationAuthMode, multiplexing, startup int32, machines []string) string {
	return fmt.Sprint(revision, auth, multiplexing, startup, machines)
}

// writer changes things that no other one does, so that the order of its calls
// says what has to be there.
type writer struct {
	name      string
	random    *rand.Rand
	revisions []*pb.ApplicationInfo
	count     int
	known     facts                     // what was acknowledged, or seen after a kill
	pending   facts                     // what the call under way makes true; "" of what it removes
	keys      map[string]Credentials    // acknowledged ones, by alias
	kinds     map[string]*atomic.Uint64 // how many calls of a kind were acknowledged
}

// some returns one of the facts whose names begin with prefix, or "".
func (w *writer) some(prefix string) string {
	var names []string
	for name := range w.known {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return names[w.random.IntN(len(names))]
}

// write makes one call. What it changes is pending until it is acknowledged.
func (w *writer) write(v *victim) error {
	w.pending = make(facts)
	w.count++
	kind, call := w.next(v)
	if err := call(); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	for name, fact := range w.pending {
		w.learn(name, fact)
	}
	w.pending = nil
	w.kinds[kind].Add(1)
	return nil
}

func (w *writer) learn(name, fact string) {
	if fact == "" {
		delete(w.known, name)
		return
	}
	w.known[name] = fact
}

// writes are the kinds of calls. Some make way for another when what they are
// about is missing.
func writes() []string {
	return []string{"create key", "revoke key", "set secret", "unset secret", "create environment", "delete environment", "scale", "set alias", "delete alias"}
}

func (w *writer) next(v *victim) (kind string, call func() error) {
	kind = writes()[w.random.IntN(len(writes()))]
	app := fmt.Sprintf("app-%s-%d", w.name, w.random.IntN(2))
	switch kind {
	case "revoke key":
		name := w.some("key ")
		key, ours := w.keys[strings.TrimPrefix(name, "key ")]
		if !ours {
			break
		}
		w.pending[name] = ""
		return kind, func() error {
			_, err := v.RevokeUserKey(v.ctx, &pb.RevokeUserKeyRequest{KeyId: key.KeyID})
			return err
		}
	case "set secret":
		return kind, w.setSecret(v)
	case "unset secret":
		name := w.some("secret ")
		if name == "" {
			return "set secret", w.setSecret(v)
		}
		environment, secret, _ := strings.Cut(strings.TrimPrefix(name, "secret "), "/")
		w.pending[name] = ""
		return kind, func() error {
			_, err := v.SetSecret(v.ctx, &pb.SetSecretRequest{Name: secret, EnvironmentName: &environment})
			return err
		}
	case "create environment":
		name, description := fmt.Sprintf("%s-%d", w.name, w.count), fmt.Sprint("made in call ", w.count)
		w.pending["environment "+name] = description
		return kind, func() error {
			_, err := v.CreateEnvironment(v.ctx, &pb.CreateEnvironmentRequest{Name: name, Description: &description})
			return err
		}
	case "delete environment":
		name := strings.TrimPrefix(w.some("environment "), "environment ")
		if name == "" || w.some("secret "+name+"/") != "" {
			return "set secret", w.setSecret(v)
		}
		w.pending["environment "+name] = ""
		return kind, func() error {
			_, err := v.DeleteEnvironment(v.ctx, &pb.DeleteEnvironmentRequest{Name: name})
			return err
		}
	case "scale":
		if _, ok := w.known["scale of "+app]; !ok {
			return "set alias", w.setAlias(v, app)
		}
		n := int32(w.random.IntN(1000))
		most := n%3 + 1 // the buffer has so many runners be started
		w.pending["scale of "+app] = scaleFact(n, most, n+2, n+3, n+4)
		return kind, func() error {
			_, err := v.UpdateApplication(v.ctx, &pb.UpdateApplicationRequest{
				ApplicationName: app, KeepAlive: new(n), MaxConcurrency: new(most), ConcurrencyBuffer: new(n + 2), RequestTimeout: new(n + 3), ScalingDelaySeconds: new(n + 4),
			})
			return err
		}
	case "set alias":
		return kind, w.setAlias(v, app)
	case "delete alias":
		if _, ok := w.known["revision of "+app]; !ok {
			return "set alias", w.setAlias(v, app)
		}
		w.pending["revision of "+app], w.pending["scale of "+app] = "", ""
		return kind, func() error {
			_, err := v.DeleteAlias(v.ctx, &pb.DeleteAliasRequest{Alias: app})
			return err
		}
	}
	alias := fmt.Sprintf("%s-%d", w.name, w.count)
	scope := pb.CreateUserKeyRequest_Scope(w.random.IntN(2))
	w.pending["key "+alias] = scope.String()
	return "create key", func() error {
		key, err := v.CreateUserKey(v.ctx, &pb.CreateUserKeyRequest{Scope: scope, Alias: &alias})
		if err == nil {
			w.keys[alias] = Credentials{KeyID: key.GetKeyId(), Secret: key.GetKeySecret()}
		}
		return err
	}
}

func (w *writer) setSecret(v *victim) func() error {
	environment, secret := "main", fmt.Sprintf("%s_%d", w.name, w.random.IntN(3))
	if other := w.some("environment "); other != "" && w.random.IntN(2) == 0 {
		environment = strings.TrimPrefix(other, "environment ")
	}
	name, value := "secret "+environment+"/"+secret, fmt.Sprintf("value %d", w.count)
	request := &pb.SetSecretRequest{Name: secret, Value: &value, EnvironmentName: &environment}
	if w.random.IntN(2) == 0 {
		request.DefaultExposed = new(w.random.IntN(2) == 0)
	}
	exposed := request.DefaultExposed
	if before, ok := w.known[name]; ok && exposed == nil && !strings.HasSuffix(before, ", unsaid") {
		exposed = new(strings.HasSuffix(before, ", exposed true"))
	}
	w.pending[name] = secretFact(value, exposed)
	return func() error {
		_, err := v.SetSecret(v.ctx, request)
		return err
	}
}

func (w *writer) setAlias(v *victim, app string) func() error {
	revision := w.revisions[w.random.IntN(len(w.revisions))]
	auth := pb.ApplicationAuthMode(w.random.IntN(3))
	w.pending["revision of "+app] = revisionFact(revision.GetApplicationId(), auth, revision.GetMaxMultiplexing(), revision.GetStartupTimeout(), revision.GetMachineTypes())
	if _, ok := w.known["scale of "+app]; !ok {
		w.pending["scale of "+app] = scaleFact(revision.GetKeepAlive(), revision.GetMaxConcurrency(), revision.GetConcurrencyBuffer(), revision.GetRequestTimeout(), revision.GetScalingDelaySeconds())
	}
	return func() error {
		_, err := v.SetAlias(v.ctx, &pb.SetAliasRequest{Alias: app, Revision: revision.GetApplicationId(), AuthMode: &auth, DeploymentStrategy: new(pb.DeploymentStrategy(w.random.IntN(2)))})
		return err
	}
}

// settle compares what a restarted control plane says with what was
// acknowledged. A call that was under way at the kill has happened as a whole or
// not at all; which of the two counts from then on. It returns how many facts
// of that call are as it wanted them, and how many as they were before.
func (w *writer) settle(t *testing.T, seen facts) (happened, missed int) {
	t.Helper()
	for name, fact := range w.pending {
		switch seen[name] {
		case fact:
			happened++
		case w.known[name]:
			missed++
		default:
			t.Errorf("writer %s: %s was %q and under way to %q; now it is %q", w.name, name, w.known[name], fact, seen[name])
		}
		delete(w.known, name)
		w.learn(name, seen[name])
	}
	if happened > 0 && missed > 0 {
		t.Errorf("writer %s: half of a call has happened: %v", w.name, w.pending)
	}
	w.pending = nil
	for name, fact := range w.known {
		if seen[name] != fact {
			t.Errorf("writer %s: %s was acknowledged as %q; now it is %q", w.name, name, fact, seen[name])
		}
	}
	return happened, missed
}

// TestKilledAtRandomPointsOfMixedWrites kills a control plane again and again
// while it is written to. The seed of a failed run repeats what was asked for,
// though not the moments of the kills.
func TestKilledAtRandomPointsOfMixedWrites(t *testing.T) {
	const (
		total    = 500 // acknowledged writes
		kills    = 12
		parallel = 4
	)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	kinds := make(map[string]*atomic.Uint64)
	for _, kind := range writes() {
		kinds[kind] = new(atomic.Uint64)
	}
	for range 3 { // the very first start among others
		launch(t, dir, time.Millisecond+time.Duration(random.IntN(50))*time.Millisecond)
	}
	v := launch(t, dir, 0)
	listed, err := v.ListApplications(v.ctx, &pb.ListApplicationsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var writers []*writer
	for i := range parallel {
		writers = append(writers, &writer{
			name: fmt.Sprintf("w%d", i), random: rand.New(rand.NewPCG(seed, uint64(i+1))), revisions: listed.GetApplications(),
			known: make(facts), keys: make(map[string]Credentials), kinds: kinds,
		})
	}
	others := v.observe(t) // which no writer changes

	done, happened, missed := 0, 0, 0
	for killed := 0; killed < kills || done < total; killed++ {
		done += v.writeUntilKilled(t, writers, 10+random.Int64N(64), time.Duration(random.IntN(2000))*time.Microsecond)
		if killed%4 == 3 {
			launch(t, dir, time.Millisecond+time.Duration(random.IntN(100))*time.Millisecond)
		}
		v = launch(t, dir, 0)
		seen := v.observe(t)
		all := maps.Clone(others)
		for _, w := range writers {
			yes, no := w.settle(t, seen)
			happened, missed = happened+yes, missed+no
			maps.Copy(all, w.known)
		}
		for name, fact := range seen {
			if all[name] != fact {
				t.Errorf("%s is %q, which nobody asked for", name, fact)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	for kind, count := range kinds {
		if count.Load() == 0 {
			t.Errorf("there was no call to %s", kind)
		}
	}
	if happened+missed == 0 {
		t.Error("no call was under way at any kill")
	}
	for _, w := range writers {
		for alias, key := range w.keys {
			_, valid := w.known["key "+alias]
			c := dialAddress(t, v.hello.Address, key)
			if _, err := c.ListEnvironments(c.ctx, &pb.ListEnvironmentsRequest{}); (err == nil) != valid {
				t.Errorf("key %s, valid %t: %v", alias, valid, err)
			}
		}
	}
	t.Logf("%d acknowledged writes; of what was under way at a kill %d had happened and %d had not", done, happened, missed)
	v.command.Process.Kill()
	v.command.Wait()
}

// writeUntilKilled has the writers write until so many calls were acknowledged
// and a little longer, kills the control plane under them and returns how many
// there were.
func (v *victim) writeUntilKilled(t *testing.T, writers []*writer, enough int64, later time.Duration) int {
	t.Helper()
	var acknowledged atomic.Int64
	killing := make(chan struct{})
	var kill sync.Once
	var group sync.WaitGroup
	for _, w := range writers {
		group.Go(func() {
			for {
				if err := w.write(v); err != nil {
					select {
					case <-killing:
					default:
						t.Error(errors.Join(errors.New("refused before the kill"), err))
						v.command.Process.Kill()
					}
					return
				}
				if acknowledged.Add(1) >= enough {
					kill.Do(func() {
						time.AfterFunc(later, func() {
							close(killing)
							v.command.Process.Kill()
						})
					})
				}
			}
		})
	}
	group.Wait()
	v.command.Wait()
	return int(acknowledged.Load())
}
