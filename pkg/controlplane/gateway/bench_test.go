package gateway

import (
	"io"
	"net/http"
	"testing"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// BenchmarkRequest is a short request, to the runner itself and through the
// gateway.
func BenchmarkRequest(b *testing.B) {
	w := newWorld(b, Options{})
	id := w.pending(w.app(func(spec *state.AppSpec) { spec.MaxMultiplexing = 64 }))
	server := w.up(id, func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "ok") })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	for _, way := range []struct{ name, url string }{{"direct", server.URL}, {"gateway", w.url + "/me/web"}} {
		b.Run(way.name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					response, err := client.Get(way.url)
					if err != nil {
						b.Error(err)
						return
					}
					if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
						b.Errorf("%s, %v", response.Status, err)
					}
					response.Body.Close()
				}
			})
		})
	}
}
