package fal

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// fromGenerated converts what the generated code reads, written as plainly as
// possible: the decoder by hand must agree with it.
func fromGenerated(info *controllerpb.RunnerInfo) Runner {
	r := Runner{
		ID:          info.GetRunnerId(),
		Alias:       info.GetAlias(),
		Revision:    info.GetRevision(),
		MachineType: info.GetMachineType(),
		State:       RunnerState(info.GetState()).current(),
		Replacement: RunnerReplacement(info.GetReplacement()),
		Uptime:      seconds(float64(info.GetUptime())),
		InFlight:    int(info.GetInFlightRequests()),
	}
	if info.ExpirationCountdown != nil {
		countdown := time.Duration(*info.ExpirationCountdown) * time.Second
		r.ExpirationCountdown = &countdown
	}
	fields := info.GetExternalMetadata().GetFields()
	if present, ok := fields["present_in_group"].GetKind().(*structpb.Value_BoolValue); ok {
		r.Lost = !present.BoolValue
	}
	for _, item := range fields["leases"].GetListValue().GetValues() {
		if item.GetStructValue() == nil {
			continue
		}
		var l Lease
		if s, ok := plainValue(item.GetStructValue().GetFields()["request_id"]).text(); ok {
			l.RequestID = &s
		}
		l.CallerUserID, _ = plainValue(item.GetStructValue().GetFields()["caller_user_id"]).text()
		l.LeasedAt = plainValue(item.GetStructValue().GetFields()["leased_at_epoch"]).time()
		r.Leases = append(r.Leases, l)
	}
	return r
}

func plainValue(v *structpb.Value) value {
	switch v := v.GetKind().(type) {
	case *structpb.Value_NumberValue:
		return value{kind: valueNumber, number64: math.Float64bits(v.NumberValue)}
	case *structpb.Value_StringValue:
		return value{kind: valueString, bytes: []byte(v.StringValue)}
	}
	return value{}
}

func number[T any](v T) *T { return &v }

