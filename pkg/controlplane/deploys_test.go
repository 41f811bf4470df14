package controlplane

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/fal-plugins/fal/pkg/controlplane/grpcapi"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// sendBody sends a body with the server's credentials and decodes the answer.
func sendBody(t *testing.T, s *Server, method, path, contentType string, body []byte, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.baseURL()+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Key "+s.Credentials().Key())
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s, %v", method, path, response.Status, content, err)
	}
	if into != nil {
		if err := json.Unmarshal(content, into); err != nil {
			t.Fatal(err)
		}
	}
}

// uploaded sends a file of mode 0644 as clients do.
func uploaded(t *testing.T, s *Server, path, content string) *pb.File {
	t.Helper()
	sum := sha256.Sum256([]byte(content + "33188"))
	hash := hex.EncodeToString(sum[:])
	metadata := restwire.FileMetadata{Size: strconv.Itoa(len(content)), MTime: "1.5", Mode: "33188", Hash: hash}
	encode := func(v any) []byte {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var begun restwire.UploadBegun
	base := "/files/app/multipart/" + hash + "/"
	sendBody(t, s, "POST", base+"initiate", "application/json", encode(metadata), &begun)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	field, err := w.CreateFormFile(restwire.UploadField, "chunk")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(field, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var part restwire.UploadedPart
	sendBody(t, s, "PUT", base+begun.UploadID+"/1", w.FormDataContentType(), form.Bytes(), &part)
	sendBody(t, s, "POST", base+begun.UploadID+"/complete", "application/json", encode(restwire.UploadParts{Parts: []restwire.UploadedPart{part}, Metadata: metadata}), nil)
	return &pb.File{Hash: hash, RelativePath: path}
}

// image is the environment of an image whose command is this program in the
// given modes, as an image-only app has it.
func image(t *testing.T, modes ...string) *pb.EnvironmentDefinition {
	t.Helper()
	command := []any{executable(t), "__app"}
	for _, mode := range modes {
		command = append(command, mode)
	}
	return environment(t, map[string]any{"python_version": "3.11", "image": map[string]any{
		"image": "registry.example.test/web:1", "use_isolate": false, "entrypoint": command,
		"registries": map[string]any{"registry.example.test": map[string]any{"username": "bob", "password": "hunter-of-passwords"}},
		"secrets":    map[string]any{"TOKEN": "hunter-of-secrets"},
	}})
}

func environment(t *testing.T, configuration map[string]any) *pb.EnvironmentDefinition {
	t.Helper()
	s, err := structpb.NewStruct(configuration)
	if err != nil {
		t.Fatal(err)
	}
	return &pb.EnvironmentDefinition{Kind: "container", Configuration: s}
}

func (c client) build(request *pb.BuildEnvironmentRequest) (last *pb.BuildEnvironmentResult, logs []*pb.Log, err error) {
	stream, err := c.BuildEnvironment(c.ctx, request)
	if err != nil {
		return nil, nil, err
	}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last, logs, nil
		}
		if err != nil {
			return last, logs, err
		}
		last, logs = message, append(logs, message.GetLogs()...)
	}
}

func (c client) register(request *pb.RegisterApplicationRequest) (last *pb.RegisterApplicationResult, logs []*pb.Log, err error) {
	stream, err := c.RegisterApplication(c.ctx, request)
	if err != nil {
		return nil, nil, err
	}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last, logs, nil
		}
		if err != nil {
			return last, logs, err
		}
		last, logs = message, append(logs, message.GetLogs()...)
	}
}

func said(logs []*pb.Log, text string) bool {
	for _, l := range logs {
		if strings.Contains(l.GetMessage(), text) {
			return true
		}
	}
	return false
}

