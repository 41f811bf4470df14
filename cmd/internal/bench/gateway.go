package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	gatewayName     = "a request through the gateway / to its runner"
	gatewayBound    = 4 // times as long, at least for a runner that does next to nothing
	gatewayRequests = 200
)

// gateway compares short requests to an app with the same to its runner, one
// after the other.
func (b *bench) gateway(cp *server, env []string) error {
	if !b.wanted(gatewayName) {
		return nil
	}
	fmt.Fprintln(os.Stderr, gatewayName, "…")
	key := "Key " + cp.keyID + ":" + cp.secret
	port := ""
	for deadline := time.Now().Add(time.Minute); port == ""; time.Sleep(100 * time.Millisecond) {
		list := exec.Command(b.program("fal-runners"), "list", "--state", "idle", "--jq", ".runners[].runner_id")
		list.Env = env
		ids, err := list.Output()
		if err != nil {
			return fmt.Errorf("%q: %w", list.Args, err)
		}
		if id, _, _ := strings.Cut(string(ids), "\n"); id != "" {
			if port, err = runnerPort("http://"+cp.addr, key, id); err != nil {
				return err
			}
		}
		if time.Now().After(deadline) {
			return errors.New("no runner of the sample came up")
		}
	}
	app, runner := "http://"+cp.addr+"/local/sample/", "http://127.0.0.1:"+port+"/"
	var ours, bare []time.Duration
	for range gatewayRequests {
		a, err := timeRequest(app, key)
		if err != nil {
			return err
		}
		p, err := timeRequest(runner, key)
		if err != nil {
			return err
		}
		ours, bare = append(ours, a), append(bare, p)
	}
	slices.Sort(ours)
	slices.Sort(bare)
	a, p := ours[gatewayRequests/2], bare[gatewayRequests/2]
	b.rows = append(b.rows, row{name: gatewayName, ours: microseconds(a), peer: microseconds(p), ratio: float64(a) / float64(p), bound: gatewayBound})
	return nil
}

func microseconds(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }

func timeRequest(address, key string) (time.Duration, error) {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", key)
	begin := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	took := time.Since(begin)
	if response.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("%s: %s", address, response.Status))
	}
	return took, errors.Join(err, response.Body.Close())
}

// runnerPort is what a runner's history says, once it is written down.
func runnerPort(address, key, runner string) (string, error) {
	query := url.Values{"job_id": {runner}, "search": {"started on port"}, "source": {"lifecycle"}}
	request, err := http.NewRequest(http.MethodPost, address+"/logs/history?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var page struct {
		Items []struct {
			Message string `json:"message"`
		} `json:"items"`
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		return "", err
	}
	port := regexp.MustCompile(`started on port (\d+)`)
	for _, item := range page.Items {
		if found := port.FindStringSubmatch(item.Message); found != nil {
			return found[1], nil
		}
	}
	return "", nil
}
