package controllerpb

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A wire is a protocol as flat facts: the name of a thing ("file common.proto",
// "field controller.File.1", "enum LogSource", …) and what is said of it.
type wire map[string]string

func TestDescriptorsMatchTables(t *testing.T) {
	tables, err := os.ReadFile("testdata/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := parseTables(string(tables))
	if err != nil {
		t.Fatal(err)
	}
	// Less than that, and it is the parser that is wrong.
	for kind, least := range map[string]int{"file": 3, "service": 2, "method": 30, "message": 70, "field": 250, "enum": 8} {
		if n := countKind(want, kind); n < least {
			t.Fatalf("the tables have %d facts about a %s, fewer than %d", n, kind, least)
		}
	}
	got := wire{}
	for _, file := range []protoreflect.FileDescriptor{File_common_proto, File_server_proto, File_controller_proto} {
		got.addFile(t, file)
	}
	for _, difference := range differences(want, got) {
		t.Error(difference)
	}
}

// TestDifferencesAreSeen holds the comparison itself to account: each change of
// the tables must be found.
func TestDifferencesAreSeen(t *testing.T) {
	data, err := os.ReadFile("testdata/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	original, err := parseTables(string(data))
	if err != nil {
		t.Fatal(err)
	}
	changes := map[string][2]string{
		"number":             {"| 10 | `machine_type` | string |", "| 11 | `machine_type` | string |"},
		"name":               {"| 10 | `machine_type` | string |", "| 10 | `machine` | string |"},
		"type":               {"| 4 | `uptime` | float |", "| 4 | `uptime` | double |"},
		"optional":           {"| 3 | `expiration_countdown` | optional int32 |", "| 3 | `expiration_countdown` | int32 |"},
		"repeated":           {"| 1 | `runners` | repeated controller.RunnerInfo |", "| 1 | `runners` | controller.RunnerInfo |"},
		"map":                {"map<string, string>", "map<string, int32>"},
		"oneof":              {"string (oneof `callable`)", "string"},
		"deprecated":         {"optional int32 deprecated", "optional int32"},
		"enum value":         {"IDLE = 8", "IDLE = 10"},
		"enum value missing": {", FAILURE_DELAY = 9", ""},
		"request type":       {"| `StopRunner` | controller.StopRunnerRequest |", "| `StopRunner` | controller.KillRunnerRequest |"},
		"streaming":          {"stream controller.ShellRunnerOutput", "controller.ShellRunnerOutput"},
		"method missing":     {"| `KillRunner` | controller.KillRunnerRequest | controller.KillRunnerResponse |\n", ""},
		"message missing":    {"### message `TerminalSize`\n| no. | field | type |\n|---|---|---|\n| 1 | `height` | int32 |\n| 2 | `width` | int32 |\n", ""},
		"package":            {"package `controller`", "package `isolate`"},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(data), change[0], change[1], 1)
			if changed == string(data) {
				t.Fatalf("%q is not in the tables", change[0])
			}
			other, err := parseTables(changed)
			if err != nil {
				t.Fatal(err)
			}
			if len(differences(original, other)) == 0 {
				t.Error("the change was not seen")
			}
		})
	}
}

func TestTablesMustBeUnderstood(t *testing.T) {
	for _, broken := range []string{
		"a sentence",
		"## file `a.proto`",
		"| 1 | `x` | string |",
		"## file `a.proto` — package `p`\n### message `M`\n| 1 | `x` | string",
		"## file `a.proto` — package `p`\n### message `M`\n| no. | field | type |\n|---|---|---|\n| one | `x` | string |",
		"## file `a.proto` — package `p`\n### enum `E`: A = zero",
		"## file `a.proto` — package `p`\n### message `M`\n(no fields)\n### message `M`\n(no fields)",
	} {
		if facts, err := parseTables("# Wire tables\n\n" + broken); err == nil {
			t.Errorf("%q was understood as %v", broken, facts)
		}
	}
}

func differences(want, got wire) []string {
	var found []string
	names := slices.Sorted(maps.Keys(want))
	for name := range got {
		if _, ok := want[name]; !ok {
			names = append(names, name)
		}
	}
	for _, name := range names {
		w, inTables := want[name]
		g, compiled := got[name]
		switch {
		case !compiled:
			found = append(found, fmt.Sprintf("%s (%s) is in the tables and not compiled", name, w))
		case !inTables:
			found = append(found, fmt.Sprintf("%s (%s) is compiled and not in the tables", name, g))
		case w != g:
			found = append(found, fmt.Sprintf("%s: %s in the tables, %s compiled", name, w, g))
		}
	}
	return found
}

func countKind(w wire, kind string) (n int) {
	for name := range w {
		if strings.HasPrefix(name, kind+" ") {
			n++
		}
	}
	return n
}

var (
	fileLine    = regexp.MustCompile("^## file `([^`]+)` — package `([^`]+)`$")
	serviceLine = regexp.MustCompile("^service `([^`]+)`$")
	messageLine = regexp.MustCompile("^### message `([^`]+)`$")
	enumLine    = regexp.MustCompile("^### enum `([^`]+)`: (\\w+ = \\d+(?:, \\w+ = \\d+)*)$")
	methodLine  = regexp.MustCompile("^\\| `(\\w+)` \\| ((?:stream )?[\\w.]+) \\| ((?:stream )?[\\w.]+) \\|$")
	fieldLine   = regexp.MustCompile("^\\| (\\d+) \\| `(\\w+)` \\| ([^|`]+(?: \\(oneof `\\w+`\\))?) \\|$")
)

