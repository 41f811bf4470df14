package fal

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

const (
	// uploadsAtOnce is how many files, and how many parts of all of them, are
	// on their way at a time.
	uploadsAtOnce = 10
	// uploadRounds is how often the upload of a file is taken up where it broke.
	uploadRounds = 3
	// hashesAtOnce is how many hashes one call asks for.
	hashesAtOnce = 5000
	// cancelWithin bounds the calls that take back an upload that is given up.
	cancelWithin = 5 * time.Second
)

// An uploader sends what belongs to a deployment. It calls sent from several
// goroutines at once; bytes that have to be sent again are taken back.
type uploader struct {
	client *Client
	sent   func(bytes int64, whole int)
	slots  chan struct{} // one for each part on its way
}

func (c *Client) uploader(sent func(bytes int64, whole int)) *uploader {
	return &uploader{client: c, sent: sent, slots: make(chan struct{}, uploadsAtOnce)}
}

// missingHashes are those of some files that the service lacks.
func (u *uploader) missingHashes(ctx context.Context, hashes []string) (map[string]bool, error) {
	missing := make(map[string]bool)
	for part := range slices.Chunk(hashes, hashesAtOnce) {
		body, err := jsonBody(restwire.MissingHashes{Hashes: part})
		if err != nil {
			return nil, err
		}
		at, method := u.client.restCall(http.MethodPost, "files/missing_hashes", nil)
		var answer []string
		call := &restRequest{verb: http.MethodPost, url: at, method: method, header: jsonHeader(), body: body, out: &answer}
		if err := u.try(ctx, call, u.client.rest); err != nil {
			return nil, err
		}
		for _, hash := range answer {
			missing[hash] = true
		}
	}
	return missing, nil
}

func jsonHeader() map[string]string { return map[string]string{"Content-Type": "application/json"} }

// files sends files that the service lacks, each once.
func (u *uploader) files(ctx context.Context, files []*appFile) error {
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(uploadsAtOnce)
	for _, file := range files {
		if sending.Err() != nil {
			break
		}
		group.Go(func() error { return u.file(sending, file) })
	}
	err := group.Wait()
	if err == nil && ctx.Err() != nil {
		err = fileError(ctx, ctx.Err())
	}
	return err
}

// parts sends those parts of something that have no ETag yet.
func (u *uploader) parts(ctx context.Context, etags []string, send func(context.Context, int) (string, error)) error {
	group, sending := errgroup.WithContext(ctx)
	for i := range etags {
		if etags[i] != "" {
			continue
		}
		if !u.take(sending) {
			break
		}
		group.Go(func() (err error) {
			defer func() { <-u.slots }()
			etags[i], err = send(sending, i)
			return err
		})
	}
	err := group.Wait()
	if err == nil && ctx.Err() != nil {
		err = fileError(ctx, ctx.Err())
	}
	return err
}

// take waits for a slot; false if the context ends first.
func (u *uploader) take(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case u.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// A fileUpload is the upload of one file, as far as it got.
type fileUpload struct {
	*uploader
	file *appFile
	id   string
	// etags are those of its parts, empty for one that is not there.
	etags []string

	mu      sync.Mutex
	counted int64 // bytes
}

// file sends a file. What breaks is taken up again where it broke; what is
// given up is taken back.
func (u *uploader) file(ctx context.Context, file *appFile) error {
	f := &fileUpload{uploader: u, file: file}
	for round := 1; ; round++ {
		err := f.send(ctx)
		if err == nil || errors.Is(err, ErrAlreadyExists) {
			f.done()
			return nil
		}
		lost := f.id != "" && errors.Is(err, ErrNotFound)
		if lost {
			// The answer that it is complete may have been lost.
			missing, asked := u.missingHashes(ctx, []string{file.hash})
			if asked == nil && !missing[file.hash] {
				f.done()
				return nil
			}
			f.forget()
		}
		if round >= uploadRounds || !lost && !passing(err) || !u.client.pause(ctx, uploadDelay(round)) {
			f.cancel(ctx)
			return naming(file.name, err)
		}
	}
}

// naming is an error of a call that names the file that it was about.
func naming(file string, err error) error {
	e, ok := err.(*Error)
	if !ok || e.Method == "Deploy" || e.Code == CodeCanceled {
		return err
	}
	named := *e
	named.Message = file + ": " + e.Message
	return &named
}

// passing reports whether an error may be gone in a while.
func passing(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case CodeUnavailable, CodeInternal, CodeResourceExhausted:
		return e.why != CauseProtocol && e.why != CauseTLS && e.why != CauseDNS
	}
	return false
}

