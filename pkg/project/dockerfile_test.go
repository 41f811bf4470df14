package project

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestReadDockerfile(t *testing.T) {
	for _, test := range []struct {
		name, text string
		arguments  map[string]string
		want       []string
	}{
		{name: "none", text: "FROM a\nRUN echo COPY x y\n# COPY a b\n"},
		{name: "both", text: "FROM a\nCOPY a b/ /dest\nadd c.tar /\n", want: []string{"a", "b/", "c.tar"}},
		{name: "JSON", text: "FROM a\nCOPY [\"a b\", \"c\", \"/d/\"]\n", want: []string{"a b", "c"}},
		{name: "continued", text: "FROM a\nCOPY \\\n  # why\n  one \\\n  two \\\n  /d/\n", want: []string{"one", "two"}},
		{name: "flags", text: "FROM a\nCOPY --chown=1:1 --chmod=644 a /d\nADD --checksum=sha256:" + "0123456789012345678901234567890123456789012345678901234567890123" + " https://x.test/y /d\n", want: []string{"a"}},
		{name: "other stages", text: "FROM a AS b\nFROM c\nCOPY --chown=1 --from=b /x /y\nCOPY z /z\n", want: []string{"z"}},
		{name: "absolute", text: "FROM a\nCOPY /x //y /d\nCOPY / /d\n", want: []string{"x", "y", "."}},
		{name: "remote", text: "FROM a\nADD http://x.test/a HTTPS://x.test/b git@github.com:a/b.git c /d\n", want: []string{"c"}},
		{name: "patterns", text: "FROM a\nCOPY *.py ?.txt /d/\n", want: []string{"*.py", "?.txt"}},
		{name: "a document", text: "# syntax=docker/dockerfile:1\nFROM a\nCOPY <<EOF /d\nCOPY x y\nEOF\nCOPY z /d\n", want: []string{"z"}},
		{name: "variables", text: "ARG G=global\nFROM a\nARG G\nARG D=dir\nARG E=${D}/e\nENV F=$E/f\nCOPY $G $D/x ${F} ${none:-default} /d\n", want: []string{"global", "dir/x", "dir/e/f", "default"}},
		{name: "given variables", text: "FROM a\nARG D=dir\nCOPY $D/x /d\n", arguments: map[string]string{"D": "given"}, want: []string{"given/x"}},
		{name: "variables of another stage", text: "FROM a AS b\nARG D=dir\nFROM c\nCOPY $D/x /d\n", want: []string{"x"}},
		{name: "variables of the stage it is made from", text: "ARG STAGE=bASE\nFROM a AS Base\nENV SRC=src\nARG D=dir\nFROM $STAGE AS next\nENV SRC=$SRC/x\nFROM next\nCOPY $SRC $D/y /d\nFROM base\nCOPY $SRC /d\n", want: []string{"src/x", "dir/y", "src"}},
		{name: "variables of a stage that has none", text: "FROM a AS b\nENV D=x\nFROM a\nCOPY y$D /d\n", want: []string{"y"}},
		{name: "platform", text: "FROM --platform=$BUILDPLATFORM a\nARG TARGETARCH TARGETOS TARGETVARIANT BUILDPLATFORM\nCOPY app-$TARGETOS-$TARGETARCH$TARGETVARIANT $BUILDPLATFORM /d\n", want: []string{"app-linux-amd64", "linux/amd64"}},
		{name: "platform that is given", text: "FROM a\nARG TARGETARCH\nCOPY $TARGETARCH /d\n", arguments: map[string]string{"TARGETARCH": "arm64"}, want: []string{"arm64"}},
		{name: "platform that is not declared", text: "FROM a\nCOPY x$TARGETARCH /d\n", want: []string{"x"}},
		{name: "another escape", text: "# escape=`\nFROM a\nCOPY one `\n two /d\n", want: []string{"one", "two"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			copies, err := readDockerfile(test.text, test.arguments)
			var got []string
			for _, c := range copies {
				got = append(got, c.path)
			}
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestReadDockerfileTellsTheLine(t *testing.T) {
	for text, line := range map[string]int{
		"FROM a\n\nRUNN echo\n":         3,
		"FROM a\nCOPY x\n":              2,
		"FROM a\nCOPY --what=1 x /d\n":  2,
		"FROM a\nENV A=b\nCOPY ${x /\n": 3,
		"COPY a b\n":                    1,
		"FROM a\nCOPY . $NONE /d\n":     2,
		"FROM a\nARG A\nADD ${A} /d\n":  3,
		"FROM ${a\n":                    1,
		"":                              0,
	} {
		_, err := readDockerfile(text, nil)
		var problems Problems
		if !errors.As(err, &problems) || problems[0].Line != line || problems[0].Message == "" {
			t.Errorf("%q: %v at %+v, want line %d", text, err, problems, line)
		}
	}
}

// A source without a value is not the whole context.
func TestReadDockerfileRefusesEmptySources(t *testing.T) {
	_, err := readDockerfile("FROM a AS b\nCOPY $A /d\nFROM b\nRUN x\nCOPY ok ${B} /d\n", nil)
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 2 {
		t.Fatalf("%v", err)
	}
	if p := problems[0]; p.Line != 2 || p.Message != `"$A" names no file: there is no value for it` || p.Hint == "" {
		t.Errorf("%+v", p)
	}
	if problems[1].Line != 5 {
		t.Errorf("%+v", problems[1])
	}
}

// All that is wrong is told, and what the rest copies is known.
func TestReadDockerfileTellsAll(t *testing.T) {
	for text, want := range map[string]string{
		"FROM a\nWORKDR /s\nCOPPY a b\nCOPY x /\nCOPY $A /\nxyzzy\n": "2: there is no instruction WORKDR; did you mean WORKDIR?\n" +
			"3: there is no instruction COPPY; did you mean COPY?\n5: \"$A\" names no file: there is no value for it\n6: there is no instruction xyzzy",
		"FORM a\nCOPY x /\n": "1: there is no instruction FORM; did you mean FROM?",
	} {
		sources, err := readDockerfile(text, nil)
		var problems Problems
		if !errors.As(err, &problems) {
			t.Fatalf("%q: %v", text, err)
		}
		var got []string
		for _, p := range problems {
			got = append(got, fmt.Sprintf("%d: %s", p.Line, p.Message))
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("%q:\n%s\nwant\n%s", text, strings.Join(got, "\n"), want)
		}
		if strings.HasPrefix(text, "FROM") && !reflect.DeepEqual(sources, []copied{{"x", 4}}) {
			t.Errorf("%q: %+v", text, sources)
		}
	}
}

func FuzzReadDockerfile(f *testing.F) {
	for _, seed := range []string{"FROM a\nCOPY a b\n", "FROM a\nCOPY <<E /\nE\n", "# escape=`\n", "ARG a=$a\nFROM $a", "FROM a\nADD [\"x\"] $", "FROM a\nCOPY ${x:?} ${y/a/b} z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sources, err := readDockerfile(text, map[string]string{"A": "1"})
		if problems := (Problems)(nil); err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Errorf("%+v and %v", sources, err)
		}
		for _, source := range sources {
			if source.path == "" || source.line < 1 {
				t.Errorf("%+v", source)
			}
		}
	})
}
