package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

const (
	deployName = "fal deploy of an image, the service's work included"
	// maxDeploy bounds a deployment in milliseconds. What it is held against is
	// the client's own part, which is smaller by all that the service does.
	maxDeploy = 40
)

const benchProject = `[tool.fal.apps.bench]
image = { dockerfile = "Dockerfile" }
`

const benchDockerfile = `FROM scratch
COPY files /
CMD ["sleep", "1000"]
`

// deploys deploys an app again and again: its files are there already, and its
// environment is built.
func (b *bench) deploys(env []string) error {
	if !b.wanted(deployName) {
		return nil
	}
	fmt.Fprintln(os.Stderr, deployName, "…")
	dir := filepath.Join(b.work, "deployed")
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o700); err != nil {
		return err
	}
	files := map[string]string{"pyproject.toml": benchProject, "Dockerfile": benchDockerfile}
	for i := range 10 {
		files[filepath.Join("files", fmt.Sprint(i))] = fmt.Sprint(i)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	var whole, calls []time.Duration
	for i := range b.runs + 1 {
		wall, waited, err := b.deploy(dir, env)
		if err != nil {
			return err
		}
		if i > 0 { // the first one sends the files
			whole, calls = append(whole, wall), append(calls, waited)
		}
	}
	slices.Sort(whole)
	slices.Sort(calls)
	a, p := whole[len(whole)/2], calls[len(calls)/2]
	b.rows = append(b.rows, row{name: deployName, ours: milliseconds(a), peer: milliseconds(p), ratio: float64(a) / float64(time.Millisecond), bound: maxDeploy, unit: " ms"})
	return nil
}

// deploy is how long one deployment took, and how long it waited for the calls
// that build and register.
func (b *bench) deploy(dir string, env []string) (wall, waited time.Duration, err error) {
	cmd := exec.Command(b.program("fal"), "deploy", "bench", "--json")
	cmd.Dir, cmd.Env = dir, env
	began := time.Now()
	out, err := cmd.Output()
	wall = time.Since(began)
	if err != nil {
		return 0, 0, fmt.Errorf("%q: %w", cmd.Args, err)
	}
	var told struct {
		Phases []struct {
			Phase   string  `json:"phase"`
			Seconds float64 `json:"seconds"`
		} `json:"phases"`
	}
	if err := json.Unmarshal(out, &told); err != nil {
		return 0, 0, err
	}
	for _, p := range told.Phases {
		if p.Phase == "build" || p.Phase == "register" {
			waited += time.Duration(p.Seconds * float64(time.Second))
		}
	}
	return wall, waited, nil
}
