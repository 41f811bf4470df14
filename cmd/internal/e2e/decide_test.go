//go:build unix

package e2e

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdDecide is the person at the browser. Once a program has printed an
// address into a file, the page there is opened, and the form on it posted as
// a browser would: decide FILE approve|deny PERSON.
func cmdDecide(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: decide FILE approve|deny PERSON")
	}
	var address string
	for end := time.Now().Add(patience); address == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("no address in %s: %s", args[0], ts.ReadFile(args[0]))
		}
		if found := regexp.MustCompile(`(?m)^  (http\S+)\r?\n`).FindStringSubmatch(ts.ReadFile(args[0])); found != nil {
			address = found[1]
		}
	}
	client := &http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	page, at := visit(ts, client, http.MethodGet, address, nil)
	form := url.Values{"person": {args[2]}, "action": {args[1]}}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		form.Set(field[1], field[2])
	}
	visit(ts, client, http.MethodPost, at, form)
}

// visit returns a page, and the address that it was found at in the end.
func visit(ts *testscript.TestScript, client *http.Client, method, address string, form url.Values) (page, at string) {
	request, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	ts.Check(err)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := client.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if response.StatusCode != http.StatusOK {
		ts.Fatalf("%s %s: %s\n%s", method, address, response.Status, body)
	}
	return string(body), response.Request.URL.String()
}
