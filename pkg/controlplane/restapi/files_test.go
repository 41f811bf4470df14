package restapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/controlplane/files"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// storing is a service with a store of files.
type storing struct {
	*service
	files *files.Store
}

func serveFiles(t testing.TB) *storing {
	t.Helper()
	store, err := files.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	// The address is known after the handler was made.
	var base string
	s := serve(t, state.Options{}, Options{Files: store})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		New(s.State, Options{Files: store, BaseURL: base}).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	base = server.URL
	s.url, s.client = server.URL, server.Client()
	return &storing{service: s, files: store}
}

// send sends a body and returns the status and the answer.
func (s *storing) send(method, location, contentType string, body []byte, header http.Header) (int, []byte, http.Header) {
	s.t.Helper()
	if strings.HasPrefix(location, "/") {
		location = s.url + location
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, location, bytes.NewReader(body))
	s.do(err)
	request.Header = header.Clone()
	if request.Header == nil {
		request.Header = http.Header{"Authorization": {"Key " + s.key}}
	}
	request.Header.Set("Content-Type", contentType)
	response, err := s.client.Do(request)
	s.do(err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	s.do(err)
	return response.StatusCode, content, response.Header
}

func (s *storing) json(method, path, body string, want int, into any) {
	s.t.Helper()
	status, content, _ := s.send(method, path, "application/json", []byte(body), nil)
	if status != want {
		s.t.Fatalf("%s %s: %d %s, want %d", method, path, status, content, want)
	}
	if into != nil {
		s.do(json.Unmarshal(content, into))
	}
}

// form is a multipart form with one file, as httpx makes it.
func form(t testing.TB, field string, content []byte) (contentType string, body []byte) {
	t.Helper()
	var buffer bytes.Buffer
	w := multipart.NewWriter(&buffer)
	part, err := w.CreateFormFile(field, "chunk")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), buffer.Bytes()
}

func hashOf(content string, mode int) string {
	sum := sha256.Sum256([]byte(content + strconv.Itoa(mode)))
	return hex.EncodeToString(sum[:])
}

