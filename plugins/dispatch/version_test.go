package dispatch

import (
	"runtime/debug"
	"testing"
)

func TestLinkedVersion(t *testing.T) {
	tests := map[string]string{
		"": "",
		"-X github.com/fal-plugins/fal/plugins/internal/cli.version=v1.2.3":                                           "v1.2.3",
		"-s -w -X=github.com/fal-plugins/fal/plugins/internal/cli.Version=v1.2.3":                                     "v1.2.3",
		`-X "github.com/fal-plugins/fal/x.version=v1" -X 'github.com/fal-plugins/fal/x.commit=abc'`:                   "v1",
		"-X github.com/other/fal.version=v9":                                                                          "",
		"-X github.com/fal-plugins/fal/x.conversion=v9":                                                               "",
		"-X github.com/fal-plugins/fal/x.version=v1+2=3 -X github.com/fal-plugins/fal/x.date=2026-11-21T18:30:00Z -s": "v1+2=3",
	}
	for flags, want := range tests {
		settings := []debug.BuildSetting{{Key: "-compiler", Value: "gc"}, {Key: "-ldflags", Value: flags}}
		if got := linkedVersion(settings); got != want {
			t.Errorf("%q gives %q, want %q", flags, got, want)
		}
	}
}
