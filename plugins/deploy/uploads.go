package deploy

import (
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cache"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

const (
	// keptUpload is the kind of value that an upload is in the cache.
	keptUpload = "uploads"
	// uploadAge is how long an upload that rests is kept: as long as the local
	// control plane keeps its parts.
	uploadAge = 24 * time.Hour
)

// uploadMemory keeps in the cache how far uploads are, for the deployment that
// goes on with them; nil when it is not known for whom.
func uploadMemory(s *session.Session) fal.UploadMemory {
	kept := s.Kept()
	if kept == nil {
		return nil
	}
	return &keptUploads{cache: kept, place: s.Place(false)}
}

type keptUploads struct {
	cache *cache.Cache
	place string
}

func (k *keptUploads) key(upload string) string { return k.place + "\x00" + upload }

func (k *keptUploads) Recall(key string) []byte {
	k.cache.Expire(keptUpload, uploadAge)
	state, _ := k.cache.Get(keptUpload, k.key(key), uploadAge)
	return state
}

func (k *keptUploads) Keep(key string, state []byte) error {
	return k.cache.Put(keptUpload, k.key(key), state)
}

// Forget may fail: what stays is found out when it is used, and expires.
func (k *keptUploads) Forget(key string) { _ = k.cache.Drop(keptUpload, k.key(key)) }
