package fal

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// Deploy deploys an app: it looks whether the app exists, reads its files,
// sends those that the service lacks, has the environment built, asks a class
// for its description, and registers a new revision. Errors are of type
// *[DeployError]; those of a deployment that the service carried out and that
// failed match [ErrDeployFailed].
//
// Each call of an upload is made three times at most: after a 429 when the
// service wants it, two seconds later if it does not say when, and after a 5xx
// or a lost connection with a wait that doubles. What has failed so is taken up
// again behind everything else, after longer waits, up to twice and as long as
// anything gets through. A service that asks to wait for more than a minute is
// not waited for: the error is [ErrResourceExhausted] and says how long.
//
// Deployments by one client at the same time send a file once that several have.
//
// The end of the context breaks it off at any time. Uploads that are under way
// are taken back unless [DeployParams].Uploads keeps how far they are, and a
// build or a rollout that has begun may go on.
func (c *Client) Deploy(ctx context.Context, app App, params *DeployParams) (*Deployment, error) {
	d, err := c.deployer(app, params)
	if err != nil {
		return nil, err
	}
	defer c.uploads.join()()
	deployment, err := d.deploy(ctx)
	if failed := (*DeployError)(nil); errors.As(err, &failed) && d.before != nil {
		failed.Previous = d.before.Revision
	}
	return deployment, err
}

