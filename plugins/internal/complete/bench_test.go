package complete

import (
	"fmt"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cache"
)

// What the largest list costs the command that prints it, and Tab.
func BenchmarkShelf(b *testing.B) {
	dir := b.TempDir()
	c := cache.Open(func(name string) string { return map[string]string{cache.Variable: dir}[name] }, "h", "a")
	st := shelf{c, "p", query{kind: kindNamed(runners)}}
	items := make([]item, most)
	for i := range items {
		items[i] = item{Name: fmt.Sprintf("4f2a91c0-0000-4000-8000-%012d", i), App: "checkout", About: "RUNNING", Began: 1_790_000_000, Machines: []string{"GPU-H100"}}
	}
	b.Run("save", func(b *testing.B) {
		for b.Loop() {
			st.save(items, true, time.Now())
		}
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			if l, _ := st.load(); len(l.Items) != most {
				b.Fatal(len(l.Items))
			}
		}
	})
}
