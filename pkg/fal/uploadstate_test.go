package fal

import (
	"encoding/json"
	"testing"
)

// What a memory answers is believed when it is a state, and does no harm when it
// is not.
func FuzzUploadState(f *testing.F) {
	for _, seed := range []string{
		`{"upload_id": "u", "part_size": 10485760, "etags": ["a", ""]}`,
		`{"upload_id": "..", "part_size": 10485760, "etags": ["a", "b"]}`,
		`{"upload_id": "u\n", "part_size": 10485760, "etags": ["a", "b"]}`,
		`{"upload_id": "u", "part_size": 1, "etags": ["a", "b"]}`,
		`{"upload_id": "u", "part_size": 10485760, "etags": null}`,
		`[]`, `null`, "\x00", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, ok := parseUploadState(text, 2)
		if !ok {
			return
		}
		if s.ID == "" || s.ID == "." || s.ID == ".." || len(s.ETags) != 2 || s.PartSize != uploadPart {
			t.Fatalf("%q was taken for %+v", text, s)
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := parseUploadState(again, 2); !ok {
			t.Fatalf("%s is none when it is kept again", again)
		}
	})
}