func TestUpload(t *testing.T) {
	s := serveFiles(t)
	for name, test := range map[string]struct {
		content string
		part    int
	}{"empty": {"", 1}, "one part": {"hello", 10}, "parts": {"hello there", 4}} {
		t.Run(name, func(t *testing.T) {
			hash := hashOf(test.content, 33188)
			asked := fmt.Sprintf(`{"hashes": [%q]}`, hash)
			var missing []string
			s.json("POST", "/files/missing_hashes", asked, 200, &missing)
			if !reflect.DeepEqual(missing, []string{hash}) {
				t.Fatalf("missing %v", missing)
			}
			metadata := fmt.Sprintf(`{"size": "%d", "mtime": "1764000000.25", "mode": "33188", "hash": %q}`, len(test.content), hash)
			var begun restwire.UploadBegun
			s.json("POST", "/files/app/multipart/"+hash+"/initiate", metadata, 200, &begun)
			path := "/files/app/multipart/" + hash + "/" + begun.UploadID
			var parts []string
			for rest := test.content; len(parts) == 0 || rest != ""; {
				piece := rest[:min(test.part, len(rest))]
				rest = rest[len(piece):]
				contentType, body := form(t, "file_upload", []byte(piece))
				status, answer, _ := s.send("PUT", fmt.Sprintf("%s/%d", path, len(parts)+1), contentType, body, nil)
				if status != 200 {
					t.Fatalf("part: %d %s", status, answer)
				}
				parts = append(parts, string(answer))
			}
			var done restwire.UploadDone
			s.json("POST", path+"/complete", `{"parts": [`+strings.Join(parts, ",")+`], "metadata": `+metadata+`}`, 200, &done)
			if done.ETag == "" {
				t.Error("no ETag")
			}
			s.json("POST", "/files/missing_hashes", asked, 200, &missing)
			if len(missing) != 0 {
				t.Errorf("missing %v", missing)
			}
			s.json("POST", "/files/app/multipart/"+hash+"/initiate", metadata, 409, nil)
			content, err := s.files.Open(hash)
			s.do(err)
			defer content.Close()
			if got, err := io.ReadAll(content); err != nil || string(got) != test.content {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	s := serveFiles(t)
	hash := hashOf("x", 33188)
	metadata := fmt.Sprintf(`{"size": "1", "mtime": "1", "mode": "33188", "hash": %q}`, hash)
	var begun restwire.UploadBegun
	s.json("POST", "/files/app/multipart/"+hash+"/initiate", metadata, 200, &begun)
	s.json("POST", "/files/app/multipart/"+hash+"/"+begun.UploadID+"/cancel", "", 200, nil)
	s.json("POST", "/files/app/multipart/"+hash+"/"+begun.UploadID+"/cancel", "", 404, nil)
}

func TestUploadsThatAreRefused(t *testing.T) {
	s := serveFiles(t)
	hash := hashOf("x", 33188)
	metadata := func(size, mode, hash string) string {
		return fmt.Sprintf(`{"size": %q, "mtime": "1", "mode": %q, "hash": %q}`, size, mode, hash)
	}
	initiate := "/files/app/multipart/" + hash + "/initiate"
	var begun restwire.UploadBegun
	s.json("POST", initiate, metadata("1", "33188", hash), 200, &begun)
	part := "/files/app/multipart/" + hash + "/" + begun.UploadID + "/"
	formType, whole := form(t, "file_upload", []byte("x"))
	otherType, other := form(t, "something", []byte("x"))
	for name, test := range map[string]struct {
		method, path, contentType string
		body                      []byte
		want                      int
	}{
		"hashes that are none":     {"POST", "/files/missing_hashes", "application/json", []byte(`{"hashes": ["../x"]}`), 422},
		"no hashes":                {"POST", "/files/missing_hashes", "application/json", []byte(`{}`), 422},
		"no JSON":                  {"POST", "/files/missing_hashes", "application/json", []byte(`hashes`), 422},
		"too many hashes":          {"POST", "/files/missing_hashes", "application/json", []byte(`{"hashes": [` + strings.Repeat(`"",`, maxHashes) + `""]}`), 422},
		"too long a body":          {"POST", "/files/missing_hashes", "application/json", bytes.Repeat([]byte(" "), maxHashesBody+1), 422},
		"another hash":             {"POST", initiate, "application/json", []byte(metadata("1", "33188", hashOf("y", 33188))), 422},
		"no size":                  {"POST", initiate, "application/json", []byte(metadata("", "33188", hash)), 422},
		"too large":                {"POST", initiate, "application/json", []byte(metadata("1073741825", "33188", hash)), 422},
		"a folder's mode":          {"POST", initiate, "application/json", []byte(metadata("1", "16877", hash)), 422},
		"no mode":                  {"POST", initiate, "application/json", []byte(metadata("1", "rw", hash)), 422},
		"no body":                  {"POST", initiate, "application/json", nil, 422},
		"part that is no number":   {"PUT", part + "one", formType, whole, 422},
		"part 0":                   {"PUT", part + "0", formType, whole, 422},
		"no form":                  {"PUT", part + "1", "application/octet-stream", []byte("x"), 422},
		"another field":            {"PUT", part + "1", otherType, other, 422},
		"half a form":              {"PUT", part + "1", formType, whole[:len(whole)-5], 500},
		"no such upload":           {"PUT", "/files/app/multipart/" + hash + "/none/1", formType, whole, 404},
		"complete, no such upload": {"POST", "/files/app/multipart/" + hash + "/none/complete", "application/json", []byte(`{"parts": []}`), 404},
		"complete without parts":   {"POST", part + "complete", "application/json", []byte(`{"parts": []}`), 422},
		"a call of GET":            {"GET", initiate, "application/json", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			status, content, _ := s.send(test.method, test.path, test.contentType, test.body, nil)
			if status != test.want || !strings.Contains(string(content), `"detail"`) {
				t.Errorf("%d %s, want %d", status, content, test.want)
			}
		})
	}
	status, _, _ := s.send("POST", initiate, "application/json", nil, http.Header{})
	if status != 401 {
		t.Errorf("without credentials: %d", status)
	}
}

// TestKeysThatReadDoNotUpload covers every call of files and storage.
func TestKeysThatReadDoNotUpload(t *testing.T) {
	s := serveFiles(t)
	key, err := s.CreateKey(context.Background(), s.caller, state.API, "reader")
	s.do(err)
	reader := http.Header{"Authorization": {"Key " + key.ID + ":" + key.Secret}}
	hash := hashOf("x", 33188)
	for _, call := range []string{
		"POST /files/app/multipart/" + hash + "/initiate", "PUT /files/app/multipart/" + hash + "/u/1",
		"POST /files/app/multipart/" + hash + "/u/complete", "POST /files/app/multipart/" + hash + "/u/cancel",
		"POST /storage/upload/initiate", "POST /storage/upload/initiate-multipart",
	} {
		method, path, _ := strings.Cut(call, " ")
		if status, content, _ := s.send(method, path, "application/json", []byte("{}"), reader); status != 403 {
			t.Errorf("%s: %d %s", call, status, content)
		}
	}
	if status, content, _ := s.send("POST", "/files/missing_hashes", "application/json", []byte(`{"hashes": []}`), reader); status != 200 || string(content) != "[]\n" {
		t.Errorf("missing hashes: %d %s", status, content)
	}
}

func (s *storing) beginStorage(path, name string) restwire.StorageUpload {
	s.t.Helper()
	body := fmt.Sprintf(`{"file_name": %q, "content_type": "application/gzip"}`, name)
	header := http.Header{"Authorization": {"Key " + s.key}, "X-Fal-Object-Lifecycle": {`{"expiration_duration_seconds": 3600}`}}
	status, content, _ := s.send("POST", path+"?storage_type=fal-cdn-v3", "application/json", []byte(body), header)
	if status != 200 {
		s.t.Fatalf("%d %s", status, content)
	}
	var upload restwire.StorageUpload
	s.do(json.Unmarshal(content, &upload))
	return upload
}

func TestStorage(t *testing.T) {
	s := serveFiles(t)
	const name = "peer proj-0.1.0.tar.gz"
	nobody := http.Header{}
	upload := s.beginStorage("/storage/upload/initiate", name)
	if !strings.HasPrefix(upload.FileURL, s.url+StoredPath) || !strings.HasSuffix(upload.FileURL, "/"+url.PathEscape(name)) {
		t.Errorf("it will be at %s", upload.FileURL)
	}
	if status, _, _ := s.send("GET", upload.FileURL, "", nil, nobody); status != 404 {
		t.Errorf("before it is there: %d", status)
	}
	for range 2 {
		if status, content, _ := s.send("PUT", upload.UploadURL, "application/gzip", []byte("bytes"), nobody); status != 200 {
			t.Fatalf("put: %d %s", status, content)
		}
	}
	status, content, header := s.send("GET", upload.FileURL, "", nil, nobody)
	if status != 200 || string(content) != "bytes" || header.Get("Content-Type") != "application/gzip" {
		t.Errorf("%d %q %v", status, content, header)
	}
	if status, content, _ := s.send("GET", upload.FileURL, "", nil, http.Header{"Range": {"bytes=1-2"}}); status != 206 || string(content) != "yt" {
		t.Errorf("a part of it: %d %q", status, content)
	}
	if status, _, _ := s.send("GET", strings.Replace(upload.UploadURL, uploadsPath, StoredPath, 1)+"/"+url.PathEscape(name), "", nil, nobody); status != 404 {
		t.Errorf("by the id of the upload: %d", status)
	}

	parts := s.beginStorage("/storage/upload/initiate-multipart", "big.tar.gz")
	var sent []string
	for i, text := range []string{"one ", "two"} {
		status, content, header := s.send("PUT", fmt.Sprintf("%s/%d", parts.UploadURL, i+1), "application/gzip", []byte(text), nobody)
		if status != 200 {
			t.Fatalf("part: %d %s", status, content)
		}
		sent = append(sent, fmt.Sprintf(`{"partNumber": %d, "etag": %q}`, i+1, header.Get("ETag")))
	}
	if status, content, _ := s.send("POST", parts.UploadURL+"/complete", "application/json", []byte(`{"parts": [`+strings.Join(sent, ",")+`]}`), nobody); status != 200 {
		t.Fatalf("complete: %d %s", status, content)
	}
	if status, content, _ := s.send("GET", parts.FileURL, "", nil, nobody); status != 200 || string(content) != "one two" {
		t.Errorf("%d %q", status, content)
	}
}

func TestStorageThatIsRefused(t *testing.T) {
	s := serveFiles(t)
	for name, test := range map[string]struct{ header, body string }{
		"a path":            {"", `{"file_name": "../x"}`},
		"no name":           {"", `{}`},
		"no JSON":           {"", `x`},
		"a lifecycle":       {"soon", `{"file_name": "x"}`},
		"no time at all":    {`{"expiration_duration_seconds": 0}`, `{"file_name": "x"}`},
		"more than 30 days": {`{"expiration_duration_seconds": 2592001}`, `{"file_name": "x"}`},
	} {
		header := http.Header{"Authorization": {"Key " + s.key}}
		if test.header != "" {
			header.Set(restwire.HeaderLifecycle, test.header)
		}
		if status, content, _ := s.send("POST", "/storage/upload/initiate", "application/json", []byte(test.body), header); status != 422 {
			t.Errorf("%s: %d %s", name, status, content)
		}
	}
	for call, want := range map[string]int{
		"PUT " + uploadsPath + "none": 404, "PUT " + uploadsPath + "none/1": 404, "PUT " + uploadsPath + "none/x": 422, "POST " + uploadsPath + "none/complete": 422,
		"GET " + StoredPath + "none/x": 404,
	} {
		method, path, _ := strings.Cut(call, " ")
		if status, content, _ := s.send(method, path, "application/json", nil, http.Header{}); status != want {
			t.Errorf("%s: %d %s, want %d", call, status, content, want)
		}
	}
}