func TestDecodeRunner(t *testing.T) {
	metadata := func(text string) []byte {
		var s structpb.Struct
		if err := protojson.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		return marshal(t, &controllerpb.RunnerInfo{ExternalMetadata: &s})
	}
	info := func(r *controllerpb.RunnerInfo) []byte { return marshal(t, r) }
	for name, c := range map[string]struct {
		wire []byte
		want Runner
	}{
		"nothing":               {nil, Runner{}},
		"zeroes are values":     {info(&controllerpb.RunnerInfo{State: controllerpb.RunnerInfo_RUNNING.Enum(), ExpirationCountdown: number(int32(0))}), Runner{ExpirationCountdown: number(time.Duration(0))}},
		"dead":                  {info(&controllerpb.RunnerInfo{State: controllerpb.RunnerInfo_DEAD.Enum()}), Runner{State: RunnerTerminated}},
		"unknown state":         {info(&controllerpb.RunnerInfo{State: controllerpb.RunnerInfo_State(99).Enum(), Replacement: -1}), Runner{State: 99, Replacement: -1}},
		"uptime":                {info(&controllerpb.RunnerInfo{Uptime: 1.5}), Runner{Uptime: 1500 * time.Millisecond}},
		"uptime is no number":   {info(&controllerpb.RunnerInfo{Uptime: float32(math.NaN())}), Runner{}},
		"uptime is negative":    {info(&controllerpb.RunnerInfo{Uptime: -4}), Runner{}},
		"uptime is endless":     {info(&controllerpb.RunnerInfo{Uptime: float32(math.Inf(1))}), Runner{Uptime: math.MaxInt64}},
		"uptime below endless":  {info(&controllerpb.RunnerInfo{Uptime: float32(math.Inf(-1))}), Runner{}},
		"negative countdown":    {info(&controllerpb.RunnerInfo{ExpirationCountdown: number(int32(-7))}), Runner{ExpirationCountdown: number(-7 * time.Second)}},
		"lost":                  {metadata(`{"present_in_group": false}`), Runner{Lost: true}},
		"present":               {metadata(`{"present_in_group": true}`), Runner{}},
		"presence is null":      {metadata(`{"present_in_group": null}`), Runner{}},
		"presence is text":      {metadata(`{"present_in_group": "false"}`), Runner{}},
		"leases are null":       {metadata(`{"leases": null}`), Runner{}},
		"leases are a text":     {metadata(`{"leases": "none"}`), Runner{}},
		"leases are an object":  {metadata(`{"leases": {"request_id": "q"}}`), Runner{}},
		"no leases":             {metadata(`{"leases": []}`), Runner{}},
		"a lease is no object":  {metadata(`{"leases": [null, 3, "x", [], {"request_id": "q"}]}`), Runner{Leases: []Lease{{RequestID: number("q")}}}},
		"an empty lease":        {metadata(`{"leases": [{}]}`), Runner{Leases: []Lease{{}}}},
		"numeric request id":    {metadata(`{"leases": [{"request_id": 12345678901}]}`), Runner{Leases: []Lease{{RequestID: number("12345678901")}}}},
		"empty request id":      {metadata(`{"leases": [{"request_id": ""}]}`), Runner{Leases: []Lease{{RequestID: number("")}}}},
		"odd request id":        {metadata(`{"leases": [{"request_id": [1], "caller_user_id": {}, "leased_at_epoch": true}]}`), Runner{Leases: []Lease{{}}}},
		"time as text":          {metadata(`{"leases": [{"leased_at_epoch": " 1700000000.5 "}]}`), Runner{Leases: []Lease{{LeasedAt: time.Unix(1700000000, 5e8).UTC()}}}},
		"time is no time":       {metadata(`{"leases": [{"leased_at_epoch": "yesterday"}, {"leased_at_epoch": 1e300}, {"leased_at_epoch": "NaN"}, {"leased_at_epoch": "-Inf"}]}`), Runner{Leases: []Lease{{}, {}, {}, {}}}},
		"known beside unknown":  {metadata(`{"a": {"leases": [{}]}, "leases": [{"x": [{}], "request_id": "q"}], "z": 1}`), Runner{Leases: []Lease{{RequestID: number("q")}}}},
		"a field nobody knows":  {append(info(&controllerpb.RunnerInfo{RunnerId: "a"}), 0xfa, 0x01, 0x01, 'x'), Runner{ID: "a"}},
		"a known one as varint": {[]byte{0x08, 0x05}, Runner{}},
		"text that is no UTF-8": {[]byte{0x0a, 0x02, 'a', 0xff}, Runner{ID: "a\uFFFD"}},
	} {
		t.Run(name, func(t *testing.T) {
			var d runnerDecoder
			got, err := d.decode(c.wire)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeCutOff(t *testing.T) {
	whole := marshal(t, &controllerpb.RunnerInfo{RunnerId: "a", Uptime: 3, MachineType: "XS"})
	for n := range whole {
		var d runnerDecoder
		var info controllerpb.RunnerInfo
		_, err := d.decode(whole[:n])
		if want := proto.Unmarshal(whole[:n], &info); (err == nil) != (want == nil) {
			t.Errorf("the first %d bytes: %v, generated code says %v", n, err, want)
		}
	}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzDecodeRunner: never a crash, and what the generated code reads, ours
// reads in the same way.
func FuzzDecodeRunner(f *testing.F) {
	metadata, err := structpb.NewStruct(map[string]any{
		"present_in_group": false,
		"leases":           []any{map[string]any{"request_id": nil, "caller_user_id": "u", "leased_at_epoch": "17"}, nil, 3.5},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(marshal(f, &controllerpb.RunnerInfo{
		RunnerId: "a", InFlightRequests: -1, ExpirationCountdown: number(int32(5)), Uptime: 2.5, ExternalMetadata: metadata,
		Revision: "r", Alias: "x--y", State: controllerpb.RunnerInfo_IDLE.Enum(), Replacement: 2, MachineType: "M",
	}))
	f.Add([]byte{0x2a, 0x00, 0x2a, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d runnerDecoder
		got, err := d.decode(b)
		var info controllerpb.RunnerInfo
		if proto.Unmarshal(b, &info) != nil {
			return
		}
		if err != nil {
			t.Fatalf("%v, although the generated code reads it", err)
		}
		if repeatsMetadata(b) {
			return // merged field by field, which no server asks for
		}
		if diff := cmp.Diff(fromGenerated(&info), got); diff != "" {
			t.Errorf("-generated +ours:\n%s", diff)
		}
	})
}

// repeatsMetadata reports whether a field of the metadata comes more often than
// once, where protobuf would merge the values.
func repeatsMetadata(b []byte) bool {
	n := 0
	repeated := false
	_ = eachField(b, func(f field) error {
		if f.number != runnerMetadata {
			return nil
		}
		n++
		canonical := new(structpb.Struct)
		if proto.Unmarshal(f.bytes, canonical) == nil && proto.Size(canonical) != len(f.bytes) {
			repeated = true
		}
		return nil
	})
	return n > 1 || repeated
}

func TestRunnerStates(t *testing.T) {
	for name, want := range map[string]RunnerState{
		"running": RunnerRunning, "Idle": RunnerIdle, "PENDING": RunnerPending, "setup": RunnerSetup,
		"docker_pull": RunnerDockerPull, "draining": RunnerDraining, "terminating": RunnerTerminating,
		"terminated": RunnerTerminated, "dead": RunnerTerminated, "DEAD": RunnerTerminated,
		"crash_backoff": RunnerCrashBackoff, "failure_delay": RunnerCrashBackoff, "Failure_Delay": RunnerCrashBackoff,
	} {
		if got, err := ParseRunnerState(name); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "all", "run", "unknown(3)", " idle"} {
		if got, err := ParseRunnerState(name); err == nil {
			t.Errorf("%q: %v", name, got)
		}
	}
	for _, name := range RunnerStates() {
		if _, err := ParseRunnerState(name); err != nil {
			t.Error(err)
		}
	}
	for state, want := range map[RunnerState]string{0: "RUNNING", 3: "TERMINATED", 7: "TERMINATED", 9: "CRASH_BACKOFF", 10: "UNKNOWN(10)", -1: "UNKNOWN(-1)"} {
		if got := state.String(); got != want {
			t.Errorf("state %d is %q, want %q", int32(state), got, want)
		}
	}
	for replacement, want := range map[RunnerReplacement]string{0: "NO_REPLACE", 1: "WILL_REPLACE", 2: "DID_REPLACE", 7: "UNKNOWN(7)"} {
		if got := replacement.String(); got != want {
			t.Errorf("replacement %d is %q, want %q", int32(replacement), got, want)
		}
	}
	// Every state of the wire has a name.
	for number, name := range controllerpb.RunnerInfo_State_name {
		if got := RunnerState(number).String(); got == "UNKNOWN("+name+")" || got[:3] == "UNK" {
			t.Errorf("%s is %s", name, got)
		}
	}
}

func TestAliases(t *testing.T) {
	for _, c := range []struct{ alias, app, environment string }{
		{"checkout", "checkout", ""},
		{"checkout--staging", "checkout", "staging"},
		{"a--b--c", "a--b", "c"},
		{"a-b", "a-b", ""},
		{"--x", "--x", ""},
		{"x--", "x--", ""},
		{"", "", ""},
	} {
		if app, environment := SplitAlias(c.alias); app != c.app || environment != c.environment {
			t.Errorf("%q is %q in %q, want %q in %q", c.alias, app, environment, c.app, c.environment)
		}
		if got := JoinAlias(c.app, c.environment); got != c.alias {
			t.Errorf("%q in %q is %q, want %q", c.app, c.environment, got, c.alias)
		}
	}
	if got := JoinAlias("checkout", "main"); got != "checkout" {
		t.Errorf("in main: %q", got)
	}
}

func TestListRunnersRequest(t *testing.T) {
	since := time.Date(2026, 11, 21, 20, 6, 13, 480293000, time.FixedZone("", 2*3600))
	for name, c := range map[string]struct {
		params RunnersListParams
		want   string
	}{
		"defaults":           {RunnersListParams{}, `{"list_pending":true}`},
		"since":              {RunnersListParams{Since: since}, `{"list_pending":true,"start_time":"2026-11-21T18:06:13.480293Z"}`},
		"filters stay local": {RunnersListParams{App: "a", States: []RunnerState{RunnerIdle}}, `{"list_pending":true}`},
	} {
		request, err := listRunnersRequest(&c.params)
		if err != nil {
			t.Fatal(err)
		}
		var want controllerpb.ListRunnersRequest
		if err := protojson.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(request, &want) {
			t.Errorf("%s: %v, want %v", name, request, &want)
		}
	}
}

func TestRESTBase(t *testing.T) {
	for _, c := range []struct {
		host  string
		plain bool
		want  string
	}{
		{"api.alpha.fal.ai", false, "https://rest.alpha.fal.ai"},
		{"api.example.com:8443", false, "https://rest.example.com:8443"},
		{"controller.example.com", false, "https://controller.example.com"},
		{"127.0.0.1:7070", true, "http://127.0.0.1:7070"},
	} {
		u, err := restBase(Options{Plaintext: c.plain}, c.host)
		if err != nil || u.String() != c.want {
			t.Errorf("%s: %v, %v; want %s", c.host, u, err, c.want)
		}
	}
}
