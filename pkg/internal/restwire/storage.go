package restwire

// StorageFile is the body of POST /storage/upload/initiate and
// /storage/upload/initiate-multipart.
type StorageFile struct {
	FileName    string `json:"file_name"`
	ContentType string `json:"content_type"`
}

// The headers of both calls with a StorageLifecycle as JSON.
const (
	HeaderLifecycle           = "X-Fal-Object-Lifecycle"
	HeaderLifecyclePreference = "X-Fal-Object-Lifecycle-Preference"
)

// StorageLifecycle says how long a file is to be kept.
type StorageLifecycle struct {
	ExpirationDurationSeconds *float64 `json:"expiration_duration_seconds"`
}

// StorageUpload is the answer: the file is put to UploadURL, without
// credentials, and is then at FileURL. In parts it is put to UploadURL with
// "/" and the number of the part after its path, and POSTed StorageParts to
// UploadURL with "/complete" after it.
type StorageUpload struct {
	FileURL   string `json:"file_url"`
	UploadURL string `json:"upload_url"`
}

// StorageParts is the body that ends an upload in parts.
type StorageParts struct {
	Parts []StoragePart `json:"parts"`
}

// StoragePart is a part, with the ETag header of its answer.
type StoragePart struct {
	PartNumber int    `json:"partNumber"`
	ETag       string `json:"etag"`
}