// parseTables reads the tables. A line that it does not understand is an error:
// what is passed over is not checked.
func parseTables(text string) (wire, error) {
	facts := wire{}
	var pkg, service, message string
	qualify := func(name string) string {
		if pkg == "" {
			return name
		}
		return pkg + "." + name
	}
	inFile := false
	for i, line := range strings.Split(text, "\n") {
		var name, fact string
		switch {
		case line == "", line == "# Wire tables", strings.HasPrefix(line, "Every service, message,"),
			line == "| no. | field | type |", line == "| method | request | response |", line == "|---|---|---|", line == "(no fields)":
			continue
		case fileLine.MatchString(line):
			m := fileLine.FindStringSubmatch(line)
			name, fact = "file "+m[1], "package "+m[2]
			pkg = strings.TrimPrefix(m[2], "(none)")
			service, message, inFile = "", "", true
		case !inFile:
			return nil, fmt.Errorf("line %d, %q, comes before the first file", i+1, line)
		case serviceLine.MatchString(line):
			service, message = serviceLine.FindStringSubmatch(line)[1], ""
			name, fact = "service "+service, "service"
		case messageLine.MatchString(line):
			message, service = qualify(messageLine.FindStringSubmatch(line)[1]), ""
			name, fact = "message "+message, "message"
		case enumLine.MatchString(line):
			m := enumLine.FindStringSubmatch(line)
			name, fact = "enum "+qualify(m[1]), m[2]
			service, message = "", ""
		case service != "" && methodLine.MatchString(line):
			m := methodLine.FindStringSubmatch(line)
			name, fact = "method "+service+"."+m[1], m[2]+" -> "+m[3]
		case message != "" && fieldLine.MatchString(line):
			m := fieldLine.FindStringSubmatch(line)
			name, fact = "field "+message+"."+m[1], m[2]+" "+m[3]
		default:
			return nil, fmt.Errorf("line %d is not understood: %q", i+1, line)
		}
		if _, twice := facts[name]; twice {
			return nil, fmt.Errorf("line %d: %s is there twice", i+1, name)
		}
		facts[name] = fact
	}
	return facts, nil
}

func (w wire) addFile(t *testing.T, file protoreflect.FileDescriptor) {
	t.Helper()
	pkg := string(file.Package())
	if pkg == "" {
		pkg = "(none)"
	}
	w["file "+file.Path()] = "package " + pkg
	if n := file.Extensions().Len(); n > 0 {
		t.Errorf("%s has %d extensions, which the tables cannot say", file.Path(), n)
	}
	if got := file.Syntax(); got != protoreflect.Proto3 {
		t.Errorf("%s is %v, want proto3", file.Path(), got)
	}
	w.addEnums(file.Enums())
	w.addMessages(file.Messages())
	for i := range file.Services().Len() {
		service := file.Services().Get(i)
		w["service "+string(service.FullName())] = "service"
		for j := range service.Methods().Len() {
			m := service.Methods().Get(j)
			w["method "+string(m.FullName())] = streaming(m.IsStreamingClient(), m.Input()) + " -> " + streaming(m.IsStreamingServer(), m.Output())
		}
	}
}

func streaming(yes bool, m protoreflect.MessageDescriptor) string {
	if yes {
		return "stream " + string(m.FullName())
	}
	return string(m.FullName())
}

func (w wire) addMessages(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		m := messages.Get(i)
		if m.IsMapEntry() {
			continue
		}
		w["message "+string(m.FullName())] = "message"
		w.addEnums(m.Enums())
		w.addMessages(m.Messages())
		for j := range m.Fields().Len() {
			f := m.Fields().Get(j)
			w[fmt.Sprintf("field %s.%d", m.FullName(), f.Number())] = string(f.Name()) + " " + fieldType(f)
		}
	}
}

func (w wire) addEnums(enums protoreflect.EnumDescriptors) {
	for i := range enums.Len() {
		e := enums.Get(i)
		var values []string
		for j := range e.Values().Len() {
			v := e.Values().Get(j)
			values = append(values, fmt.Sprintf("%s = %d", v.Name(), v.Number()))
		}
		w["enum "+string(e.FullName())] = strings.Join(values, ", ")
	}
}

// fieldType spells a field's type as the tables do.
func fieldType(f protoreflect.FieldDescriptor) string {
	spelled := typeName(f)
	switch {
	case f.IsMap():
		spelled = fmt.Sprintf("map<%s, %s>", typeName(f.MapKey()), typeName(f.MapValue()))
	case f.IsList():
		spelled = "repeated " + spelled
	case f.HasOptionalKeyword():
		spelled = "optional " + spelled
	}
	if options, ok := f.Options().(*descriptorpb.FieldOptions); ok && options.GetDeprecated() {
		spelled += " deprecated"
	}
	if oneof := f.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		spelled += fmt.Sprintf(" (oneof `%s`)", oneof.Name())
	}
	return spelled
}

func typeName(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return string(f.Message().FullName())
	case protoreflect.EnumKind:
		return string(f.Enum().FullName())
	}
	return f.Kind().String()
}

// TestNamesForJSON guards what the tables do not say: no field has a JSON name
// of its own, so that the protocol's JSON is the usual one.
func TestNamesForJSON(t *testing.T) {
	for _, file := range []protoreflect.FileDescriptor{File_common_proto, File_server_proto, File_controller_proto} {
		for _, m := range protodesc.ToFileDescriptorProto(file).GetMessageType() {
			for _, f := range m.GetField() {
				if got, want := f.GetJsonName(), camel(f.GetName()); got != want {
					t.Errorf("%s.%s: JSON name %q, want %q", m.GetName(), f.GetName(), got, want)
				}
			}
		}
	}
}

func camel(name string) string {
	parts := strings.Split(name, "_")
	for i, part := range parts[1:] {
		parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
	}
	return strings.Join(parts, "")
}
