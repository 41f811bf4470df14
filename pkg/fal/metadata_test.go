package fal

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readMetadata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "metadata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The pickles are those of Python, in which a list and a dict occur twice.
func TestMetadataOfPython(t *testing.T) {
	var want map[string]any
	if err := json.Unmarshal(readMetadata(t, "value.json"), &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"protocol2.pickle", "protocol3.pickle", "protocol4.pickle", "protocol5.pickle"} {
		got, err := decodeMetadata(readMetadata(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, want -, got +:\n%s", name, diff)
		}
	}
}

func TestMetadataThatAreNone(t *testing.T) {
	for name, want := range map[string]string{
		"calls.pickle":       "import",
		"date.pickle":        "import",
		"set.pickle":         "import",
		"itself.pickle":      "holds itself",
		"itself-dict.pickle": "deep",
		"bomb.pickle":        "more than",
		"bomb-dicts.pickle":  "more than",
		"list.pickle":        "no dict",
		"numberkey.pickle":   "no text",
		"nan.pickle":         "NaN",
	} {
		got, err := decodeMetadata(readMetadata(t, name))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %.80v, %v; want an error about %q", name, got, err, want)
		}
	}
	for name, data := range map[string]string{
		"empty":                  "",
		"no end":                 "\x80\x04}",
		"a text that lies":       "\x80\x04X\xff\xff\xff\x7fabc.",
		"a long text that lies":  "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.",
		"no such place":          "\x80\x04h\x05.",
		"a mark alone":           "(.",
		"a place of a mark":      "(\x94.",
		"nothing to append to":   "Ka.",
		"appended to a dict":     "}K\x01a.",
		"set in a list":          "]K\x01K\x02s.",
		"a key without a value":  "}(K\x01u.",
		"a list as a key":        "}]K\x01s.",
		"another protocol":       "\x80\x09}.",
		"protocol 0 with a call": "cposix\nsystem\n(S'true'\ntR.",
		"many values":            "(" + strings.Repeat("N", pickleStack+2) + "t.",
		"many steps":             "]" + strings.Repeat("Na", pickleSteps) + ".",
	} {
		if got, err := decodeMetadata([]byte(data)); err == nil {
			t.Errorf("%s: %.80v", name, got)
		}
	}
	if _, err := decodeMetadata(make([]byte, largestMetadata+1)); err == nil {
		t.Error("more bytes than are read")
	}
}

func FuzzMetadata(f *testing.F) {
	for _, name := range []string{"protocol2.pickle", "protocol5.pickle", "calls.pickle", "bomb.pickle", "itself-dict.pickle"} {
		f.Add(readMetadata(f, name))
	}
	f.Add([]byte("}(X\x01\x00\x00\x00aK\x01u."))
	f.Fuzz(func(t *testing.T, data []byte) {
		value, err := decodeMetadata(data)
		if (err == nil) == (value == nil) {
			t.Fatalf("%v, %v", value, err)
		}
		if err != nil {
			return
		}
		a := arguments{}
		if a.object("it", value); a.err != nil && !strings.Contains(a.err.Error(), "JSON") {
			t.Error(a.err)
		}
		if _, err := json.Marshal(value); err != nil {
			t.Error(err)
		}
	})
}
