package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestManPages(t *testing.T) {
	s := newSample()
	list := s.app.Commands[0]
	list.Description = "Lists `things`, with a \\ and a 'quote'.\n\n.A paragraph that begins with a dot; a-b --c."
	list.JSON = struct {
		Things []struct {
			ID   string `json:"id"`
			Size int    `json:"size"`
		} `json:"things"`
	}{}
	list.Examples = []Example{{"with quotes", `fal things list --jq '.[] | "\(.id)"' # ~^` + "`"}}
	list.Flags = append(list.Flags, &Flag{Name: "unseen", Hidden: true, Value: String(new(string))})
	s.app.Commands = append(s.app.Commands, &Command{Name: "veiled", Hidden: true, Summary: "Hidden", Run: list.Run})
	pages := s.app.ManPages("1.2.3", "2026-01-02")
	for _, name := range []string{"fal-things.1", "fal-things-list.1", "fal-things-stop.1", "fal-things-group.1", "fal-things-group-leaf.1", "fal-things-help.1", "fal-things-version.1"} {
		if pages[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if len(pages) != 7 {
		t.Errorf("%d pages", len(pages))
	}
	for name, page := range pages {
		checkRoff(t, page)
		if bytes.Contains(page, []byte("unseen")) || bytes.Contains(page, []byte("veiled")) {
			t.Errorf("%s shows what is hidden", name)
		}
	}
	golden(t, "fal-things-list.1", pages["fal-things-list.1"])
}

// golden compares with a file in testdata; FAL_GOLDEN=write writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("FAL_GOLDEN") == "write" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) {
		t.Errorf("%s differs from its golden file; FAL_GOLDEN=write writes it:\n%s", name, got)
	}
}
