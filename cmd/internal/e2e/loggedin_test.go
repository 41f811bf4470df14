//go:build unix

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdLoggedIn leaves a login behind, as the official client writes it: the
// device flow with a person who approves it: loggedin PERSON.
func cmdLoggedIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: loggedin PERSON")
	}
	const client = "TwXR51Vz8JbY8GUUMy6EyuVR0fTO7N4N"
	base := ts.Getenv("FAL_AUTH_URL")
	var device struct {
		DeviceCode string `json:"device_code"`
		Page       string `json:"verification_uri_complete"`
	}
	ts.Check(ask(base+"/oauth/device/code", url.Values{"client_id": {client}, "scope": {"openid offline_access"}}, &device))
	var page string
	ts.Check(ask(device.Page, nil, &page))
	form := url.Values{"action": {"approve"}, "person": {args[0]}}
	for _, field := range regexp.MustCompile(`name="(user_code|csrf_token)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(field[1], field[2])
	}
	ts.Check(ask(base+"/activate", form, &page))
	var tokens struct {
		Refresh string `json:"refresh_token"`
		Access  string `json:"access_token"`
	}
	ts.Check(ask(base+"/oauth/token", url.Values{
		"client_id": {client}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device.DeviceCode},
	}, &tokens))
	path := filepath.Join(ts.Getenv("FAL_HOME_DIR"), "auth0_token")
	ts.Check(os.WriteFile(path, []byte(tokens.Refresh+"\n"+tokens.Access), 0o600))
}

// ask sends a form, or without one reads a page, and decodes the answer into a
// text, or as JSON into anything else.
func ask(address string, form url.Values, into any) (err error) {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s %s", method, address, response.Status, body)
	}
	if text, ok := into.(*string); ok {
		*text = string(body)
		return nil
	}
	return json.Unmarshal(body, into)
}
