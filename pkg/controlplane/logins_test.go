package controlplane

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/fal-plugins/fal/pkg/controlplane/issuer"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// quickLogins are for tests that do not wait.
func quickLogins() *Logins { return &Logins{PollInterval: time.Nanosecond} }

// oauth posts a form to the issuer and decodes what it answers.
func oauth(t *testing.T, s *Server, path string, form url.Values) (int, map[string]any) {
	t.Helper()
	form.Set("client_id", issuer.ClientID)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.AuthURL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(content, &body); err != nil {
		t.Fatalf("%s answers %d %q", path, response.StatusCode, content)
	}
	return response.StatusCode, body
}

func refreshed(t *testing.T, s *Server, refreshToken string) (int, map[string]any) {
	t.Helper()
	return oauth(t, s, "/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
}

// login logs a person in and returns an access and a refresh token.
func login(t *testing.T, s *Server, person string) (access, refresh string) {
	t.Helper()
	code, device := oauth(t, s, "/oauth/device/code", url.Values{"scope": {"openid profile email offline_access"}})
	if code != http.StatusOK {
		t.Fatalf("device code: %d %v", code, device)
	}
	if err := s.ApproveLogin(t.Context(), device["user_code"].(string), person); err != nil {
		t.Fatal(err)
	}
	code, tokens := oauth(t, s, "/oauth/token", url.Values{
		"grant_type":  {"urn:ietf:params:oauth:grant-type:device_code"},
		"device_code": {device["device_code"].(string)},
	})
	if code != http.StatusOK {
		t.Fatalf("tokens: %d %v", code, tokens)
	}
	return tokens["access_token"].(string), tokens["refresh_token"].(string)
}

func teams(t *testing.T, s *Server, credentials string) map[string]restwire.Team {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+"/users/teams", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", credentials)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var list []restwire.Team
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("teams: %d, %v", response.StatusCode, err)
	}
	found := make(map[string]restwire.Team)
	for _, team := range list {
		found[team.Nickname] = team
	}
	return found
}

func TestLoginsActAsTheirAccounts(t *testing.T) {
	s := start(t, Options{Logins: quickLogins()})
	access, _ := login(t, s, "you")
	found := teams(t, s, "Bearer "+access)
	for nickname, want := range map[string]restwire.Team{
		"local":       {IsPersonal: true, FullName: "Local Account"},
		"sample-team": {FullName: "Sample Team"},
		"sample-org":  {IsOrg: true, FullName: "Sample Organization"},
		"former-team": {FullName: "Former Team", LockReason: new(state.Archived)},
	} {
		got := found[nickname]
		if got.IsPersonal != want.IsPersonal || got.IsOrg != want.IsOrg || got.FullName != want.FullName || (got.LockReason == nil) != (want.LockReason == nil) || got.UserID == "" {
			t.Errorf("%s: %+v", nickname, got)
		}
	}
	if locked := found["former-team"].LockReason; len(found) != 4 || locked == nil || *locked != state.Archived {
		t.Errorf("the accounts are %+v", found)
	}
	other, _ := login(t, s, "colleague")
	foreign := teams(t, s, "Bearer "+other)["colleague"].UserID
	if own := teams(t, s, "Key "+s.Credentials().Key()); len(own) != 1 || own["local"].UserID != found["local"].UserID {
		t.Errorf("those of a key are %+v", own)
	}

	c := dial(t, s, Credentials{})
	for name, test := range map[string]struct {
		userID   string
		nickname string
		code     codes.Code
		status   int
	}{
		"nobody named":  {"", "local", codes.OK, 200},
		"the personal":  {found["local"].UserID, "local", codes.OK, 200},
		"the team":      {found["sample-team"].UserID, "sample-team", codes.OK, 200},
		"the org":       {found["sample-org"].UserID, "sample-org", codes.OK, 200},
		"the archived":  {found["former-team"].UserID, "", codes.PermissionDenied, 403},
		"a colleague's": {foreign, "", codes.PermissionDenied, 403},
		"an unknown":    {"local|nobody", "", codes.PermissionDenied, 403},
	} {
		t.Run(name, func(t *testing.T) {
			pairs, header := []string{"authorization", "Bearer " + access}, http.Header{"Authorization": {"Bearer " + access}}
			if test.userID != "" {
				pairs = append(pairs, "fal-user-id", test.userID)
				header.Set("X-Fal-User-Id", test.userID)
			}
			ctx := metadata.AppendToOutgoingContext(t.Context(), pairs...)
			created, err := c.CreateUserKey(ctx, &pb.CreateUserKeyRequest{})
			if status.Code(err) != test.code {
				t.Errorf("gRPC: %v, want %v", err, test.code)
			}
			code, body, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/users/current", header)
			if code != test.status || code == 200 && body["nickname"] != test.nickname {
				t.Errorf("REST: %d %v", code, body)
			}
			if err != nil {
				return
			}
			// The key is one of the account that was acted as.
			key := Credentials{KeyID: created.GetKeyId(), Secret: created.GetKeySecret()}
			if _, body, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/users/current", http.Header{"Authorization": {"Key " + key.Key()}}); body["nickname"] != test.nickname {
				t.Errorf("the key is that of %v", body)
			}
		})
	}
}

