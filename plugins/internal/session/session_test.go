package session

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
)

func TestErrorCodes(t *testing.T) {
	cfg, err := config.Resolve(config.Inputs{Getenv: func(name string) string {
		return map[string]string{"FAL_KEY": "the-id:the-secret", "FAL_GRPC_HOST": "127.0.0.1:1", "FAL_CONFIG_PATH": filepath.Join(t.TempDir(), "c.toml")}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := &Session{Config: cfg, inv: &cli.Invocation{Command: &cli.Command{}, Getenv: func(string) string { return "" }}}
	for code, want := range map[fal.Code]int{
		fal.CodeNotFound: 3, fal.CodeUnauthenticated: 4, fal.CodePermissionDenied: 4, fal.CodeUnavailable: 6,
		fal.CodeDeadlineExceeded: 6, fal.CodeInvalidArgument: 2, fal.CodeInternal: 1, fal.CodeFailedPrecondition: 1, fal.CodeUnknown: 1,
	} {
		err := s.Error(&fal.Error{Code: code, Message: "said", RequestID: "r-1"})
		if got := cli.ExitCode(err); got != want {
			t.Errorf("%s: exit %d, want %d", code, got, want)
		}
		var e *cli.Error
		if !errors.As(err, &e) || e.Code != strings.ToLower(code.String()) {
			t.Errorf("%s: %+v", code, err)
		}
		if (code == fal.CodeInternal || code == fal.CodeUnknown) && !strings.Contains(err.Error(), "r-1") {
			t.Errorf("%s: %q lacks the request id", code, err)
		}
		for _, h := range e.Hint {
			if strings.Contains(h, "the-secret") {
				t.Errorf("%s: a hint holds the secret", code)
			}
		}
	}
	if s.Error(nil) != nil {
		t.Error("nil became an error")
	}
	if plain := errors.New("plain"); s.Error(plain) != plain {
		t.Error("another error was changed")
	}
}
