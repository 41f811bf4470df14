package local

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"
)

// send sends a form, or without one asks, and returns the body.
func (b *bench) send(address string, form url.Values, header http.Header) string {
	b.t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(testContext(b.t), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Close = true
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %s %s, %v", method, address, response.Status, body, err)
	}
	return string(body)
}

func (b *bench) decode(text string) map[string]any {
	b.t.Helper()
	var into map[string]any
	if err := json.Unmarshal([]byte(text), &into); err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
	return into
}

func TestLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.start("--login")
	if !s.Login {
		t.Error("the status says nothing of logins")
	}
	folder := filepath.Join(b.data(), "login")
	b.run("env").ok().prints("export FAL_HOST='" + *s.Address + "'\n" +
		"export FAL_GRPC_HOST='" + *s.Address + "'\n" +
		"export FAL_REST_HOST='" + *s.Address + "'\n" +
		"export ISOLATE_TEST_MODE='1'\n" +
		"export FAL_AUTH_URL='http://" + *s.Address + "/auth'\n" +
		"export FAL_HOME_DIR='" + folder + "'\n" +
		"export FAL_CONFIG_PATH='" + filepath.Join(folder, "config.toml") + "'\n" +
		"export FAL_FORCE_AUTH_BY_USER='1'\n")
	if info, err := os.Stat(folder); err != nil || goruntime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("the folder for the login: %v, %v", info, err)
	}
	b.run("env", "-q", ".FAL_KEY").ok().prints("null\n")

	// In a shell that has run this, the control plane is the same one.
	shell := []string{"FAL_HOME_DIR=" + folder, "FAL_CONFIG_PATH=" + filepath.Join(folder, "config.toml")}
	b.runEnv(shell, "status", "-q", ".data_dir").ok().prints(b.data() + "\n")
	b.runEnv(shell, "start", "--login").ok().says("already running")

	base := "http://" + *s.Address
	client := "TwXR51Vz8JbY8GUUMy6EyuVR0fTO7N4N"
	device := b.decode(b.send(base+"/auth/oauth/device/code", url.Values{"client_id": {client}, "scope": {"openid offline_access"}}, http.Header{}))
	page := b.send(device["verification_uri_complete"].(string), nil, nil)
	form := url.Values{"action": {"approve"}, "person": {"you"}}
	for _, field := range regexp.MustCompile(`name="(user_code|csrf_token)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(field[1], field[2])
	}
	b.send(base+"/auth/activate", form, http.Header{})
	tokens := b.decode(b.send(base+"/auth/oauth/token", url.Values{
		"client_id": {client}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device["device_code"].(string)},
	}, http.Header{}))
	bearer := http.Header{"Authorization": {"Bearer " + tokens["access_token"].(string)}}
	if teams := b.send(base+"/users/teams", nil, bearer.Clone()); !strings.Contains(teams, `"nickname":"sample-team"`) {
		t.Errorf("the accounts are %s", teams)
	}

	// The key is good as well, and logins go on after a restart.
	if response := b.get(http.DefaultTransport, base, b.key()); response.StatusCode != http.StatusOK {
		t.Errorf("with the key: %s", response.Status)
	}
	b.stop()
	s = b.start("--login")
	if current := b.send("http://"+*s.Address+"/users/current", nil, bearer.Clone()); !strings.Contains(current, `"nickname":"local"`) {
		t.Errorf("after a restart: %s", current)
	}
	b.stop()
	if s = b.start(); s.Login {
		t.Error("started without logins it has them")
	}
	b.run("start", "--login").exits(1).says("error: the control plane is running without logins").says("hint: fal-local stop")
	b.run("env", "-q", ".FAL_KEY").ok().prints(b.key() + "\n")
	b.stop()
	b.gone()
}
