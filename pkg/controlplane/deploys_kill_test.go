package controlplane

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/files"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// TestKilledWhileDeploying kills a control plane again and again while apps are
// deployed to it: a revision that it acknowledged is there with all that it is
// made of, and nothing else is in its store than whole files.
func TestKilledWhileDeploying(t *testing.T) {
	const kills = 5
	dir := t.TempDir()
	deployed := make(map[string]string) // function by revision
	for killed := range kills {
		v := launch(t, dir, 0)
		enough := len(deployed) + 3 + rand.IntN(10)
		later := time.Duration(rand.IntN(3000)) * time.Microsecond
		for n := 0; ; n++ {
			function := fmt.Sprintf("function %d of life %d", n, killed)
			result, _, err := v.register(&pb.RegisterApplicationRequest{
				ApplicationName: new(fmt.Sprintf("app-%d", n%4)),
				Environments:    []*pb.EnvironmentDefinition{image(t, fmt.Sprintf("mode-%d", n%3))},
				Callable:        &pb.RegisterApplicationRequest_Function{Function: &pb.SerializedObject{Method: "dill", Definition: []byte(function)}},
			})
			if err != nil {
				if len(deployed) < enough {
					t.Fatal(err)
				}
				break
			}
			deployed[result.GetResult().GetApplicationId()] = function
			if len(deployed) == enough {
				time.AfterFunc(later, func() { v.command.Process.Kill() })
			}
		}
		v.command.Wait() // it was killed
		checkKept(t, filepath.Join(dir, "files"), deployed)
	}
	v := launch(t, dir, 0)
	listed, err := v.ListApplications(v.ctx, &pb.ListApplicationsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, revision := range listed.GetApplications() {
		there[revision.GetApplicationId()] = true
	}
	for revision := range deployed {
		if !there[revision] {
			t.Errorf("revision %s was acknowledged, and is not there", revision)
		}
	}
	t.Logf("%d revisions acknowledged", len(deployed))
	v.command.Process.Kill()
	v.command.Wait()
}

// checkKept looks for the functions in the store that a killed program left.
func checkKept(t *testing.T, dir string, functions map[string]string) {
	t.Helper()
	store, err := files.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for revision, want := range functions {
		sum := sha256.Sum256([]byte(want + "33152")) // as a file that its owner reads alone
		content, err := store.Open(hex.EncodeToString(sum[:]))
		if err != nil {
			t.Errorf("of revision %s: %v", revision, err)
			continue
		}
		got, err := io.ReadAll(content)
		content.Close()
		if err != nil || string(got) != want {
			t.Errorf("of revision %s: %q, %v; want %q", revision, got, err, want)
		}
	}
}
