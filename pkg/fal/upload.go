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
	"github.com/fal-plugins/fal/pkg/internal/transport"
)

const (
	// uploadsAtOnce is how many files, and how many parts of all of them, are
	// on their way at a time.
	uploadsAtOnce = 10
	// hashesAtOnce is how many hashes one call asks for.
	hashesAtOnce = 5000
	// cancelWithin bounds the calls that take back uploads that are given up, one
	// or all that are left.
	cancelWithin = 5 * time.Second
)

// An uploader sends what belongs to a deployment. It calls sent from several
// goroutines at once; bytes that have to be sent again are taken back.
type uploader struct {
	client *Client
	rest   *http.Client // the client's, but not for ever
	bare   *http.Client // rest without credentials
	memory UploadMemory // may be nil
	sent   func(bytes int64, whole int)
	slots  chan struct{} // one for each part on its way
	pass   *pass         // that is under way
	since  int           // the moment before the service was asked what it lacks
}

func (c *Client) uploader(memory UploadMemory, sent func(bytes int64, whole int)) *uploader {
	return &uploader{
		client: c, rest: c.patient(c.rest), bare: c.patient(c.bare),
		memory: memory, sent: sent, slots: make(chan struct{}, uploadsAtOnce), pass: new(pass),
	}
}

// patient is a client of HTTP whose calls end when they stand still.
func (c *Client) patient(client *http.Client) *http.Client {
	return &http.Client{Transport: transport.Patient(client.Transport, c.patience)}
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
		if err := u.try(ctx, call, u.rest); err != nil {
			return nil, err
		}
		for _, hash := range answer {
			missing[hash] = true
		}
	}
	return missing, nil
}

func jsonHeader() map[string]string { return map[string]string{"Content-Type": "application/json"} }

// parts sends those parts of something that there are no ETags of yet. One that
// fails in passing does not keep the others from going up.
func (u *uploader) parts(ctx context.Context, missing []int, send func(context.Context, int) error) error {
	group, sending := errgroup.WithContext(ctx)
	var mu sync.Mutex
	var why error
	begun := 0
	for _, i := range missing {
		if u.pass.hopeless() || !u.take(sending) {
			break
		}
		begun++
		group.Go(func() error {
			defer func() { <-u.slots }()
			err := send(sending, i)
			u.pass.part(err)
			if err == nil || !passing(err) || sending.Err() != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if why == nil {
				why = err
			}
			return nil
		})
	}
	err := group.Wait()
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return fileError(ctx, ctx.Err())
	case why == nil && begun < len(missing):
		return u.pass.failure()
	}
	return why
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

// A fileUpload is the upload of one file, as far as it got. It is a transfer.
type fileUpload struct {
	*uploader
	file *appFile

	id       string
	recalled bool // the memory was asked
	resumed  bool // id is that of an earlier deployment
	renewed  bool // it was lost, and begun anew
	refused  bool // it is of no use any more

	mu      sync.Mutex
	etags   []string // of its parts, empty for one that is not there
	counted int64    // bytes
	kept    bool     // the memory has it
}

// send sends the file, from where it broke the last time, unless another deployment
// does.
func (f *fileUpload) send(ctx context.Context) error {
	release, isThere, err := f.client.uploads.claim(ctx, f.file.hash, f.since)
	if err != nil {
		return err
	}
	if isThere {
		f.done()
		return nil
	}
	err = f.sendAlone(ctx)
	release(err == nil)
	return err
}

func (f *fileUpload) sendAlone(ctx context.Context) error {
	f.refused = false
	for {
		err := f.advance(ctx)
		if err == nil || errors.Is(err, ErrAlreadyExists) {
			f.done()
			return nil
		}
		stuck := ctx.Err() == nil && f.stuck(err)
		if ctx.Err() != nil || waitsLong(err) || passing(err) && !stuck {
			return naming(f.file.name, err)
		}
		lost := f.id != "" && errors.Is(err, ErrNotFound)
		if lost || stuck {
			// It may be complete, and the answer that it is lost; or somebody
			// else has sent the same file meanwhile.
			missing, asked := f.missingHashes(ctx, []string{f.file.hash})
			if asked == nil && !missing[f.file.hash] {
				f.done()
				return nil
			}
			if stuck && asked != nil {
				return naming(f.file.name, err) // it may be all of the service that broke
			}
		}
		if !f.mayRenew(err, lost) {
			f.refused = true
			return naming(f.file.name, err)
		}
		if !lost {
			f.cancel(ctx)
		}
		f.forget()
	}
}

