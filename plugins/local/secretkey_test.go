package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/controlplane"
	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

func TestStartWithoutTheKeyOfTheSecrets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.stop()
	db, err := store.Open(t.Context(), filepath.Join(b.data(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	secret := store.Secret{Account: 1, Environment: "main", Name: "A", Sealed: make([]byte, 40)}
	if err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertSecret(&secret) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	r := b.run("start").exits(1).prints("").says("secret A of environment main").says("hint: put " + controlplane.SecretKeyFile + " back").says("fal-local reset")
	if strings.Count(r.stderr, "\n") != 2 {
		t.Errorf("more than an error and a hint:\n%s", r.stderr)
	}
	if err := os.Remove(filepath.Join(b.data(), controlplane.SecretKeyFile)); err != nil {
		t.Fatal(err)
	}
	b.run("start").exits(1).prints("").says(controlplane.SecretKeyFile + ", is missing").says("hint:")
	b.run("start", "--foreground").exits(1).prints("").says("is missing").says("hint:")
	b.run("reset", "--yes").ok()
	b.start()
	b.stop()
	b.gone()
}
