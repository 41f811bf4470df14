package dispatch_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fal-plugins/fal/plugins/dispatch"
)

func TestSplit(t *testing.T) {
	tests := map[string]dispatch.Line{
		"":                           {},
		"runners":                    {Words: []string{"runners"}},
		"runners list":               {Words: []string{"runners", "list"}},
		"runners list --json":        {Words: []string{"runners", "list"}, Rest: []string{"--json"}},
		"runners --json list":        {Words: []string{"runners"}, Rest: []string{"--json", "list"}},
		"runners -- list":            {Words: []string{"runners"}, Rest: []string{"--", "list"}},
		"runners - list":             {Words: []string{"runners"}, Rest: []string{"-", "list"}},
		"--profile dev runners list": {Globals: []string{"--profile", "dev"}, Words: []string{"runners", "list"}},
		"--profile=dev runners":      {Globals: []string{"--profile=dev"}, Words: []string{"runners"}},
		"--profile= runners":         {Globals: []string{"--profile="}, Words: []string{"runners"}},
		"--json --debug runners":     {Globals: []string{"--json", "--debug"}, Words: []string{"runners"}},
		"--json=false runners":       {Globals: []string{"--json=false"}, Words: []string{"runners"}},
		"-o yaml runners":            {Globals: []string{"-o", "yaml"}, Words: []string{"runners"}},
		"-oyaml runners":             {Globals: []string{"-oyaml"}, Words: []string{"runners"}},
		"-o=yaml runners":            {Globals: []string{"-o=yaml"}, Words: []string{"runners"}},
		"-q .runners[] runners":      {Globals: []string{"-q", ".runners[]"}, Words: []string{"runners"}},
		"-q=-1 runners":              {Globals: []string{"-q=-1"}, Words: []string{"runners"}},
		"-vq . runners":              {Globals: []string{"-vq", "."}, Words: []string{"runners"}, Verbose: true},
		"-vvojson runners":           {Globals: []string{"-vvojson"}, Words: []string{"runners"}, Verbose: true},
		"-v=false runners":           {Globals: []string{"-v=false"}, Words: []string{"runners"}},
		"--arg --json a runners":     {Globals: []string{"--arg", "--json", "a"}, Words: []string{"runners"}},
		"-q - runners":               {Globals: []string{"-q", "-"}, Words: []string{"runners"}},
		"--arg a b runners":          {Globals: []string{"--arg", "a", "b"}, Words: []string{"runners"}},
		"--arg a --b runners":        {Globals: []string{"--arg", "a", "--b"}, Words: []string{"runners"}},
		"--arg=a b runners":          {Globals: []string{"--arg=a", "b"}, Words: []string{"runners"}},
		"--argjson a -2 runners":     {Globals: []string{"--argjson", "a", "-2"}, Words: []string{"runners"}},
		"--team t --host api.x --env e --color never --timeout 3s --output json --jq . x": {
			Globals: []string{"--team", "t", "--host", "api.x", "--env", "e", "--color", "never", "--timeout", "3s", "--output", "json", "--jq", "."},
			Words:   []string{"x"},
		},
		"-v runners":            {Globals: []string{"-v"}, Words: []string{"runners"}, Verbose: true},
		"runners list -v":       {Words: []string{"runners", "list"}, Rest: []string{"-v"}, Verbose: true},
		"runners exec -- ls -v": {Words: []string{"runners", "exec"}, Rest: []string{"--", "ls", "-v"}},
		"--help":                {Rest: []string{"--help"}, Own: true},
		"-h runners":            {Rest: []string{"-h", "runners"}, Own: true},
		"--json --version":      {Globals: []string{"--json"}, Rest: []string{"--version"}, Own: true},
		"runners --help":        {Words: []string{"runners"}, Rest: []string{"--help"}},
	}
	for typed, want := range tests {
		t.Run(typed, func(t *testing.T) {
			got, err := dispatch.Split(strings.Fields(typed))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	tests := []struct {
		typed, message, hint string
	}{
		{"--foo runners", "unknown flag --foo before the name of a command", "flags of a command go after its name: fal <command> --foo"},
		{"--foo=secret runners", "unknown flag --foo before the name of a command", "flags of a command go after its name: fal <command> --foo"},
		{"--porfile dev runners", "unknown flag --porfile before the name of a command", "did you mean --profile?"},
		{"-x runners", "unknown flag -x before the name of a command", "flags of a command go after its name: fal <command> -x"},
		{"-vx runners", "unknown flag -vx before the name of a command", "flags of a command go after its name: fal <command> -vx"},
		{"- runners", "unknown flag - before the name of a command", "flags of a command go after its name: fal <command> -"},
		{"-- runners", "-- before the name of a command", ""},
		{"--profile", "--profile needs a value", "a value that begins with - is written --profile=VALUE"},
		{"--profile --json runners", "--profile needs a value", "a value that begins with - is written --profile=VALUE"},
		{"-q -.foo runners", "--jq needs a value", "a value that begins with - is written --jq=VALUE"},
		{"-o", "--output needs a value", "a value that begins with - is written --output=VALUE"},
		{"--arg a", "--arg needs a name and a value", ""},
		{"-vo", "--output needs a value", "a value that begins with - is written --output=VALUE"},
		{"-q -1 runners", "--jq needs a value", "a value that begins with - is written --jq=VALUE"},
		{"--argjson=a", "--argjson needs a name and a value", ""},
	}
	for _, test := range tests {
		t.Run(test.typed, func(t *testing.T) {
			_, err := dispatch.Split(strings.Fields(test.typed))
			var usage *dispatch.UsageError
			if !errors.As(err, &usage) {
				t.Fatalf("got %v, want a usage error", err)
			}
			if usage.Error() != test.message {
				t.Errorf("message %q, want %q", usage.Error(), test.message)
			}
			if test.hint != "" && !slices.Contains(usage.Hints(), test.hint) {
				t.Errorf("hints %q lack %q", usage.Hints(), test.hint)
			}
			if usage.ExitCode() != 2 {
				t.Errorf("exit code %d", usage.ExitCode())
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		"", "runners\x00list", "--profile\x00dev\x00runners\x00--json", "--arg\x00a\x00b\x00x",
		"-o=json\x00x\x00--\x00-v", "-h", "--\x00x", "-q\x00-1\x00x", "-\x00", "-v\x00\x00x", "--=\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, joined string) {
		args := strings.Split(joined, "\x00")
		before := slices.Clone(args)
		line, err := dispatch.Split(args)
		if !slices.Equal(args, before) {
			t.Fatal("the arguments were changed")
		}
		if err != nil {
			var usage *dispatch.UsageError
			if !errors.As(err, &usage) || usage.Error() == "" {
				t.Fatalf("%q gives %v", args, err)
			}
			return
		}
		if together := slices.Concat(line.Globals, line.Words, line.Rest); !slices.Equal(together, args) {
			t.Fatalf("%q was taken apart into %q", args, together)
		}
		for _, word := range line.Words {
			if strings.HasPrefix(word, "-") {
				t.Fatalf("the word %q of %q is a flag", word, args)
			}
		}
		if len(line.Rest) > 0 && !strings.HasPrefix(line.Rest[0], "-") {
			t.Fatalf("the words of %q end before %q", args, line.Rest[0])
		}
		if line.Own && len(line.Words) > 0 {
			t.Fatalf("%q has words and is for fal itself", args)
		}
		if len(line.Globals) > 0 && !strings.HasPrefix(line.Globals[0], "-") {
			t.Fatalf("the flags of %q begin with %q", args, line.Globals[0])
		}
	})
}
