package fal

import (
	"encoding/json"
	"strconv"
	"strings"
)

// An UploadMemory keeps how far the uploads of large files have come, so that a
// deployment goes on where an earlier one broke off, even that of another
// process: parts of 10 MiB that arrived are not sent again. A memory is that of
// one account: the key of an upload names the service, the file's hash and its
// size.
//
// Its methods are called by several goroutines at once, and what other
// deployments keep in the meantime may be lost, so long as each value is kept as
// a whole. A service forgets an upload that nobody goes on with, and so should a
// memory, in about a day; what the service does not know any more is begun anew.
type UploadMemory interface {
	// Recall is what was kept last under the key; nil if nothing is.
	Recall(key string) []byte
	// Keep replaces what is kept under the key. What can not be kept is taken
	// back from the service when the deployment breaks off, as without a memory.
	Keep(key string, state []byte) error
	// Forget removes what is kept under the key; there may be nothing.
	Forget(key string)
}

// uploadState is what a memory keeps of an upload.
type uploadState struct {
	ID       string   `json:"upload_id"`
	PartSize int64    `json:"part_size"`
	ETags    []string `json:"etags"` // empty for parts that are not there
}

// longestUploadID and longestETag bound what is believed of a state, in bytes.
const (
	longestUploadID = 4096
	longestETag     = 1024
)

// parseUploadState reads the state of an upload of so many parts; false if it is
// none.
func parseUploadState(text []byte, parts int) (s uploadState, ok bool) {
	if json.Unmarshal(text, &s) != nil || s.PartSize != uploadPart || len(s.ETags) != parts {
		return s, false
	}
	// Such an id would change the path of a call.
	if s.ID == "" || len(s.ID) > longestUploadID || s.ID == "." || s.ID == ".." || !headerSafe(s.ID) {
		return s, false
	}
	for _, etag := range s.ETags {
		if len(etag) > longestETag || !headerSafe(etag) {
			return s, false
		}
	}
	return s, true
}

// memoryKey is what the upload is kept under. A file of one part has none: there
// is nothing to go on with.
func (f *fileUpload) memoryKey() string {
	if f.memory == nil || f.file.parts() == 1 {
		return ""
	}
	return strings.Join([]string{f.client.restURL.String(), f.file.hash, strconv.FormatInt(f.file.size, 10)}, " ")
}

// recall goes on with the upload of an earlier deployment; false if there is
// none.
func (f *fileUpload) recall() bool {
	key := f.memoryKey()
	if key == "" || f.recalled {
		return false
	}
	f.recalled = true
	text := f.memory.Recall(key)
	if text == nil {
		return false
	}
	state, ok := parseUploadState(text, f.file.parts())
	if !ok {
		f.memory.Forget(key)
		return false
	}
	f.id, f.etags, f.resumed, f.kept = state.ID, state.ETags, true, true
	var there int64
	for i, etag := range f.etags {
		if etag != "" {
			there += min(uploadPart, f.file.size-int64(i)*uploadPart)
		}
	}
	f.count(there)
	return true
}

// arrived notes a part that is there.
func (f *fileUpload) arrived(i int, etag string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.etags[i] = etag
	key := f.memoryKey()
	if key == "" {
		return
	}
	text, err := json.Marshal(uploadState{ID: f.id, PartSize: uploadPart, ETags: f.etags})
	if err == nil {
		err = f.memory.Keep(key, text)
	}
	f.kept = err == nil
}

// drop removes the upload from the memory.
func (f *fileUpload) drop() {
	if key := f.memoryKey(); key != "" && f.kept {
		f.memory.Forget(key)
	}
	f.kept = false
}
