package fal

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/textproto"
	"sync"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// A partForm is the form in which a part of an app file goes up, but for the
// part itself.
type partForm struct {
	before, after []byte
	contentType   string
}

func newPartForm() (*partForm, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", `form-data; name="`+restwire.UploadField+`"; filename="chunk"`)
	header.Set("Content-Type", "application/octet-stream")
	if _, err := w.CreatePart(header); err != nil {
		return nil, err
	}
	head := b.Len()
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &partForm{before: b.Bytes()[:head:head], after: b.Bytes()[head:], contentType: w.FormDataContentType()}, nil
}

// around is the form with a body of so many bytes in it.
func (f *partForm) around(body io.ReadCloser, size int64) (io.ReadCloser, int64, error) {
	whole := io.MultiReader(bytes.NewReader(f.before), body, bytes.NewReader(f.after))
	return &wrapped{Reader: whole, Closer: body}, int64(len(f.before)) + size + int64(len(f.after)), nil
}

type wrapped struct {
	io.Reader
	io.Closer
}

// sentBytes counts what goes up of one part. What an attempt sent that failed
// does not count.
type sentBytes struct {
	report func(int64)

	mu      sync.Mutex
	attempt int
	n, size int64
}

// reader counts the bytes of an attempt from now on, and those of no other: a
// body may be read after its request has failed.
func (s *sentBytes) reader(body io.ReadCloser, size int64) io.ReadCloser {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report(-s.n)
	s.attempt++
	s.n, s.size = 0, size
	return &countedBody{ReadCloser: body, sent: s, attempt: s.attempt}
}

// settle ends the count, with all of the part or nothing.
func (s *sentBytes) settle(whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempt++
	rest := -s.n
	if whole {
		rest += s.size
	}
	s.report(rest)
	s.n = 0
}

type countedBody struct {
	io.ReadCloser
	sent    *sentBytes
	attempt int
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.sent.mu.Lock()
	defer b.sent.mu.Unlock()
	if b.sent.attempt == b.attempt {
		b.sent.n += int64(n)
		b.sent.report(int64(n))
	}
	return n, err
}