// ask asks the gateway with the key of the first account.
func ask(t *testing.T, s *Server, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Key "+s.Credentials().Key())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestDeploy(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{DataDir: dir})
	c := dial(t, s, s.Credentials())
	file := uploaded(t, s, "data/greeting.txt", "good day")
	definition := image(t)
	fields := definition.GetConfiguration().GetFields()["image"].GetStructValue().GetFields()
	delete(fields, "image")
	fields["dockerfile_str"] = structpb.NewStringValue("FROM scratch\nWORKDIR /srv\nCOPY data ./data\n")
	environments := []*pb.EnvironmentDefinition{definition}
	built, logs, err := c.build(&pb.BuildEnvironmentRequest{Environments: environments, Files: []*pb.File{file}, ApplicationName: new("web")})
	if err != nil || built.GetStatus().GetState() != pb.HostedRunStatus_SUCCESS || built.GetEnvId() == "" || len(logs) == 0 {
		t.Fatalf("%v %v, %v", built, logs, err)
	}
	for _, l := range logs {
		if l.GetSource() != pb.LogSource_BUILDER || l.GetTimestamp().AsTime().IsZero() {
			t.Errorf("a line of a build: %v", l)
		}
	}
	metadata, err := structpb.NewStruct(map[string]any{"message": "first", "annotations": map[string]any{"ticket": "7"}, "openapi": map[string]any{"paths": map[string]any{"/": map[string]any{}}}})
	if err != nil {
		t.Fatal(err)
	}
	request := &pb.RegisterApplicationRequest{
		ApplicationName: new("web"), Environments: environments, Files: []*pb.File{file}, BuildEnvironment: new(false), Metadata: metadata,
		MachineRequirements: &pb.MachineRequirements{MachineTypes: []string{"M"}, KeepAlive: new(int32(77)), MaxConcurrency: new(int32(3))},
		HealthCheckConfig:   &pb.ApplicationHealthCheckConfig{Path: "/ready", TimeoutSeconds: new(int32(2))},
		DeploymentStrategy:  new(pb.DeploymentStrategy_ROLLING), Scale: new(false),
	}
	result, logs, err := c.register(request)
	if err != nil || result.GetResult().GetApplicationId() == "" || result.GetEnvId() != built.GetEnvId() || len(logs) > 0 {
		t.Fatalf("%v %v, %v", result, logs, err)
	}
	urls := result.GetServiceUrls()
	if want := s.baseURL() + "/" + caller(t, s).Account.Nickname + "/web"; urls.GetRun() != want || urls.GetPlayground() != want ||
		urls.GetWs() != "ws"+strings.TrimPrefix(want, "http") || urls.GetLog() != "" {
		t.Errorf("urls %v", urls)
	}
	if code, body := ask(t, s, urls.GetRun()+"/env"); code != 200 || !strings.Contains(body, "FAL_APP_NAME=web") {
		t.Errorf("%d %s", code, body)
	}
	r := awaitUp(t, s, "web", 1)[0]
	if text, err := os.ReadFile(filepath.Join(dir, "runners", r.ID, "srv", "data", "greeting.txt")); err != nil || string(text) != "good day" {
		t.Errorf("the uploaded file: %q, %v", text, err)
	}

	// Another revision: what scales stays, but for what comes from the code.
	request.MachineRequirements = &pb.MachineRequirements{MachineTypes: []string{"L"}, KeepAlive: new(int32(5)), MaxConcurrency: new(int32(9)), MaxMultiplexing: new(int32(4))}
	for _, test := range []struct {
		reset           bool
		keepAlive, most int
	}{{false, 77, 3}, {true, 5, 9}} {
		request.Scale = &test.reset
		result, _, err := c.register(request)
		if err != nil {
			t.Fatal(err)
		}
		app, err := s.state.App(caller(t, s), "", "web")
		if err != nil {
			t.Fatal(err)
		}
		if app.Rev.RevisionID != result.GetResult().GetApplicationId() || int(app.KeepAlive.Seconds()) != test.keepAlive || app.MaxConcurrency != test.most ||
			app.MaxMultiplexing != 4 || app.MachineTypes[0] != "L" {
			t.Errorf("reset %t: %+v", test.reset, app.Settings)
		}
	}

	// What was said of it is there after a restart, and it runs again.
	before, err := s.state.App(caller(t, s), "", "web")
	if err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	for _, password := range []string{"hunter-of-passwords", "hunter-of-secrets"} {
		searchFiles(t, dir, password)
	}
	s = start(t, Options{DataDir: dir})
	after, err := s.state.App(caller(t, s), "", "web")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(after.Rev, before.Rev) || after.Rev.Message != "first" || after.Rev.Annotations["ticket"] != "7" || after.Rev.OpenAPI["paths"] == nil {
		t.Errorf("after a restart %+v\nbefore %+v", after.Rev, before.Rev)
	}
	if code, body := ask(t, s, s.deploys.URLs(caller(t, s).Account.Nickname, "web").Run+"/env"); code != 200 {
		t.Errorf("after a restart: %d %s", code, body)
	}
}

