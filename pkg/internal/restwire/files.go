package restwire

// MissingHashes is the body of POST /files/missing_hashes; the answer is a list
// of those that are not there.
type MissingHashes struct {
	Hashes []string `json:"hashes"`
}

// FileMetadata is the body of POST /files/app/multipart/{hash}/initiate, and
// part of UploadParts. Numbers are written as decimal text.
type FileMetadata struct {
	Size  string `json:"size"`  // bytes
	MTime string `json:"mtime"` // seconds since 1970, with a fraction
	Mode  string `json:"mode"`  // st_mode, such as 33188
	Hash  string `json:"hash"`
}

// UploadBegun is the answer of initiate.
type UploadBegun struct {
	UploadID string `json:"upload_id"`
}

// UploadField is the field of the multipart form that a part of an app file is
// sent in.
const UploadField = "file_upload"

// UploadedPart is the answer of PUT …/{upload_id}/{part}.
type UploadedPart struct {
	PartNumber int    `json:"part_number"`
	ETag       string `json:"etag"`
}

// UploadParts is the body of POST …/{upload_id}/complete.
type UploadParts struct {
	Parts    []UploadedPart `json:"parts"`
	Metadata FileMetadata   `json:"metadata"`
}

// UploadDone is its answer.
type UploadDone struct {
	ETag string `json:"etag"`
}
