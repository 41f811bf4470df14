package view

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func TestGPUType(t *testing.T) {
	for name, want := range map[string]string{
		"GPU-RTX5090": "5090", "NVIDIA GeForce RTX 5090": "5090", "geforce_rtx_5090": "5090", "5090": "5090", "rtx5090-32gb": "5090", "RTX 5090D": "5090",
		"GPU-A100": "A100", "NVIDIA A100-SXM4-80GB": "A100", "a100": "A100",
		"GPU-L40": "L40", "NVIDIA L40S": "L40", "l40s-48gb": "L40",
		"GPU-H100": "H100", "H100 80GB HBM3": "H100", "H100NVL": "H100", "GPU-H200": "H200", "NVIDIA B200": "B200",
		"RTX 4090": "RTX 4090", "GPU-RTX4090": "RTX 4090", "NVIDIA RTX A6000": "RTX A6000", "RTX-A4000": "RTX A4000", "RTX PRO 6000": "RTX PRO 6000", "RTX 50900": "RTX 50900",
		"A30 MIG 1g.6gb": "A30 MIG", "MIG A30": "A30 MIG",
		"Tesla T4": "T4", "GPU-L4": "L4", "NVIDIA A10G": "A10G", "Tesla V100-SXM2": "V100", "GH200": "GH200", "NVIDIA GB200": "GB200", "A1000": "A1000",
		"AMD Instinct MI300X": "MI300", "mi250": "MI250",
		"Gaudi": "Gaudi", "TPU-v5e": "V5E", "12345678": "12345678", "123456789": "12345...", "Quadro GTX": "Quadr...", "grüßegrüße": "grüße...", "": "", "RTX": "RTX", "MIG": "MIG",
	} {
		if got := gpuType(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}

func sampleGPUs() GPUs {
	return NewGPUs(map[string]int{
		"GPU-H100": 8, "NVIDIA H100 80GB HBM3": 1, "GPU-L40S": 3, "GPU-L40": 1, "GPU-RTX5090": 4, "GPU-B200": 0, "GPU-A100": -1,
		"XS": 5, "s": 1, "M": 1, "L": 1, "XL": 1, "bad\x1b[31m\"]": 2,
	})
}

func TestGPUsJSON(t *testing.T) {
	for _, tt := range []struct {
		usage GPUs
		want  string
	}{
		{sampleGPUs(), `{"gpus":{"H100":9,"5090":4,"L40":4,"bad\u001b[...":2},"total":19}`},
		{NewGPUs(nil), `{"gpus":{},"total":0}`},
	} {
		got, err := json.Marshal(tt.usage)
		if err != nil || string(got) != tt.want {
			t.Errorf("%v: %s, want %s", err, got, tt.want)
		}
		var back GPUs
		if err := json.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, tt.usage) {
			t.Errorf("%v: got back %+v of %+v", err, back, tt.usage)
		}
	}
}

func TestGPUsGolden(t *testing.T) {
	for _, format := range []output.Format{output.Pretty, output.TSV, output.CSV, output.Name} {
		name := "gpus." + string(format) + ".terminal"
		t.Run(name, func(t *testing.T) {
			streams, _, out, errout := iostreams.Test()
			streams.SetTerminal(true, true, true)
			p := output.New(streams, output.Options{Format: format, Explicit: true})
			if err := output.List(t.Context(), p, GPUTypes(), sampleGPUs().GPUs.List()); err != nil {
				t.Fatal(err)
			}
			golden(t, name, append(out.Bytes(), errout.Bytes()...))
		})
	}
}

func FuzzGPUType(f *testing.F) {
	for _, seed := range []string{"GPU-H100", "RTX PRO", "A30 MIG", "MI300X", "5090", "\xff\xfe", "RTX PRO PRO 1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := gpuType(name)
		if name != "" && got == "" || utf8.ValidString(name) && !utf8.ValidString(got) {
			t.Errorf("%q is shown as %q", name, got)
		}
	})
}
