package fal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

const (
	// sourceLifetime is how long a source distribution stays on the CDN, in
	// seconds: as long as a build may take to fetch it.
	sourceLifetime = 3600
	// largestPut is the most that goes to the CDN in one request, in bytes.
	largestPut = 100 << 20
	// sourceType is what the official client takes a .tar.gz for.
	sourceType = "application/x-tar"
)

// A sourceFile is a [Source] that was read.
type sourceFile struct {
	content
	sources []Source // that have this content
	digest  string
}

func newSourceFile(s Source) *sourceFile {
	return &sourceFile{content: content{name: s.FileName, size: s.Size, open: s.Open}, sources: []Source{s}}
}

func (s *sourceFile) read(ctx context.Context, buffer []byte, some func(int64)) error {
	hash := sha256.New()
	if err := s.content.read(ctx, buffer, hash, some); err != nil {
		return err
	}
	s.digest = hex.EncodeToString(hash.Sum(nil))
	return nil
}

// source puts a distribution on the CDN, and answers where it is. What breaks
// is begun anew.
func (u *uploader) source(ctx context.Context, s *sourceFile) (string, error) {
	for round := 1; ; round++ {
		var counted atomic.Int64
		once := *u
		once.sent = func(n int64, whole int) {
			counted.Add(n)
			u.sent(n, whole)
		}
		at, err := once.sourceOnce(ctx, s)
		if err == nil {
			u.sent(0, 1)
			return at, nil
		}
		u.sent(-counted.Load(), 0)
		if round >= uploadRounds || !passing(err) || !u.client.pause(ctx, uploadDelay(round)) {
			return "", naming(s.name, err)
		}
	}
}

func (u *uploader) sourceOnce(ctx context.Context, s *sourceFile) (string, error) {
	whole := s.size <= largestPut
	path := "storage/upload/initiate"
	if !whole {
		path = "storage/upload/initiate-multipart"
	}
	body, err := jsonBody(restwire.StorageFile{FileName: s.name, ContentType: sourceType})
	if err != nil {
		return "", err
	}
	lifecycle := `{"expiration_duration_seconds": ` + strconv.Itoa(sourceLifetime) + `}`
	at, method := u.client.restCall(http.MethodPost, path, url.Values{"storage_type": {"fal-cdn-v3"}})
	var begun restwire.StorageUpload
	call := &restRequest{verb: http.MethodPost, url: at, method: method, body: body, out: &begun, header: map[string]string{
		"Content-Type":                     "application/json",
		restwire.HeaderLifecycle:           lifecycle,
		restwire.HeaderLifecyclePreference: lifecycle,
	}}
	if err := u.try(ctx, call, u.client.rest); err != nil {
		return "", err
	}
	to, err := url.Parse(begun.UploadURL)
	if err != nil || to.Host == "" || begun.FileURL == "" {
		return "", &Error{Code: CodeUnavailable, Method: method, why: CauseProtocol, Message: "the service gave no URL to upload to"}
	}
	send := u.sourceWhole
	if !whole {
		send = u.sourceParts
	}
	if err := send(ctx, s, to); err != nil {
		return "", err
	}
	return begun.FileURL, nil
}

// The URLs that the service gives are secrets in themselves: errors name their
// host alone.
func cdnCall(verb string, to *url.URL) *restRequest {
	return &restRequest{verb: verb, url: to, method: verb + " " + to.Scheme + "://" + to.Host + "/…"}
}

func (u *uploader) sourceWhole(ctx context.Context, s *sourceFile, to *url.URL) error {
	return u.put(ctx, cdnCall(http.MethodPut, to), s, 0, s.parts())
}

func (u *uploader) sourceParts(ctx context.Context, s *sourceFile, to *url.URL) error {
	etags := make([]string, s.parts())
	err := u.parts(ctx, etags, func(ctx context.Context, i int) (string, error) {
		call := cdnCall(http.MethodPut, to.JoinPath(strconv.Itoa(i+1)))
		var etag string
		call.answered = func(header http.Header) { etag = header.Get("ETag") }
		if err := u.put(ctx, call, s, i, 1); err != nil {
			return "", err
		}
		if etag == "" {
			return "", &Error{Code: CodeUnavailable, Method: call.method, why: CauseProtocol, Message: "the CDN gave no ETag of a part"}
		}
		return etag, nil
	})
	if err != nil {
		return err
	}
	done := restwire.StorageParts{Parts: make([]restwire.StoragePart, len(etags))}
	for i, etag := range etags {
		done.Parts[i] = restwire.StoragePart{PartNumber: i + 1, ETag: etag}
	}
	call := cdnCall(http.MethodPost, to.JoinPath("complete"))
	call.header = jsonHeader()
	if call.body, err = jsonBody(done); err != nil {
		return err
	}
	return u.try(ctx, call, u.client.bare)
}

// put sends some parts of a distribution in one request, without credentials.
func (u *uploader) put(ctx context.Context, call *restRequest, s *sourceFile, first, count int) (err error) {
	sent := &sentBytes{report: func(n int64) { u.sent(n, 0) }}
	defer func() { sent.settle(err == nil) }()
	call.header = map[string]string{"Content-Type": sourceType}
	call.body = func() (io.ReadCloser, int64, error) {
		section, size, err := s.section(first, count)
		if err != nil {
			return nil, 0, err
		}
		return sent.reader(section, size), size, nil
	}
	return u.try(ctx, call, u.client.bare)
}