// send does what is left of an upload.
func (f *fileUpload) send(ctx context.Context) error {
	if f.id == "" {
		body, err := jsonBody(f.file.metadata())
		if err != nil {
			return err
		}
		var begun restwire.UploadBegun
		call := f.call(http.MethodPost, body, &begun, "initiate")
		call.header = jsonHeader()
		if err := f.try(ctx, call, f.client.rest); err != nil {
			return err
		}
		if begun.UploadID == "" {
			return &Error{Code: CodeUnavailable, Method: call.method, why: CauseProtocol, Message: "the service began no upload"}
		}
		f.id, f.etags = begun.UploadID, make([]string, f.file.parts())
	}
	if err := f.parts(ctx, f.etags, f.part); err != nil {
		return err
	}
	done := restwire.UploadParts{Metadata: f.file.metadata(), Parts: make([]restwire.UploadedPart, len(f.etags))}
	for i, etag := range f.etags {
		done.Parts[i] = restwire.UploadedPart{PartNumber: i + 1, ETag: etag}
	}
	body, err := jsonBody(done)
	if err != nil {
		return err
	}
	call := f.call(http.MethodPost, body, new(restwire.UploadDone), f.id, "complete")
	call.header = jsonHeader()
	return f.try(ctx, call, f.client.rest)
}

// part sends one part, and answers its name at the service.
func (f *fileUpload) part(ctx context.Context, i int) (etag string, err error) {
	form, err := newPartForm()
	if err != nil {
		return "", err
	}
	sent := &sentBytes{report: f.count}
	defer func() { sent.settle(err == nil) }()
	body := func() (io.ReadCloser, int64, error) {
		section, size, err := f.file.section(i, 1)
		if err != nil {
			return nil, 0, err
		}
		return form.around(sent.reader(section, size), size)
	}
	var answer restwire.UploadedPart
	call := f.call(http.MethodPut, body, &answer, f.id, strconv.Itoa(i+1))
	call.header = map[string]string{"Content-Type": form.contentType}
	if err := f.try(ctx, call, f.client.rest); err != nil {
		return "", err
	}
	if answer.ETag == "" {
		return "", &Error{Code: CodeUnavailable, Method: call.method, why: CauseProtocol, Message: "the service gave no ETag of a part"}
	}
	return answer.ETag, nil
}

// call is a call about the file. What it is called in errors has no ids.
func (f *fileUpload) call(verb string, body func() (io.ReadCloser, int64, error), out any, path ...string) *restRequest {
	const base = "files/app/multipart/"
	for i := range path {
		path[i] = url.PathEscape(path[i])
	}
	u, _ := f.client.restCall(verb, base+f.file.hash+"/"+strings.Join(path, "/"), nil)
	last := path[len(path)-1]
	if verb == http.MethodPut {
		last = "{part}"
	}
	if len(path) > 1 {
		last = "{upload_id}/" + last
	}
	return &restRequest{verb: verb, url: u, method: verb + " /" + base + "{hash}/" + last, body: body, out: out}
}

// count counts bytes of the file that were sent, or that have to be again.
func (f *fileUpload) count(n int64) {
	f.mu.Lock()
	f.counted += n
	f.mu.Unlock()
	f.sent(n, 0)
}

// done counts what is left of the file, and the file.
func (f *fileUpload) done() {
	f.count(f.file.size - f.counted)
	f.sent(0, 1)
}

// forget begins the upload anew.
func (f *fileUpload) forget() {
	f.id, f.etags = "", nil
	f.count(-f.counted)
}

// cancel takes an upload back that is given up, as well as it goes: the
// service forgets it in the end.
func (f *fileUpload) cancel(ctx context.Context) {
	if f.id == "" {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelWithin)
	defer stop()
	_, _ = f.call(http.MethodPost, nil, nil, f.id, "cancel").once(ctx, f.client.rest)
}