func TestLoginsEndAtOnce(t *testing.T) {
	s := start(t, Options{Logins: quickLogins()})
	access, refresh := login(t, s, "you")
	c := dial(t, s, Credentials{})
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+access)
	if _, err := c.ListRunners(ctx, &pb.ListRunnersRequest{}); err != nil {
		t.Fatal(err)
	}
	if code, body := oauth(t, s, "/oauth/revoke", url.Values{"token": {refresh}}); code != http.StatusOK {
		t.Fatalf("revoked: %d %v", code, body)
	}
	if _, err := c.ListRunners(ctx, &pb.ListRunnersRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("gRPC after the end: %v", err)
	}
	code, _, header := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/users/current", http.Header{"Authorization": {"Bearer " + access}})
	if code != http.StatusUnauthorized || !slices.Contains(header.Values("WWW-Authenticate"), "Bearer") {
		t.Errorf("REST after the end: %d, %v", code, header)
	}
	if code, body := refreshed(t, s, refresh); code != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("refreshed: %d %v", code, body)
	}
}

func TestLoginsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{DataDir: dir, Logins: quickLogins()})
	access, refresh := login(t, s, "you")
	code, first := refreshed(t, s, refresh)
	if code != http.StatusOK {
		t.Fatalf("refreshed: %d %v", code, first)
	}
	stop(t, s)
	for _, name := range []string{"state.db", "state.db-wal", LoginKeyFile} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, token := range []string{access, refresh, first["refresh_token"].(string)} {
			if strings.Contains(string(content), token) {
				t.Errorf("%s has a token in it", name)
			}
		}
	}
	s = start(t, Options{DataDir: dir, Logins: quickLogins()}) // at another port
	if code, body, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/users/current", http.Header{"Authorization": {"Bearer " + access}}); code != http.StatusOK {
		t.Errorf("the access token: %d %v", code, body)
	}
	if code, again := refreshed(t, s, refresh); code != http.StatusOK || again["refresh_token"] != first["refresh_token"] {
		t.Errorf("the token before: %d %v", code, again)
	}
	if code, body := refreshed(t, s, first["refresh_token"].(string)); code != http.StatusOK {
		t.Errorf("the last token: %d %v", code, body)
	}
	stop(t, s)

	s = start(t, Options{DataDir: dir})
	if code, body, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/users/current", http.Header{"Authorization": {"Bearer " + access}}); code != http.StatusUnauthorized || !strings.Contains(body["detail"].(string), "without logins") {
		t.Errorf("without logins: %d %v", code, body)
	}
	stop(t, s)

	if err := os.WriteFile(filepath.Join(dir, LoginKeyFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{DataDir: dir, Logins: quickLogins(), Supervisor: []string{executable(t), "__supervise"}}); err == nil || !strings.Contains(err.Error(), LoginKeyFile) {
		t.Errorf("with a damaged key: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, LoginKeyFile)); err != nil {
		t.Fatal(err)
	}
	s = start(t, Options{DataDir: dir, Logins: quickLogins()})
	if code, body, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/users/current", http.Header{"Authorization": {"Bearer " + access}}); code != http.StatusUnauthorized {
		t.Errorf("under another key: %d %v", code, body)
	}
	login(t, s, "you")
}

func TestLifetimesOfLogins(t *testing.T) {
	o := quickLogins()
	o.AccessTokenLifetime = time.Nanosecond // which the second that tokens count in makes at most one of
	o.RefreshTokenGrace = time.Nanosecond
	s := start(t, Options{Logins: o})
	access, refresh := login(t, s, "you")
	await(t, "the end of an access token", func() bool {
		code, body, _ := rest(t, http.DefaultClient, http.MethodGet, "http://"+s.Addr()+"/users/current", http.Header{"Authorization": {"Bearer " + access}})
		return code == http.StatusUnauthorized && strings.Contains(body["detail"].(string), "has expired")
	})
	if code, body := refreshed(t, s, refresh); code != http.StatusOK {
		t.Fatalf("refreshed: %d %v", code, body)
	}
	if code, body := refreshed(t, s, refresh); code != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("refreshed with the same: %d %v", code, body)
	}
}

func TestWithoutLogins(t *testing.T) {
	s := start(t, Options{})
	if s.AuthURL() != "" {
		t.Errorf("the issuer is at %s", s.AuthURL())
	}
	code, body, _ := rest(t, http.DefaultClient, http.MethodPost, "http://"+s.Addr()+"/auth/oauth/device/code", nil)
	if description, _ := body["error_description"].(string); code != http.StatusNotFound || !strings.Contains(description, "without logins") {
		t.Errorf("the issuer answers %d %v", code, body)
	}
	if err := s.ApproveLogin(t.Context(), "BBBB-BBBB", "you"); err == nil {
		t.Error("a login was approved")
	}
	if err := s.DenyLogin(t.Context(), "BBBB-BBBB"); err == nil {
		t.Error("a login was denied")
	}
	if _, err := os.Stat(filepath.Join(s.options.DataDir, LoginKeyFile)); !os.IsNotExist(err) {
		t.Errorf("the key of logins: %v", err)
	}
}
