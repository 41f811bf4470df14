// Package localplane finds the control plane that fal-local runs on this
// machine, and asks it.
//
//	folder, err := localplane.Folder(getenv)
//	record, ok, err := localplane.Read(folder)
//	err = record.Call(ctx, http.MethodGet, localplane.PathHealth, nil)
//
// A record proves nothing by itself: a server that was killed leaves it
// behind. Who answers Call is the server that wrote it, since it knows the
// token. Call opens connections to the loopback interface alone, through no
// proxy, and follows no redirect.
package localplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// RecordName is the file in the data folder that holds the record.
const RecordName = "fal-local-server.json"

// MarkerName is the file that makes a folder a data folder.
const MarkerName = "fal-local.json"

// LoginFolder is the folder in a data folder that has the files of whoever logs in
// to its control plane: FAL_HOME_DIR where that login is used.
const LoginFolder = "login"

// PathHealth is what a server answers with what it says of itself.
const PathHealth = "/health"

// maxAnswer bounds what is read of an answer, in bytes: a stranger may give it
// that got the port of a server that was killed.
const maxAnswer = 1 << 20

// Record is what a running server leaves in its folder for the commands.
type Record struct {
	PID       int       `json:"pid"`
	Address   string    `json:"address"` // of gRPC and REST
	TLS       bool      `json:"tls"`
	Control   string    `json:"control"` // where the commands reach it
	Token     string    `json:"token"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
}

// Read reads the record of a data folder. ok is false when there is none that
// says anything; an error is that of the file.
func Read(folder string) (r Record, ok bool, err error) {
	data, err := os.ReadFile(filepath.Join(folder, RecordName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Record{}, false, nil
	case err != nil:
		return Record{}, false, err
	}
	ok = json.Unmarshal(data, &r) == nil && r.Control != "" && r.Token != ""
	return r, ok, nil
}

// Failure is the body of an answer that is no success.
type Failure struct {
	Message string `json:"message"`
}

// Call asks the server. The answer is decoded into into, unless that is nil.
// An error is that of the connection, or what the server says.
func (r Record) Call(ctx context.Context, method, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+r.Control+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+r.Token)
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true}, // and no proxy
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		var failed Failure
		if json.Unmarshal(body, &failed) == nil && failed.Message != "" {
			return errors.New(failed.Message)
		}
		return fmt.Errorf("the server answered %s", response.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(bytes.NewReader(body)).Decode(into)
}

// Running is the record of the control plane that is used unless another one is
// named, and whether that answers and is to go on.
func Running(ctx context.Context, getenv func(string) string) (r Record, runs bool) {
	folder, err := Folder(getenv)
	if err != nil {
		return Record{}, false
	}
	r, ok, err := Read(folder)
	if err != nil || !ok {
		return Record{}, false
	}
	var health struct {
		Stopping bool `json:"stopping"`
	}
	err = r.Call(ctx, http.MethodGet, PathHealth, &health)
	return r, err == nil && !health.Stopping
}

// Folder is the data folder that is used unless another one is named; where the
// login of a control plane is used, it is that one's. Its error is one of usage:
// no home folder is known.
func Folder(getenv func(string) string) (string, error) {
	base, err := home(getenv)
	if err != nil {
		return "", err
	}
	if dir, name := filepath.Split(filepath.Clean(base)); name == LoginFolder {
		if info, err := os.Lstat(filepath.Join(dir, MarkerName)); err == nil && info.Mode().IsRegular() {
			return filepath.Clean(dir), nil
		}
	}
	return filepath.Join(base, "local"), nil
}

// home is where the suite keeps what belongs to the user.
func home(getenv func(string) string) (string, error) {
	home, homeErr := os.UserHomeDir()
	dir := getenv("FAL_HOME_DIR")
	switch {
	case dir == "" && homeErr != nil:
		return "", cli.Usagef("no home folder is known").WithHint("set HOME, or name a folder with --data-dir")
	case dir == "":
		return filepath.Join(home, ".fal"), nil
	case dir == "~" && homeErr == nil:
		return home, nil
	case len(dir) > 1 && dir[0] == '~' && os.IsPathSeparator(dir[1]) && homeErr == nil:
		return filepath.Join(home, dir[2:]), nil
	}
	return dir, nil
}
