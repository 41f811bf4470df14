package state

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// BenchmarkLog stores lines as fast as the disk takes them.
func BenchmarkLog(b *testing.B) {
	db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	st, err := Open(b.Context(), db, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	if _, _, err := st.CreateAccount(b.Context(), "me", "My Self"); err != nil {
		b.Fatal(err)
	}
	app, err := st.RegisterApp(b.Context(), AppSpec{Name: "web", Argv: []string{"web"}})
	if err != nil {
		b.Fatal(err)
	}
	r, err := st.CreateRunner(b.Context(), app, "", "benchmark")
	if err != nil {
		b.Fatal(err)
	}
	const message = "127.0.0.1 - - [21/Nov/2026:18:30:00 +0000] \"GET /predict HTTP/1.1\" 200 5316 0.0421"
	for b.Loop() {
		st.Log(r, time.Now(), SourceStdout, message)
	}
	st.logs.flush()
}
