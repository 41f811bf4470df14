package controlplane

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// doomedControlPlane runs until it is killed, and says where it answers.
func doomedControlPlane(dataDir string) int {
	exe, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s, err := Start(context.Background(), Options{
		DataDir:    dataDir,
		Supervisor: []string{exe, "__supervise"},
		SampleArgv: []string{exe, "__sample"},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, err := s.StartSample(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.Addr())
	select {}
}

func TestKillInTheMiddleOfAcknowledgedWrites(t *testing.T) {
	dir := t.TempDir()
	command := exec.Command(executable(t), "__controlplane", dir)
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer command.Process.Kill()
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := ReadCredentials(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := dialAddress(t, strings.TrimSpace(address), credentials)
	await(t, "the sample's runners", func() bool {
		up := 0
		for _, r := range c.list(t) {
			if r.GetState() == pb.RunnerInfo_IDLE {
				up++
			}
		}
		return up == 3
	})

	// Writers go on until the control plane dies under them.
	const acknowledged = 1000
	var mu sync.Mutex
	keys := make(map[string]string)
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for {
				key, err := c.CreateUserKey(c.ctx, &pb.CreateUserKeyRequest{Scope: pb.CreateUserKeyRequest_API})
				if err != nil {
					return
				}
				mu.Lock()
				keys[key.GetKeyId()] = key.GetKeySecret()
				if len(keys) == acknowledged {
					command.Process.Kill()
				}
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	command.Wait()
	if len(keys) < acknowledged {
		t.Fatalf("writing ended after %d keys", len(keys))
	}

	s := start(t, Options{DataDir: dir})
	if s.Credentials() != credentials {
		t.Error("the credentials changed")
	}
	listed, err := dial(t, s, credentials).ListUserKeys(
		metadata.AppendToOutgoingContext(t.Context(), "auth-key-id", credentials.KeyID, "auth-key", credentials.Secret),
		&pb.ListUserKeysRequest{})
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, key := range listed.GetUserKeys() {
		found[key.GetKeyId()] = true
	}
	for id, secret := range keys {
		if !found[id] {
			t.Errorf("the acknowledged key %s is lost", id)
		}
		if _, err := s.state.Authenticate(id, secret); err != nil {
			t.Errorf("key %s: %v", id, err)
		}
	}
	for _, r := range awaitUp(t, s, "sample", 3) {
		if alive := alive(r.PID); !alive {
			t.Errorf("runner %s has no process", r.ID)
		}
	}
	ended, err := s.state.Runners(t.Context(), caller(t, s), state.Query{EndedSince: earliest()})
	if err != nil {
		t.Fatal(err)
	}
	restarted := 0
	for _, r := range ended {
		if r.State == state.Terminated && r.Reason == "control plane restarted" {
			restarted++
			await(t, "the end of what its control plane left", func() bool { return !alive(r.PID) })
		}
	}
	if restarted != 3 {
		t.Errorf("%d runners recorded as lost with their control plane, want 3", restarted)
	}
}