// TestEnvironmentOfADeletedApp goes with the next start, and is made again for an app
// that is pointed to its revision; that of a revision before another one stays.
func TestEnvironmentOfADeletedApp(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{DataDir: dir})
	there := func(app *App) bool {
		t.Helper()
		environment, err := s.deploys.builder.Load(s.deploys.definition(&app.Rev.Launch).ID())
		if err != nil {
			t.Fatal(err)
		}
		return environment != nil
	}
	var apps []*App
	for _, spec := range []AppSpec{deployed(t, "kept", "FIRST=1"), deployed(t, "kept", "SECOND=2"), deployed(t, "gone", "THIRD=3")} {
		spec.MinConcurrency = 1
		app := register(t, s, spec)
		await(t, "a runner of the revision", func() bool {
			runners := live(t, s, spec.Name)
			return len(runners) == 1 && runners[0].Revision == app.Rev.RevisionID && runners[0].State == state.Idle
		})
		if apps = append(apps, app); !there(app) {
			t.Fatal("the environment of a runner is not there")
		}
	}
	first, second, gone := apps[0], apps[1], apps[2]
	if _, err := s.state.DeleteApp(t.Context(), caller(t, s), "", "gone"); err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	s = start(t, Options{DataDir: dir})
	if !there(first) || !there(second) || there(gone) {
		t.Errorf("there: %t, %t, %t", there(first), there(second), there(gone))
	}
	if _, err := s.state.SetRevision(t.Context(), caller(t, s), "", "again", gone.Rev.RevisionID, state.Pointing{}); err != nil {
		t.Fatal(err)
	}
	if text := get(t, s, "again", "/env"); !strings.Contains(text, "THIRD=3\n") {
		t.Errorf("it answers %q", text)
	}
}

