package fal

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// appFromGenerated converts what the generated code reads, written as plainly
// as possible: the decoder by hand must agree with it.
func appFromGenerated(info *controllerpb.AliasInfo) AppInfo {
	return AppInfo{
		Alias:    info.GetAlias(),
		Revision: info.GetRevision(),
		AuthMode: AuthMode(info.GetAuthMode()),
		AppSettings: AppSettings{
			KeepAlive:             wholeSeconds(info.GetKeepAlive()),
			MinConcurrency:        int(info.GetMinConcurrency()),
			MaxConcurrency:        int(info.GetMaxConcurrency()),
			MaxMultiplexing:       int(info.GetMaxMultiplexing()),
			ConcurrencyBuffer:     int(info.GetConcurrencyBuffer()),
			ConcurrencyBufferPerc: int(info.GetConcurrencyBufferPerc()),
			ScalingDelay:          wholeSeconds(info.GetScalingDelaySeconds()),
			RequestTimeout:        wholeSeconds(info.GetRequestTimeout()),
			StartupTimeout:        wholeSeconds(info.GetStartupTimeout()),
			MachineTypes:          info.GetMachineTypes(),
			Regions:               info.GetValidRegions(),
		},
		ActiveRunners: int(info.GetActiveRunners()),
		Environment:   info.GetEnvironmentName(),
		Rolling:       info.GetIsRolling(),
	}
}

func wholeAlias() *controllerpb.AliasInfo {
	return &controllerpb.AliasInfo{
		Alias: "a--staging", Revision: "r", AuthMode: 2, MaxConcurrency: 3, MaxMultiplexing: 4, KeepAlive: 5, ActiveRunners: 6,
		MinConcurrency: 7, MachineTypes: []string{"M", "", "M"}, RequestTimeout: number(int32(8)), StartupTimeout: number(int32(-9)),
		ValidRegions: []string{"us-east", "eu-west"}, ConcurrencyBuffer: number(int32(0)), ConcurrencyBufferPerc: number(int32(10)),
		ScalingDelaySeconds: number(int32(11)), EnvironmentName: number("staging"), IsRolling: true,
	}
}

func TestDecodeApp(t *testing.T) {
	for name, c := range map[string]struct {
		wire []byte
		want AppInfo
	}{
		"everything":            {marshal(t, wholeAlias()), appFromGenerated(wholeAlias())},
		"nothing":               {nil, AppInfo{}},
		"unknown auth mode":     {marshal(t, &controllerpb.AliasInfo{AuthMode: -42}), AppInfo{AuthMode: -42}},
		"a field nobody knows":  {append(marshal(t, &controllerpb.AliasInfo{Alias: "a"}), 0xfa, 0x01, 0x01, 'x'), AppInfo{Alias: "a"}},
		"a known one as varint": {[]byte{0x08, 0x05}, AppInfo{}},
		"a known one as text":   {[]byte{0x22, 0x01, '5'}, AppInfo{}},
		"text that is no UTF-8": {[]byte{0x0a, 0x02, 'a', 0xff}, AppInfo{Alias: "a\uFFFD"}},
	} {
		t.Run(name, func(t *testing.T) {
			var d appDecoder
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

func TestDecodeAppCutOff(t *testing.T) {
	whole := marshal(t, wholeAlias())
	for n := range whole {
		var d appDecoder
		_, err := d.decode(whole[:n])
		if want := proto.Unmarshal(whole[:n], new(controllerpb.AliasInfo)); (err == nil) != (want == nil) {
			t.Errorf("the first %d bytes: %v, generated code says %v", n, err, want)
		}
	}
}

// FuzzDecodeApp: never a crash, and what the generated code reads, ours reads in
// the same way.
func FuzzDecodeApp(f *testing.F) {
	f.Add(marshal(f, wholeAlias()))
	f.Add([]byte{0x88, 0x01, 0x80, 0x80, 0x80, 0x80, 0x10}) // is_rolling, beyond 32 bits
	f.Add([]byte{0x08, 0x05, 0x22, 0x01, '5'})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d appDecoder
		got, err := d.decode(b)
		var info controllerpb.AliasInfo
		if proto.Unmarshal(b, &info) != nil {
			return
		}
		if err != nil {
			t.Fatalf("%v, although the generated code reads it", err)
		}
		if diff := cmp.Diff(appFromGenerated(&info), got); diff != "" {
			t.Errorf("-generated +ours:\n%s", diff)
		}
	})
}
