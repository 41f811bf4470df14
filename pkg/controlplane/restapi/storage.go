package restapi

import (
	"cmp"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/files"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// StoredPath begins the path of a file of storage, and goes on with its id and
// "/" and its name.
const StoredPath = "/storage/files/"

// uploadsPath begins the path that a file is put to. As with StoredPath nobody
// can guess the id, which is all the credentials that are needed.
const uploadsPath = "/storage/uploads/"

// defaultLifetime is how long a file is kept of which the client does not say.
const defaultLifetime = 24 * time.Hour

func (a *api) routeStorage(mux *http.ServeMux) {
	mux.Handle("POST /storage/upload/initiate", a.serveChange(a.beginStorage))
	mux.Handle("POST /storage/upload/initiate-multipart", a.serveChange(a.beginStorage))
	mux.HandleFunc("PUT "+uploadsPath+"{id}", a.putStorage)
	mux.HandleFunc("PUT "+uploadsPath+"{id}/{part}", a.putStoragePart)
	mux.HandleFunc("POST "+uploadsPath+"{id}/complete", a.completeStorage)
	mux.HandleFunc("GET "+StoredPath+"{id}/{name}", a.stored)
}

func (a *api) beginStorage(_ state.Caller, request *http.Request) (any, error) {
	var file restwire.StorageFile
	if err := readJSON(request, maxSmallBody, &file); err != nil {
		return nil, err
	}
	lifetime, err := lifetimeOf(request.Header)
	if err != nil {
		return nil, err
	}
	d, upload, err := a.files.Reserve(file.FileName, cmp.Or(file.ContentType, "application/octet-stream"), lifetime)
	if err != nil {
		return nil, filesError(err, "body", "file_name")
	}
	return restwire.StorageUpload{
		FileURL:   a.baseURL + StoredPath + d.ID + "/" + url.PathEscape(d.Name),
		UploadURL: a.baseURL + uploadsPath + upload,
	}, nil
}

// lifetimeOf reads the headers that say how long a file is to be kept.
func lifetimeOf(header http.Header) (time.Duration, error) {
	name := restwire.HeaderLifecycle
	text := header.Get(name)
	if text == "" {
		name = restwire.HeaderLifecyclePreference
		text = header.Get(name)
	}
	if text == "" {
		return defaultLifetime, nil
	}
	var lifecycle restwire.StorageLifecycle
	if err := json.Unmarshal([]byte(text), &lifecycle); err != nil {
		return 0, wrongField("json_invalid", err.Error(), "header", name)
	}
	seconds := lifecycle.ExpirationDurationSeconds
	switch {
	case seconds == nil:
		return defaultLifetime, nil
	case *seconds < 1 || *seconds > files.MaxLifetime.Seconds():
		return 0, wrongField("value_error", "a file is kept for 1 second to 30 days", "header", name)
	}
	return time.Duration(*seconds * float64(time.Second)), nil
}

func (a *api) putStorage(w http.ResponseWriter, request *http.Request) {
	err := a.files.PutDistribution(request.PathValue("id"), request.Body)
	finish(w, filesError(err, "body"))
}

func (a *api) putStoragePart(w http.ResponseWriter, request *http.Request) {
	number, err := strconv.Atoi(request.PathValue("part"))
	if err != nil {
		refuse(w, wrongField("int_parsing", "Input should be the number of a part", "path", "part"))
		return
	}
	etag, err := a.files.Part(request.PathValue("id"), number, request.Body)
	if err == nil {
		w.Header().Set("ETag", etag)
	}
	finish(w, filesError(err, "body"))
}

func (a *api) completeStorage(w http.ResponseWriter, request *http.Request) {
	var sent restwire.StorageParts
	if err := readJSON(request, maxPartsBody, &sent); err != nil {
		refuse(w, err)
		return
	}
	parts := make([]files.Part, len(sent.Parts))
	for i, part := range sent.Parts {
		parts[i] = files.Part{Number: part.PartNumber, ETag: part.ETag}
	}
	err := a.files.CompleteDistribution(request.PathValue("id"), parts)
	finish(w, filesError(err, "body", "parts"))
}

func finish(w http.ResponseWriter, err error) {
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

// stored answers the bytes of a file, to whoever knows where it is.
func (a *api) stored(w http.ResponseWriter, request *http.Request) {
	d, err := a.files.Distribution(request.PathValue("id"), request.PathValue("name"))
	if err != nil {
		refuse(w, filesError(err))
		return
	}
	content, err := a.files.OpenDistribution(d)
	if err != nil {
		refuse(w, err)
		return
	}
	defer content.Close()
	header := w.Header()
	header.Set("Content-Type", d.ContentType)
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.Name}))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	http.ServeContent(w, request, "", time.Time{}, io.ReadSeeker(content))
}