func (d *deployer) deploy(ctx context.Context) (*Deployment, error) {
	if err := d.prepare(ctx); err != nil {
		return nil, err
	}
	if err := d.upload(ctx); err != nil {
		return nil, err
	}
	if err := d.report.phase(DeployBuild, 0, 0, func() error { return d.build(ctx) }); err != nil {
		return nil, err
	}
	var description map[string]any
	if d.app.Entrypoint != "" && d.app.OpenAPI == nil {
		err := d.report.phase(DeployMetadata, 0, 0, func() (err error) {
			description, err = d.describe(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	result := &Deployment{
		Name:        trimEnvironment(d.request.alias(), d.client.environment),
		Environment: d.client.environment,
		Before:      d.before,
		Detached:    d.before != nil && d.params.Attach != nil && !*d.params.Attach,
		AuthMode:    d.authMode(),
		Endpoints:   d.endpoints(description),
	}
	err := d.report.phase(DeployRegister, 0, 0, func() error {
		revision, urls, err := d.register(ctx, description)
		result.Revision = revision
		result.URLs = ServiceURLs{Playground: urls.GetPlayground(), Run: urls.GetRun(), Queue: urls.GetQueue(), WS: urls.GetWs(), Log: urls.GetLog()}
		return err
	})
	if failed := (*DeployError)(nil); errors.As(err, &failed) {
		failed.Revision = result.Revision
		return nil, failed
	}
	result.Phases = d.report.phases
	return result, nil
}

// A deployer carries out one deployment.
type deployer struct {
	client   *Client
	app      *App
	params   *DeployParams
	request  *deployRequest
	report   *deployReport
	conceal  concealments
	uploader *uploader

	before  *AppInfo
	files   []*appFile
	sources []*sourceFile
	missing []*appFile // each content once
}

// deployer checks all that can be checked on this machine, but for the files.
func (c *Client) deployer(app App, params *DeployParams) (*deployer, error) {
	if params == nil {
		params = &DeployParams{}
	}
	report := &deployReport{tell: params.Progress}
	d := &deployer{
		client: c, app: &app, params: params, report: report, uploader: c.uploader(params.Uploads, report.progress),
		request: &deployRequest{app: &app, params: params, environment: c.environment},
	}
	if err := d.request.check(); err != nil {
		return nil, &DeployError{Err: err}
	}
	_, configuration, err := d.request.configuration()
	if err != nil {
		return nil, &DeployError{Err: invalid("Deploy", "%v", err)}
	}
	d.conceal = concealmentsOf(secretsOf(configuration))
	for _, s := range app.Sources {
		if s.Open == nil || s.FileName == "" || s.Package == "" || s.Size < 0 {
			return nil, &DeployError{Err: invalid("Deploy", "the source distribution of %q lacks its package, its file's name or what opens it", s.Requirement)}
		}
	}
	return d, nil
}

// prepare looks for the app, and reads what goes up.
func (d *deployer) prepare(ctx context.Context) error {
	for app, err := range d.client.Apps.List(ctx, nil) {
		if err != nil {
			return &DeployError{Err: err}
		}
		if app.Alias == d.request.alias() {
			d.before = &app
		}
	}
	if err := d.read(ctx); err != nil {
		return err
	}
	missing, err := d.lacking(ctx)
	if err != nil {
		return &DeployError{Phase: DeployUpload, Err: err}
	}
	d.missing = missing
	return nil
}

// read makes the hashes of the files and distributions.
func (d *deployer) read(ctx context.Context) error {
	var err error
	if d.files, err = listFiles(ctx, d.app.Files); err != nil {
		return &DeployError{Phase: DeployHash, Err: err}
	}
	var sources []*sourceFile
	for _, s := range d.app.Sources {
		sources = append(sources, newSourceFile(s))
	}
	var all []hashable
	var bytes int64
	for _, file := range d.files {
		all, bytes = append(all, file), bytes+file.size
	}
	for _, source := range sources {
		all, bytes = append(all, source), bytes+source.size
	}
	if len(all) == 0 {
		return nil
	}
	err = d.report.phase(DeployHash, len(all), bytes, func() error { return readAll(ctx, all, d.report.progress) })
	if err != nil {
		return err
	}
	d.sources = mergeSources(sources)
	for _, file := range d.files {
		d.request.files = append(d.request.files, &controllerpb.File{Hash: file.hash, RelativePath: file.name})
	}
	return nil
}

// mergeSources makes one of distributions that are the same: two requirements
// may be the same folder, with different extras.
func mergeSources(sources []*sourceFile) (merged []*sourceFile) {
	for _, s := range sources {
		same := func(o *sourceFile) bool { return o.name == s.name && o.digest == s.digest }
		if i := slices.IndexFunc(merged, same); i >= 0 {
			merged[i].sources = append(merged[i].sources, s.sources...)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// lacking are the files that the service lacks.
func (d *deployer) lacking(ctx context.Context) ([]*appFile, error) {
	first := make(map[string]*appFile, len(d.files))
	var hashes []string
	for _, file := range d.files {
		if first[file.hash] == nil {
			first[file.hash] = file
			hashes = append(hashes, file.hash)
		}
	}
	d.uploader.since = d.client.uploads.now()
	missing, err := d.uploader.missingHashes(ctx, hashes)
	if err != nil {
		return nil, err
	}
	var files []*appFile
	for _, hash := range hashes {
		if missing[hash] {
			files = append(files, first[hash])
		}
	}
	return files, nil
}

// upload sends what the service lacks.
func (d *deployer) upload(ctx context.Context) error {
	if len(d.missing) == 0 && len(d.sources) == 0 {
		return nil
	}
	files, bytes := d.goingUp()
	return d.report.phase(DeployUpload, files, bytes, func() error {
		var all []transfer
		for _, file := range d.missing {
			all = append(all, &fileUpload{uploader: d.uploader, file: file})
		}
		sources := make([]*sourceUpload, len(d.sources))
		for i, source := range d.sources {
			sources[i] = &sourceUpload{uploader: d.uploader, source: source}
			all = append(all, sources[i])
		}
		if err := d.uploader.all(ctx, all); err != nil {
			return err
		}
		for _, s := range sources {
			d.require(s.source, s.at)
		}
		return nil
	})
}

func (d *deployer) goingUp() (files int, bytes int64) {
	for _, file := range d.missing {
		bytes += file.size
	}
	for _, source := range d.sources {
		bytes += source.size
	}
	return len(d.missing) + len(d.sources), bytes
}

// require puts a distribution in the place of the requirements that it stands
// for.
func (d *deployer) require(s *sourceFile, at string) {
	if d.request.requirements == nil {
		d.request.requirements = make(map[string]string)
	}
	for _, source := range s.sources {
		d.request.requirements[strings.TrimSpace(source.Requirement)] = source.Package + source.Extras + " @ " + at
	}
}

// authMode is that of the app once it is deployed.
func (d *deployer) authMode() AuthMode {
	switch {
	case d.app.AuthMode != nil:
		return *d.app.AuthMode
	case d.before != nil:
		return d.before.AuthMode
	}
	return AuthPrivate
}

// endpoints are the paths of the app's description, in the order that it tells
// beside them: JSON objects have none.
func (d *deployer) endpoints(description map[string]any) []string {
	openapi := d.app.OpenAPI
	if openapi == nil {
		openapi, _ = description["openapi"].(map[string]any)
	}
	paths, _ := openapi["paths"].(map[string]any)
	if len(paths) == 0 {
		return []string{"/"}
	}
	var ordered []string
	order, _ := openapi["x-fal-order-paths"].([]any)
	for _, path := range order {
		if path, ok := path.(string); ok && paths[path] != nil && !slices.Contains(ordered, path) {
			ordered = append(ordered, path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if !slices.Contains(ordered, path) {
			ordered = append(ordered, path)
		}
	}
	return ordered
}