// mayRenew reports whether an upload that the service refused is begun anew: one
// that it has lost, once; and one of an earlier deployment, of which it may know
// something else than what was kept here.
func (f *fileUpload) mayRenew(err error, lost bool) bool {
	switch {
	case f.resumed:
		return !ownFault(err) && !errors.Is(err, ErrUnauthenticated)
	case lost && !f.renewed:
		f.renewed = true
		return true
	}
	return false
}

// stuck reports whether the service broke at completing what an earlier
// deployment began, and what is there in full: it might again, for each that goes
// on with it. One that is away, or takes long, says nothing of the upload.
func (f *fileUpload) stuck(err error) bool {
	return f.resumed && errors.Is(err, ErrInternal) && len(missingParts(f.etags)) == 0
}

// ownFault reports whether an error is none of the service's.
func ownFault(err error) bool {
	var e *Error
	return !errors.As(err, &e) || e.Method == "Deploy"
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

// advance does what is left of an upload.
func (f *fileUpload) advance(ctx context.Context) error {
	if f.id == "" && !f.recall() {
		if err := f.begin(ctx); err != nil {
			return err
		}
	}
	if err := f.parts(ctx, missingParts(f.etags), f.part); err != nil {
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
	return f.try(ctx, call, f.rest)
}

// begin has the service begin an upload.
func (f *fileUpload) begin(ctx context.Context) error {
	body, err := jsonBody(f.file.metadata())
	if err != nil {
		return err
	}
	var begun restwire.UploadBegun
	call := f.call(http.MethodPost, body, &begun, "initiate")
	call.header = jsonHeader()
	if err := f.try(ctx, call, f.rest); err != nil {
		return err
	}
	if begun.UploadID == "" {
		return &Error{Code: CodeUnavailable, Method: call.method, why: CauseProtocol, Message: "the service began no upload"}
	}
	f.id, f.etags = begun.UploadID, make([]string, f.file.parts())
	return nil
}

// missingParts are the parts that have no ETag, from 0.
func missingParts(etags []string) (missing []int) {
	for i, etag := range etags {
		if etag == "" {
			missing = append(missing, i)
		}
	}
	return missing
}

// part sends one part, and keeps its name at the service.
func (f *fileUpload) part(ctx context.Context, i int) (err error) {
	form, err := newPartForm()
	if err != nil {
		return err
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
	if err := f.try(ctx, call, f.rest); err != nil {
		return err
	}
	if answer.ETag == "" {
		return &Error{Code: CodeUnavailable, Method: call.method, why: CauseProtocol, Message: "the service gave no ETag of a part"}
	}
	f.arrived(i, answer.ETag)
	return nil
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
	f.drop()
	f.count(f.file.size - f.counted)
	f.sent(0, 1)
}

// forget begins the upload anew.
func (f *fileUpload) forget() {
	f.drop()
	f.id, f.etags, f.resumed = "", nil, false
	f.count(-f.counted)
}

// giveUp takes an upload back, unless another deployment may go on with it.
func (f *fileUpload) giveUp(ctx context.Context) {
	if f.kept && !f.refused {
		return
	}
	f.drop()
	f.cancel(ctx)
}

// cancel takes an upload back as well as it goes: the service forgets it in the
// end.
func (f *fileUpload) cancel(ctx context.Context) {
	if f.id != "" {
		ctx, stop := context.WithTimeout(ctx, cancelWithin)
		defer stop()
		_, _ = f.call(http.MethodPost, nil, nil, f.id, "cancel").once(ctx, f.rest)
	}
}
