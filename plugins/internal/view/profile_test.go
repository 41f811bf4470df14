package view

import (
	"io"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func TestProfilesGolden(t *testing.T) {
	key, malformed := "7d1e91c0-0000-4000-8000-000000000003:…cdef", "malformed"
	goldenList(t, "profiles", Profiles(), []Profile{
		{Profile: "prod", Settings: []string{"key", "host"}, Host: "api.example.com", Key: &key},
		{Profile: "dev [red]\u202e", IsSet: true, Settings: []string{"local_host", "[x]"}, Host: "localhost:5005\x1b[31m", Key: &malformed},
		{Profile: "bare", Settings: []string{}, Host: "api.alpha.fal.ai"},
	}, 100)
}

func TestProfileDescriptionGolden(t *testing.T) {
	key, host := "7d1e:…cdef", "api.example.com\x1b[31m"
	for name, d := range map[string]ProfileDescription{
		"whole": {Profile: "prod", IsSet: true, Host: host, Settings: []ProfileSetting{{"key", &key}, {"host", &host}, {"to\nken", nil}}},
		"bare":  {Profile: "bare", Host: "api.alpha.fal.ai", Settings: []ProfileSetting{}},
	} {
		for _, format := range []output.Format{output.Pretty, output.JSON} {
			streams, _, out, _ := iostreams.Test()
			streams.SetTerminal(true, true, true)
			p := output.New(streams, output.Options{Format: format, Explicit: true})
			if err := output.Object(t.Context(), p, d, func(w io.Writer) error { return d.Write(w, p) }); err != nil {
				t.Fatal(err)
			}
			golden(t, "profile."+name+"."+string(format), out.Bytes())
		}
	}
}
