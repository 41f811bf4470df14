package faltest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// A Fault is what the server does with a request of an upload in place of
// answering it.
type Fault int

// The faults. FaultLost carries a request out and cuts the connection then.
const (
	FaultNone Fault = iota
	Fault500
	Fault429 // with Retry-After: 0
	FaultCut
	FaultLost
)

// Uploads is what a server was sent by the calls for app files and for the CDN.
// It is kept in memory.
type Uploads struct {
	server *Server

	mu      sync.Mutex
	fault   func(*http.Request) Fault
	handler func(*http.Request) http.HandlerFunc
	begun   map[string]*upload // by id
	files   map[string][]byte  // by hash
	sources map[string][]byte  // by name
	cancels int
}

// An upload is one that is not complete.
type upload struct {
	name  string // a hash, or a file's name
	parts map[int][]byte
}

// ServeUploads makes the server take uploads: POST /files/missing_hashes,
// /files/app/multipart/… and /storage/upload/…. A file whose hash is not that
// of its bytes and its mode is refused when it is completed.
func (s *Server) ServeUploads() *Uploads {
	u := &Uploads{server: s, begun: make(map[string]*upload), files: make(map[string][]byte), sources: make(map[string][]byte)}
	s.HandleREST("POST /files/missing_hashes", u.handled(u.missing))
	const file = "/files/app/multipart/{hash}/"
	s.HandleREST("POST "+file+"initiate", u.faulty(u.initiate))
	s.HandleREST("PUT "+file+"{id}/{part}", u.faulty(u.part))
	s.HandleREST("POST "+file+"{id}/complete", u.faulty(u.complete))
	s.HandleREST("POST "+file+"{id}/cancel", u.cancel)
	s.HandleREST("POST /storage/upload/initiate", u.faulty(u.initiateSource("/cdn/whole/")))
	s.HandleREST("POST /storage/upload/initiate-multipart", u.faulty(u.initiateSource("/cdn/parts/")))
	s.HandleREST("PUT /cdn/whole/{id}", u.faulty(u.source))
	s.HandleREST("PUT /cdn/parts/{id}/{part}", u.faulty(u.sourcePart))
	s.HandleREST("POST /cdn/parts/{id}/complete", u.faulty(u.completeSource))
	return u
}

// Faults asks fault about every request of an upload, but those for missing
// hashes and cancels; nil: none is faulty. It may be called by several
// goroutines at once.
func (u *Uploads) Faults(fault func(*http.Request) Fault) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fault = fault
}

// Handler asks handler about every request of an upload, but cancels: what it answers serves the request, unless it is nil. It
// may be called by several goroutines at once.
func (u *Uploads) Handler(handler func(*http.Request) http.HandlerFunc) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.handler = handler
}

// Lose makes the server forget the uploads that are not complete.
func (u *Uploads) Lose() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, begun := range u.begun {
		begun.parts = nil
	}
}

// Files are the app files that are complete, by their hashes.
func (u *Uploads) Files() map[string][]byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.files)
}

// Add makes the server have a file.
func (u *Uploads) Add(hash string, content []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.files[hash] = content
}

// Remove makes the server forget a file.
func (u *Uploads) Remove(hash string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.files, hash)
}

// Sources are the files of the CDN that are complete, by their names.
func (u *Uploads) Sources() map[string][]byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.sources)
}

// Canceled is how many uploads were taken back.
func (u *Uploads) Canceled() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.cancels
}

func (u *Uploads) handled(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		handler := u.handler
		u.mu.Unlock()
		if handler != nil {
			if other := handler(r); other != nil {
				other(w, r)
				return
			}
		}
		handle(w, r)
	}
}

func (u *Uploads) faulty(handle http.HandlerFunc) http.HandlerFunc {
	return u.handled(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		fault := u.fault
		u.mu.Unlock()
		kind := FaultNone
		if fault != nil {
			kind = fault(r)
		}
		switch kind {
		case Fault500:
			refuse(w, http.StatusInternalServerError, "it broke")
		case Fault429:
			w.Header().Set("Retry-After", "0")
			refuse(w, http.StatusTooManyRequests, "not so fast")
		case FaultCut:
			connOf(r).reset()
		case FaultLost:
			handle(discarded{http.Header{}}, r)
			connOf(r).reset()
		default:
			handle(w, r)
		}
	})
}

// discarded is an answer that nobody gets.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header       { return d.header }
func (discarded) Write(p []byte) (int, error) { return len(p), nil }
func (discarded) WriteHeader(int)             {}

func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(restwire.Error{Detail: detail}) // a client that is gone is told nothing
}

