package restapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/fal-plugins/fal/pkg/controlplane/files"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// The bounds of bodies in JSON, in bytes, and of what may be asked at once.
const (
	maxHashes     = 100_000
	maxHashesBody = maxHashes * 80
	maxPartsBody  = files.MaxParts * 256
	maxSmallBody  = 64 << 10
)

func (a *api) routeFiles(mux *http.ServeMux) {
	mux.Handle("POST /files/missing_hashes", a.serve(a.missingHashes))
	mux.Handle("POST /files/app/multipart/{hash}/initiate", a.serveChange(a.beginUpload))
	mux.Handle("PUT /files/app/multipart/{hash}/{upload_id}/{part}", a.serveChange(a.uploadPart))
	mux.Handle("POST /files/app/multipart/{hash}/{upload_id}/complete", a.serveChange(a.completeUpload))
	mux.Handle("POST /files/app/multipart/{hash}/{upload_id}/cancel", a.serveChange(a.cancelUpload))
}

// serveChange is serve for what a key of API scope may not do.
func (a *api) serveChange(c call) http.Handler {
	return a.serve(func(caller state.Caller, request *http.Request) (any, error) {
		if err := caller.May(state.ToChange); err != nil {
			return nil, err
		}
		return c(caller, request)
	})
}

func (a *api) missingHashes(_ state.Caller, request *http.Request) (any, error) {
	var asked restwire.MissingHashes
	if err := readJSON(request, maxHashesBody, &asked); err != nil {
		return nil, err
	}
	if asked.Hashes == nil {
		return nil, wrongField("missing", "Field required", "body", "hashes")
	}
	if len(asked.Hashes) > maxHashes {
		return nil, wrongField("too_long", fmt.Sprintf("List should have at most %d items", maxHashes), "body", "hashes")
	}
	missing, err := a.files.Missing(asked.Hashes)
	return missing, filesError(err, "body", "hashes")
}

func (a *api) beginUpload(_ state.Caller, request *http.Request) (any, error) {
	var metadata restwire.FileMetadata
	if err := readJSON(request, maxSmallBody, &metadata); err != nil {
		return nil, err
	}
	file := files.Metadata{Hash: request.PathValue("hash")}
	if metadata.Hash != file.Hash {
		return nil, wrongField("value_error", "it is not the hash in the path", "body", "hash")
	}
	var err error
	if file.Size, err = strconv.ParseInt(metadata.Size, 10, 64); err != nil {
		return nil, wrongField("int_parsing", "Input should be a number of bytes, as decimal text", "body", "size")
	}
	mode, err := strconv.ParseUint(metadata.Mode, 10, 32)
	if err != nil {
		return nil, wrongField("int_parsing", "Input should be the file's st_mode, as decimal text", "body", "mode")
	}
	file.Mode = uint32(mode)
	id, err := a.files.Initiate(file)
	return restwire.UploadBegun{UploadID: id}, filesError(err, "body")
}

func (a *api) uploadPart(_ state.Caller, request *http.Request) (any, error) {
	number, err := strconv.Atoi(request.PathValue("part"))
	if err != nil {
		return nil, wrongField("int_parsing", "Input should be the number of a part", "path", "part")
	}
	form, err := request.MultipartReader()
	if err != nil {
		return nil, wrongField("multipart", err.Error(), "body")
	}
	for {
		field, err := form.NextPart()
		if err == io.EOF { // and not the io.EOF of a body that was cut, which is wrapped
			return nil, wrongField("missing", "Field required", "body", restwire.UploadField)
		}
		if err != nil {
			return nil, wrongField("multipart", err.Error(), "body")
		}
		if field.FormName() != restwire.UploadField {
			continue
		}
		etag, err := a.files.Part(request.PathValue("upload_id"), number, field)
		return restwire.UploadedPart{PartNumber: number, ETag: etag}, filesError(err, "body")
	}
}

func (a *api) completeUpload(_ state.Caller, request *http.Request) (any, error) {
	var sent restwire.UploadParts
	if err := readJSON(request, maxPartsBody, &sent); err != nil {
		return nil, err
	}
	parts := make([]files.Part, len(sent.Parts))
	for i, part := range sent.Parts {
		parts[i] = files.Part{Number: part.PartNumber, ETag: part.ETag}
	}
	etag, err := a.files.Complete(request.PathValue("hash"), request.PathValue("upload_id"), parts)
	return restwire.UploadDone{ETag: etag}, filesError(err, "body", "parts")
}

func (a *api) cancelUpload(_ state.Caller, request *http.Request) (any, error) {
	err := a.files.Cancel(request.PathValue("hash"), request.PathValue("upload_id"))
	return struct{}{}, filesError(err, "path", "hash")
}

// readJSON decodes a body of so many bytes at most.
func readJSON(request *http.Request, limit int64, into any) error {
	body, err := io.ReadAll(io.LimitReader(request.Body, limit+1))
	if err != nil {
		return wrongField("body", err.Error(), "body")
	}
	if int64(len(body)) > limit {
		return wrongField("too_long", fmt.Sprintf("the body has more than %d bytes", limit), "body")
	}
	if err := json.Unmarshal(body, into); err != nil {
		return wrongField("json_invalid", err.Error(), "body")
	}
	return nil
}

func wrongField(kind, message string, loc ...string) error {
	return &invalidRequest{fields: []restwire.InvalidField{{Loc: loc, Msg: message, Type: kind}}}
}

// filesError says what an error of files is in the terms of every API.
func filesError(err error, loc ...string) error {
	var invalid *files.InvalidError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		return wrongField("value_error", err.Error(), loc...)
	case errors.Is(err, files.ErrExists):
		return &state.Error{Kind: state.Exists, Message: err.Error()}
	case errors.Is(err, files.ErrNotFound):
		return &state.Error{Kind: state.NotFound, Message: err.Error()}
	case errors.Is(err, files.ErrTooMany):
		return &state.Error{Kind: state.Exhausted, Message: err.Error()}
	}
	return err
}
