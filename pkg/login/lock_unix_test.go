//go:build unix

package login_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/login"
)

// The official client removes the lock's name after it freed the lock. When
// that happens to the lock that we took meanwhile, the issuer is not asked
// before we hold one again that others see.
func TestLockRemovedUnderUs(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	s.login(t, dir, -time.Hour)
	name := filepath.Join(dir, ".portalock")
	removed := 0
	c, _ := newClient(t, s.base, dir, func(o *login.Options) {
		o.Now = func() time.Time { // asked under the lock, too
			if removed < 3 && os.Remove(name) == nil {
				removed++
			}
			return time.Now()
		}
	})
	var named error
	s.set(func() {
		s.fault = func(http.ResponseWriter, *http.Request) bool { _, named = os.Stat(name); return false }
	})
	if _, err := c.Token(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if _, asked := s.counts(); removed != 3 || asked != 1 || named != nil {
		t.Errorf("removed %d times; %d requests, while %v", removed, asked, named)
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		t.Error("we removed the name ourselves")
	}
}