func (u *Uploads) missing(w http.ResponseWriter, r *http.Request) {
	var asked restwire.MissingHashes
	if json.NewDecoder(r.Body).Decode(&asked) != nil {
		refuse(w, http.StatusUnprocessableEntity, "no hashes")
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	missing := []string{}
	for _, hash := range asked.Hashes {
		if _, ok := u.files[hash]; !ok {
			missing = append(missing, hash)
		}
	}
	answerJSON(missing)(w, r)
}

// begin begins an upload, and answers its id.
func (u *Uploads) begin(name string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	id := "upload-" + strconv.Itoa(len(u.begun)+1)
	u.begun[id] = &upload{name: name, parts: make(map[int][]byte)}
	return id
}

func (u *Uploads) initiate(w http.ResponseWriter, r *http.Request) {
	hash := r.PathValue("hash")
	var metadata restwire.FileMetadata
	if json.NewDecoder(r.Body).Decode(&metadata) != nil || metadata.Hash != hash {
		refuse(w, http.StatusUnprocessableEntity, "no metadata of this hash")
		return
	}
	if _, ok := u.Files()[hash]; ok {
		refuse(w, http.StatusConflict, "the file exists")
		return
	}
	answerJSON(restwire.UploadBegun{UploadID: u.begin(hash)})(w, r)
}

// put keeps a part, and answers its ETag; empty if there is no such upload.
func (u *Uploads) put(id string, number int, content []byte) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	begun := u.begun[id]
	if begun == nil || begun.parts == nil {
		return ""
	}
	begun.parts[number] = content
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

func (u *Uploads) part(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(r.PathValue("part"))
	form, formErr := r.MultipartReader()
	if err != nil || formErr != nil {
		refuse(w, http.StatusUnprocessableEntity, "no part")
		return
	}
	field, err := form.NextPart()
	if err != nil || field.FormName() != restwire.UploadField {
		refuse(w, http.StatusUnprocessableEntity, "no field "+restwire.UploadField)
		return
	}
	content, err := io.ReadAll(field)
	if err != nil {
		return // the request was cut
	}
	etag := u.put(r.PathValue("id"), number, content)
	if etag == "" {
		refuse(w, http.StatusNotFound, "no such upload")
		return
	}
	answerJSON(restwire.UploadedPart{PartNumber: number, ETag: etag})(w, r)
}

// join ends an upload, and answers its bytes; false if there is none, or if it
// has other parts.
func (u *Uploads) join(id string, numbers []int) (name string, whole []byte, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	begun := u.begun[id]
	if begun == nil || begun.parts == nil || len(begun.parts) != len(numbers) || !slices.IsSorted(numbers) {
		return "", nil, false
	}
	for _, n := range numbers {
		part, ok := begun.parts[n]
		if !ok {
			return "", nil, false
		}
		whole = append(whole, part...)
	}
	begun.parts = nil
	return begun.name, whole, true
}

func (u *Uploads) complete(w http.ResponseWriter, r *http.Request) {
	var sent restwire.UploadParts
	if json.NewDecoder(r.Body).Decode(&sent) != nil {
		refuse(w, http.StatusUnprocessableEntity, "no parts")
		return
	}
	var numbers []int
	for _, part := range sent.Parts {
		numbers = append(numbers, part.PartNumber)
	}
	hash, whole, ok := u.join(r.PathValue("id"), numbers)
	if !ok {
		refuse(w, http.StatusNotFound, "no such upload")
		return
	}
	sum := sha256.Sum256(slices.Concat(whole, []byte(sent.Metadata.Mode)))
	if hex.EncodeToString(sum[:]) != hash || strconv.Itoa(len(whole)) != sent.Metadata.Size {
		refuse(w, http.StatusUnprocessableEntity, "these are not the bytes of "+hash)
		return
	}
	u.Add(hash, whole)
	answerJSON(restwire.UploadDone{ETag: hash})(w, r)
}

func (u *Uploads) cancel(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if begun := u.begun[r.PathValue("id")]; begun != nil && begun.parts != nil {
		begun.parts = nil
		u.cancels++
	}
	answerJSON(struct{}{})(w, r)
}

func (u *Uploads) initiateSource(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var file restwire.StorageFile
		if json.NewDecoder(r.Body).Decode(&file) != nil || file.FileName == "" {
			refuse(w, http.StatusUnprocessableEntity, "no name of a file")
			return
		}
		base := u.server.RESTURL()
		answerJSON(restwire.StorageUpload{FileURL: base + "/cdn/files/" + file.FileName, UploadURL: base + to + u.begin(file.FileName)})(w, r)
	}
}

func (u *Uploads) source(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return // the request was cut
	}
	id := r.PathValue("id")
	if u.put(id, 1, content) == "" {
		refuse(w, http.StatusNotFound, "no such upload")
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sources[u.begun[id].name] = bytes.Clone(content)
}

func (u *Uploads) sourcePart(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(r.PathValue("part"))
	content, readErr := io.ReadAll(r.Body)
	if err != nil || readErr != nil {
		return // no part, or a request that was cut
	}
	etag := u.put(r.PathValue("id"), number, content)
	if etag == "" {
		refuse(w, http.StatusNotFound, "no such upload")
		return
	}
	w.Header().Set("ETag", etag)
}

func (u *Uploads) completeSource(w http.ResponseWriter, r *http.Request) {
	var sent restwire.StorageParts
	if json.NewDecoder(r.Body).Decode(&sent) != nil {
		refuse(w, http.StatusUnprocessableEntity, "no parts")
		return
	}
	var numbers []int
	for _, part := range sent.Parts {
		numbers = append(numbers, part.PartNumber)
	}
	name, whole, ok := u.join(r.PathValue("id"), numbers)
	if !ok {
		refuse(w, http.StatusNotFound, "no such upload")
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sources[name] = whole
}
