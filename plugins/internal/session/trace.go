package session

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// tracer writes --debug: a line for each attempt of a call, and its metadata.
// The SDK has taken every secret out.
type tracer struct {
	mu sync.Mutex
	w  io.Writer
}

func newTracer(w io.Writer) *tracer { return &tracer{w: w} }

func (t *tracer) event(e fal.TraceEvent) {
	var b strings.Builder
	fmt.Fprintf(&b, "debug: %s %s: %s in %s", e.Target, e.Method, e.Status, e.Duration.Round(10*time.Microsecond))
	if e.Attempt > 1 {
		fmt.Fprintf(&b, ", attempt %d", e.Attempt)
	}
	if e.Sent >= 0 && e.Received >= 0 {
		fmt.Fprintf(&b, ", %d bytes sent, %d received", e.Sent, e.Received)
	}
	if e.Error != "" {
		fmt.Fprintf(&b, ": %s", iostreams.SanitizeLine(e.Error))
	}
	b.WriteByte('\n')
	writeHeaders(&b, "> ", e.Request)
	writeHeaders(&b, "< ", e.Response)
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = io.WriteString(t.w, b.String()) // a debug line that can not be written is lost
}

func writeHeaders(b *strings.Builder, prefix string, headers map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, v := range headers[name] {
			fmt.Fprintf(b, "debug: %s%s: %s\n", prefix, iostreams.SanitizeLine(name), iostreams.SanitizeLine(v))
		}
	}
}