// searchFiles fails when a file below the folder holds the text.
func searchFiles(t *testing.T, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && bytes.Contains(content, []byte(text)) {
			t.Errorf("%s is in %s", text, path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestBuildThatFails(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	without := environment(t, map[string]any{"image": map[string]any{"image": "registry.example.test/web:1", "use_isolate": false}})
	built, logs, err := c.build(&pb.BuildEnvironmentRequest{Environments: []*pb.EnvironmentDefinition{without}})
	if err != nil || built.GetStatus().GetState() != pb.HostedRunStatus_INTERNAL_FAILURE || !said(logs, "no command is given") {
		t.Errorf("%v %v, %v", built, logs, err)
	}
	_, _, err = c.register(&pb.RegisterApplicationRequest{ApplicationName: new("web"), Environments: []*pb.EnvironmentDefinition{without}, BuildEnvironment: new(false)})
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "no command is given") {
		t.Errorf("registered: %v", err)
	}
	if apps, err := s.state.Apps(caller(t, s), ""); err != nil || len(apps) > 0 {
		t.Errorf("there are apps: %v, %v", apps, err)
	}
}

func TestDeploysThatAreRefused(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	file := uploaded(t, s, "x", "x")
	good := func() *pb.RegisterApplicationRequest {
		return &pb.RegisterApplicationRequest{ApplicationName: new("web"), Environments: []*pb.EnvironmentDefinition{image(t)}}
	}
	metadata := func(fields map[string]any) *structpb.Struct {
		m, err := structpb.NewStruct(fields)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	missing := hex.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for name, test := range map[string]struct {
		edit func(*pb.RegisterApplicationRequest)
		code codes.Code
		want string
	}{
		"no name":             {func(r *pb.RegisterApplicationRequest) { r.ApplicationName = nil }, codes.InvalidArgument, "application_name"},
		"no environment":      {func(r *pb.RegisterApplicationRequest) { r.Environments = nil }, codes.InvalidArgument, "0 environments"},
		"two environments":    {func(r *pb.RegisterApplicationRequest) { r.Environments = append(r.Environments, image(t)) }, codes.InvalidArgument, "2 environments"},
		"no kind":             {func(r *pb.RegisterApplicationRequest) { r.Environments[0].Kind = "" }, codes.InvalidArgument, "kind"},
		"conda":               {func(r *pb.RegisterApplicationRequest) { r.Environments[0].Kind = "conda" }, codes.FailedPrecondition, "conda"},
		"a file not uploaded": {func(r *pb.RegisterApplicationRequest) { r.Files = []*pb.File{{Hash: missing, RelativePath: "a.txt"}} }, codes.FailedPrecondition, "a.txt was not uploaded"},
		"a hash that is none": {func(r *pb.RegisterApplicationRequest) { r.Files = []*pb.File{{Hash: "x", RelativePath: "a.txt"}} }, codes.InvalidArgument, "no hash"},
		"a path that leaves":  {func(r *pb.RegisterApplicationRequest) { r.Files = []*pb.File{{Hash: file.Hash, RelativePath: "../x"}} }, codes.InvalidArgument, "../x"},
		"an absolute path":    {func(r *pb.RegisterApplicationRequest) { r.Files = []*pb.File{{Hash: file.Hash, RelativePath: "/x"}} }, codes.InvalidArgument, "/x"},
		"two files of a path": {func(r *pb.RegisterApplicationRequest) { r.Files = []*pb.File{file, file} }, codes.InvalidArgument, "two files"},
		"attach, and recreate": {func(r *pb.RegisterApplicationRequest) {
			r.AttachToDeployment, r.DeploymentStrategy = new(false), new(pb.DeploymentStrategy_RECREATE)
		}, codes.InvalidArgument, "ROLLING"},
		"no concurrency": {func(r *pb.RegisterApplicationRequest) {
			r.MachineRequirements = &pb.MachineRequirements{MaxConcurrency: new(int32(0))}
		}, codes.InvalidArgument, "max_concurrency"},
		"no time": {func(r *pb.RegisterApplicationRequest) {
			r.MachineRequirements = &pb.MachineRequirements{RequestTimeout: new(int32(0))}
		}, codes.InvalidArgument, "request_timeout"},
		"a port that is none": {func(r *pb.RegisterApplicationRequest) {
			r.MachineRequirements = &pb.MachineRequirements{ExposedPort: new(int32(65536))}
		}, codes.InvalidArgument, "exposed_port"},
		"an unhealthy path": {func(r *pb.RegisterApplicationRequest) {
			r.HealthCheckConfig = &pb.ApplicationHealthCheckConfig{Path: "health"}
		}, codes.InvalidArgument, "slash"},
		"no failures": {func(r *pb.RegisterApplicationRequest) {
			r.HealthCheckConfig = &pb.ApplicationHealthCheckConfig{Path: "/", FailureThreshold: new(int32(0))}
		}, codes.InvalidArgument, "failure_threshold"},
		"a method of no kind": {func(r *pb.RegisterApplicationRequest) {
			r.HealthCheckConfig = &pb.ApplicationHealthCheckConfig{Path: "/", Method: new(pb.ApplicationHealthCheckConfig_Method(9))}
		}, codes.InvalidArgument, "GET or POST"},
		"a condition of none": {func(r *pb.RegisterApplicationRequest) { r.SkipRetryConditions = []pb.RetryCondition{9} }, codes.InvalidArgument, "no condition"},
		"retries in YAML":     {func(r *pb.RegisterApplicationRequest) { r.RetryConfig = new("timeout: 1") }, codes.InvalidArgument, "retry_config"},
		"too long a message": {func(r *pb.RegisterApplicationRequest) {
			r.Metadata = metadata(map[string]any{"message": strings.Repeat("x", 2049)})
		}, codes.InvalidArgument, "2048"},
		"a message in numbers": {func(r *pb.RegisterApplicationRequest) { r.Metadata = metadata(map[string]any{"message": 7.0}) }, codes.InvalidArgument, "metadata.message"},
		"annotations, numbers": {func(r *pb.RegisterApplicationRequest) {
			r.Metadata = metadata(map[string]any{"annotations": map[string]any{"a": 7.0}})
		}, codes.InvalidArgument, "metadata.annotations"},
		"a reserved key": {func(r *pb.RegisterApplicationRequest) {
			r.Metadata = metadata(map[string]any{"annotations": map[string]any{"openapi": "x"}})
		}, codes.InvalidArgument, "openapi"},
		"openapi as text":      {func(r *pb.RegisterApplicationRequest) { r.Metadata = metadata(map[string]any{"openapi": "x"}) }, codes.InvalidArgument, "metadata.openapi"},
		"too much source code": {func(r *pb.RegisterApplicationRequest) { r.SourceCode = new(strings.Repeat("x", 1<<20+1)) }, codes.InvalidArgument, "source code"},
		"no such environment":  {func(r *pb.RegisterApplicationRequest) { r.EnvironmentName = new("mars") }, codes.NotFound, "mars"},
		"a secret's name":      {func(r *pb.RegisterApplicationRequest) { r.Secrets = &pb.SecretsConfig{Names: []string{"A-B"}} }, codes.InvalidArgument, "A-B"},
		"set-up of nothing":    {func(r *pb.RegisterApplicationRequest) { r.SetupFunc = &pb.SerializedObject{Method: "dill"} }, codes.InvalidArgument, "setup_func"},
	} {
		t.Run(name, func(t *testing.T) {
			request := good()
			test.edit(request)
			_, _, err := c.register(request)
			if status.Code(err) != test.code || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s with %q", err, test.code, test.want)
			}
		})
	}
	if apps, err := s.state.Apps(caller(t, s), ""); err != nil || len(apps) > 0 {
		t.Errorf("there are apps: %v, %v", apps, err)
	}
	// A key that only reads deploys nothing.
	key, err := s.state.CreateKey(t.Context(), caller(t, s), state.API, "reader")
	if err != nil {
		t.Fatal(err)
	}
	reader := dial(t, s, Credentials{KeyID: key.ID, Secret: key.Secret})
	if _, _, err := reader.register(good()); status.Code(err) != codes.PermissionDenied {
		t.Errorf("registered by a reader: %v", err)
	}
	if _, _, err := reader.build(&pb.BuildEnvironmentRequest{Environments: good().Environments}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("built by a reader: %v", err)
	}
	run, err := c.Run(c.ctx, &pb.HostedRun{Environments: good().Environments})
	if err == nil {
		_, err = run.Recv()
	}
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("nothing was run: %v", err)
	}
}

func TestAttach(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	request := &pb.RegisterApplicationRequest{
		ApplicationName: new("web"), Environments: []*pb.EnvironmentDefinition{image(t)}, AttachToDeployment: new(true),
		MachineRequirements: &pb.MachineRequirements{MinConcurrency: new(int32(2)), StartupTimeout: new(int32(60))},
		HealthCheckConfig:   &pb.ApplicationHealthCheckConfig{Path: "/ready"},
	}
	for range 2 {
		result, logs, err := c.register(request)
		if err != nil || !said(logs, "serving") || !said(logs, "2 of 2 runners") {
			t.Fatalf("%v %v, %v", result, logs, err)
		}
		up := 0
		for _, r := range live(t, s, "web") {
			if r.State != state.Idle || r.Revision != result.GetResult().GetApplicationId() {
				t.Errorf("when it has settled there is %+v", r)
			}
			up++
		}
		if up != 2 {
			t.Errorf("%d runners are up", up)
		}
	}
	request.Environments = []*pb.EnvironmentDefinition{image(t, "fail")}
	_, logs, err := c.register(request)
	app, _, lookup := s.state.Lookup("", "web")
	if lookup != nil {
		t.Fatal(lookup)
	}
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "exited with code 3") || !said(logs, "failing as told") ||
		!strings.Contains(err.Error(), "app web points to revision "+app.Rev.RevisionID+", and its runner ") {
		t.Errorf("%v, %v", logs, err)
	}
}

