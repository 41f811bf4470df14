package fal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

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

// A sourceUpload puts a distribution on the CDN, as far as it got. It is a
// transfer.
type sourceUpload struct {
	*uploader
	source *sourceFile

	to    *url.URL // nil: it was not begun
	at    string   // where it is once it is there
	mu    sync.Mutex
	etags []string // of its parts, empty for one that is not there
}

func (s *sourceUpload) send(ctx context.Context) error {
	if err := s.advance(ctx); err != nil {
		return naming(s.source.name, err)
	}
	s.sent(0, 1)
	return nil
}

// giveUp has nothing to do: the CDN forgets what is not complete.
func (s *sourceUpload) giveUp(context.Context) {}

// advance does what is left of an upload.
func (s *sourceUpload) advance(ctx context.Context) error {
	whole := s.source.size <= largestPut
	if s.to == nil {
		if err := s.begin(ctx, whole); err != nil {
			return err
		}
	}
	if whole {
		_, err := s.put(ctx, s.to, 0, s.source.parts())
		s.pass.part(err)
		return err
	}
	return s.inParts(ctx)
}

func (s *sourceUpload) begin(ctx context.Context, whole bool) error {
	path := "storage/upload/initiate"
	if !whole {
		path = "storage/upload/initiate-multipart"
	}
	body, err := jsonBody(restwire.StorageFile{FileName: s.source.name, ContentType: sourceType})
	if err != nil {
		return err
	}
	lifecycle := `{"expiration_duration_seconds": ` + strconv.Itoa(sourceLifetime) + `}`
	at, method := s.client.restCall(http.MethodPost, path, url.Values{"storage_type": {"fal-cdn-v3"}})
	var begun restwire.StorageUpload
	call := &restRequest{verb: http.MethodPost, url: at, method: method, body: body, out: &begun, header: map[string]string{
		"Content-Type":                     "application/json",
		restwire.HeaderLifecycle:           lifecycle,
		restwire.HeaderLifecyclePreference: lifecycle,
	}}
	if err := s.try(ctx, call, s.rest); err != nil {
		return err
	}
	to, err := url.Parse(begun.UploadURL)
	if err != nil || to.Host == "" || begun.FileURL == "" {
		return &Error{Code: CodeUnavailable, Method: method, why: CauseProtocol, Message: "the service gave no URL to upload to"}
	}
	s.to, s.at, s.etags = to, begun.FileURL, make([]string, s.source.parts())
	return nil
}

// The URLs that the service gives are secrets in themselves: errors name their
// host alone.
func cdnCall(verb string, to *url.URL) *restRequest {
	return &restRequest{verb: verb, url: to, method: verb + " " + to.Scheme + "://" + to.Host + "/…"}
}

func (s *sourceUpload) inParts(ctx context.Context) error {
	err := s.parts(ctx, missingParts(s.etags), func(ctx context.Context, i int) error {
		etag, err := s.put(ctx, s.to.JoinPath(strconv.Itoa(i+1)), i, 1)
		if err != nil {
			return err
		}
		if etag == "" {
			return &Error{Code: CodeUnavailable, Method: cdnCall(http.MethodPut, s.to).method, why: CauseProtocol, Message: "the CDN gave no ETag of a part"}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.etags[i] = etag
		return nil
	})
	if err != nil {
		return err
	}
	done := restwire.StorageParts{Parts: make([]restwire.StoragePart, len(s.etags))}
	for i, etag := range s.etags {
		done.Parts[i] = restwire.StoragePart{PartNumber: i + 1, ETag: etag}
	}
	call := cdnCall(http.MethodPost, s.to.JoinPath("complete"))
	call.header = jsonHeader()
	if call.body, err = jsonBody(done); err != nil {
		return err
	}
	return s.try(ctx, call, s.bare)
}

// put sends some parts in one request, without credentials, and answers the
// ETag.
func (s *sourceUpload) put(ctx context.Context, to *url.URL, first, count int) (etag string, err error) {
	sent := &sentBytes{report: func(n int64) { s.sent(n, 0) }}
	defer func() { sent.settle(err == nil) }()
	call := cdnCall(http.MethodPut, to)
	call.header = map[string]string{"Content-Type": sourceType}
	call.answered = func(header http.Header) { etag = header.Get("ETag") }
	call.body = func() (io.ReadCloser, int64, error) {
		section, size, err := s.source.section(first, count)
		if err != nil {
			return nil, 0, err
		}
		return sent.reader(section, size), size, nil
	}
	err = s.try(ctx, call, s.bare)
	return etag, err
}
