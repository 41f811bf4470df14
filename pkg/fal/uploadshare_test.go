package fal_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
)

// Deployments at the same time send what they share once.
func TestDeploymentsShareUploads(t *testing.T) {
	server, uploads := deployServer(t)
	ctx, client := newClient(t, server.Options())
	quick(client)
	files, want := treeOf(t, 60, 2000)
	var all sync.WaitGroup
	for _, name := range []string{"one", "two", "three"} {
		app := imageApp()
		app.Name, app.Files = name, files
		all.Go(func() {
			var last fal.DeployEvent
			_, err := client.Deploy(ctx, app, &fal.DeployParams{Progress: func(e fal.DeployEvent) {
				if e.Phase == fal.DeployUpload {
					last = e
				}
			}})
			if err != nil {
				t.Error(err)
			}
			if last.Files != last.TotalFiles || last.Bytes != last.TotalBytes {
				t.Errorf("%s: the last event is %+v", name, last)
			}
		})
	}
	all.Wait()
	same(t, uploads.Files(), want)
	if parts, begun := sentParts(server, 0); begun != len(want) || len(parts) != len(want) {
		t.Errorf("%d uploads begun, and %d parts sent, of %d files", begun, len(parts), len(want))
	}
}

// What the one that sends a file does not complete the other sends.
func TestSharedUploadThatIsBrokenOff(t *testing.T) {
	server, uploads := deployServer(t)
	ctx, client := newClient(t, server.Options())
	quick(client)
	app, want := bigApp(t)
	first, cancel := context.WithCancel(ctx)
	defer cancel()
	var puts atomic.Int32
	held := make(chan struct{})
	uploads.Handler(func(r *http.Request) http.HandlerFunc {
		if r.Method != http.MethodPut || puts.Add(1) > 1 {
			return nil
		}
		return func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			close(held)
			<-r.Context().Done()
		}
	})
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := client.Deploy(first, app, nil); !errors.Is(err, fal.ErrCanceled) {
			t.Errorf("broken off: %v", err)
		}
	})
	<-held
	other := app
	other.Name = "other"
	begins := make(chan struct{})
	all.Go(func() {
		var once sync.Once
		_, err := client.Deploy(ctx, other, &fal.DeployParams{Progress: func(e fal.DeployEvent) {
			if e.Phase == fal.DeployUpload {
				once.Do(func() { close(begins) })
			}
		}})
		if err != nil {
			t.Error(err)
		}
	})
	<-begins
	cancel()
	all.Wait()
	same(t, uploads.Files(), want)
	// A client that deployed before asks the service, and knows nothing better.
	for hash := range want {
		uploads.Remove(hash)
	}
	since := len(server.Calls())
	if _, err := client.Deploy(ctx, app, nil); err != nil {
		t.Error(err)
	}
	if parts, _ := sentParts(server, since); strings.Join(parts, "") != "1234" {
		t.Errorf("parts %v sent", parts)
	}
}