// TestDetachReturnsAtOnce registers what will never be ready.
func TestDetachReturnsAtOnce(t *testing.T) {
	s := start(t, Options{})
	c := dial(t, s, s.Credentials())
	for _, attach := range []*bool{nil, new(false)} {
		result, _, err := c.register(&pb.RegisterApplicationRequest{
			ApplicationName: new("web"), Environments: []*pb.EnvironmentDefinition{image(t, "unready")}, AttachToDeployment: attach,
			MachineRequirements: &pb.MachineRequirements{MinConcurrency: new(int32(1))},
			HealthCheckConfig:   &pb.ApplicationHealthCheckConfig{Path: "/ready"},
		})
		if err != nil || result.GetResult().GetApplicationId() == "" {
			t.Errorf("%v, %v", result, err)
		}
	}
}

// distribution puts a source distribution into storage and returns its URL.
func distribution(t *testing.T, s *Server, name, content string) string {
	t.Helper()
	var to restwire.StorageUpload
	sendBody(t, s, "POST", "/storage/upload/initiate?storage_type=fal-cdn-v3", "application/json", []byte(`{"file_name": "`+name+`", "content_type": "application/gzip"}`), &to)
	sendBody(t, s, "PUT", strings.TrimPrefix(to.UploadURL, s.baseURL()), "application/gzip", []byte(content), nil)
	return to.FileURL
}

// TestSourcesAreKept: an environment is the same as long as its distributions
// are, wherever they were uploaded to, and needs none that has expired.
func TestSourcesAreKept(t *testing.T) {
	s := start(t, Options{})
	keep := func(url string) state.Launch {
		t.Helper()
		l, err := s.deploys.Keep(grpcapi.Definition{Kind: "virtualenv", Configuration: map[string]any{
			"requirements": []any{[]any{"numpy"}, []any{"lib[extra] @ " + url, "other @ https://example.test/other.tar.gz"}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first, again := keep(distribution(t, s, "lib-1.tar.gz", "one")), keep(distribution(t, s, "lib-1.tar.gz", "one"))
	changed := keep(distribution(t, s, "lib-1.tar.gz", "two"))
	id := func(l state.Launch) string { return s.deploys.definition(&l).ID() }
	if id(first) != id(again) || id(first) == id(changed) {
		t.Errorf("ids %s %s %s", id(first), id(again), id(changed))
	}
	layers := s.deploys.definition(&first).Configuration["requirements"].([]any)
	located := layers[1].([]any)[0].(string)
	what, place, _ := strings.Cut(located, " @ file://")
	if what != "lib[extra]" || layers[0].([]any)[0] != "numpy" || layers[1].([]any)[1] != "other @ https://example.test/other.tar.gz" {
		t.Errorf("requirements %v", layers)
	}
	// The distribution expires, and everything goes that no revision needs.
	if _, err := s.files.Sweep(func(hash string) bool { return hash == first.Sources[0].Hash }, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(filepath.FromSlash(strings.TrimPrefix(place, drivePrefix(place)))); err != nil || string(content) != "one" {
		t.Errorf("%s: %q, %v", located, content, err)
	}
	_, err := s.deploys.Keep(grpcapi.Definition{Kind: "virtualenv", Configuration: map[string]any{
		"requirements": []any{"lib @ " + s.baseURL() + "/storage/files/none/lib-1.tar.gz"},
	}})
	var failure *state.Error
	if !errors.As(err, &failure) || failure.Kind != state.Conflict || !strings.Contains(failure.Message, "has expired") {
		t.Errorf("one that is not there: %v", err)
	}
}

// drivePrefix is the slash before the drive letter in a file URL.
func drivePrefix(path string) string {
	if len(path) > 2 && path[2] == ':' {
		return "/"
	}
	return ""
}

// TestSweepKeepsWhatRevisionsNeed covers every kind of thing that they need.
func TestSweepKeepsWhatRevisionsNeed(t *testing.T) {
	s := start(t, Options{})
	file, other := uploaded(t, s, "a.txt", "a"), uploaded(t, s, "b.txt", "b")
	l, err := s.deploys.Keep(grpcapi.Definition{
		Kind: "virtualenv", Files: []grpcapi.File{{Path: "a.txt", Hash: file.Hash}},
		Configuration: map[string]any{"requirements": []any{"lib @ " + distribution(t, s, "lib-1.tar.gz", "one")}},
		Function:      &grpcapi.Object{Method: "dill", Definition: []byte("f")}, Setup: &grpcapi.Object{Method: "dill", Definition: []byte("s")},
	})
	if err != nil {
		t.Fatal(err)
	}
	app, _, err := s.state.Deploy(t.Context(), caller(t, s), state.AppSpec{Name: "web", Launch: l})
	if err != nil {
		t.Fatal(err)
	}
	source := s.files.SourcePath(l.Sources[0].Hash, l.Sources[0].Name)
	there := func() map[string]bool {
		found := make(map[string]bool)
		for name, hash := range map[string]string{"file": file.Hash, "other": other.Hash, "function": l.Function.Hash, "setup": l.Setup.Hash} {
			_, found[name] = s.files.Stat(hash)
		}
		_, err := os.Stat(source)
		found["source"] = err == nil
		return found
	}
	later := time.Now().Add(2 * unneededFor)
	s.deploys.sweep(later)
	if found := there(); fmt.Sprint(found) != "map[file:true function:true other:false setup:true source:true]" {
		t.Errorf("with a revision: %v", found)
	}
	if _, err := s.state.DeleteApp(t.Context(), caller(t, s), "", "web"); err != nil {
		t.Fatal(err)
	}
	await(t, "its runners are gone", func() bool { return len(live(t, s, "web")) == 0 })
	if err := s.state.DeleteRevision(t.Context(), caller(t, s), app.Rev.RevisionID); err != nil {
		t.Fatal(err)
	}
	s.deploys.sweep(later)
	if found := there(); fmt.Sprint(found) != "map[file:false function:false other:false setup:false source:false]" {
		t.Errorf("without: %v", found)
	}
}
