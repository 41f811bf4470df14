package view

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// GPUs is what the gpus commands print as JSON.
type GPUs struct {
	GPUs  GPUCounts `json:"gpus"`
	Total int       `json:"total"`
}

// GPUCounts is a JSON object from type to number that keeps its order: the
// most frequent first.
type GPUCounts struct{ counts []GPUCount }

// GPUCount is how many GPUs of one type are in use.
type GPUCount struct {
	Type  string
	Count int
}

// NewGPUs takes numbers of GPUs by the service's names of machine types. Types
// that people know by one name are added up; machines without a GPU and zeroes
// are left out.
func NewGPUs(byMachine map[string]int) GPUs {
	sums := map[string]int{}
	for machine, n := range byMachine {
		if n > 0 && !isCPU(machine) {
			sums[gpuType(machine)] += n
		}
	}
	counts, total := []GPUCount{}, 0
	for name, n := range sums {
		counts = append(counts, GPUCount{name, n})
		total += n
	}
	slices.SortFunc(counts, byCount)
	return GPUs{GPUs: GPUCounts{counts}, Total: total}
}

// Print prints the counts: a table, or lines, of the types, and as an object
// with the total.
func (g GPUs) Print(ctx context.Context, p *output.Printer) error {
	switch p.Format() {
	case output.JSON, output.JSONL, output.YAML:
		return output.Object(ctx, p, g, nil)
	}
	return output.List(ctx, p, GPUTypes(), g.GPUs.List())
}

// List is the counts in their order.
func (c GPUCounts) List() []GPUCount { return slices.Clone(c.counts) }

// MarshalJSON keeps the order.
func (c GPUCounts) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, g := range c.counts {
		if i > 0 {
			b = append(b, ',')
		}
		b = output.AppendString(b, g.Type)
		b = strconv.AppendInt(append(b, ':'), int64(g.Count), 10)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, in its order.
func (c *GPUCounts) UnmarshalJSON(text []byte) error {
	var byType map[string]int
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&byType); err != nil {
		return err
	}
	c.counts = []GPUCount{}
	for name, n := range byType {
		c.counts = append(c.counts, GPUCount{name, n})
	}
	slices.SortFunc(c.counts, byCount)
	return nil
}

func byCount(a, b GPUCount) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Type, b.Type))
}

// GPUTypes is how counts of GPUs are shown as a table.
func GPUTypes() output.View[GPUCount] {
	return output.View[GPUCount]{
		Key:  "gpus",
		Name: func(g GPUCount) string { return g.Type },
		Columns: []output.Column[GPUCount]{
			{Header: "TYPE", Text: func(g GPUCount) string { return g.Type }},
			{Header: "COUNT", Right: true, Text: func(g GPUCount) string { return strconv.Itoa(g.Count) }},
		},
		Compare: byCount,
		Note: func(rows []GPUCount) string {
			total := 0
			for _, g := range rows {
				total += g.Count
			}
			return Count(total, "GPU") + " in use"
		},
		Empty: "no GPUs in use",
	}
}

func isCPU(machine string) bool {
	switch strings.ToUpper(strings.TrimSpace(machine)) {
	case "XS", "S", "M", "L", "XL":
		return true
	}
	return false
}

// gpuType is the short name of a type of GPU, as the official client shows it.
func gpuType(name string) string {
	words := strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, w := range words {
		if before, after, ok := strings.Cut(w, "5090"); ok && !endsInDigit(before) && !beginsWithDigit(after) {
			return "5090"
		}
	}
	for _, w := range words {
		for _, model := range [...]string{"A100", "L40", "H100", "H200", "B200"} {
			if rest, ok := strings.CutPrefix(w, model); ok && !beginsWithDigit(rest) {
				return model
			}
		}
	}
	if model := rtxModel(words); model != "" {
		return "RTX " + model
	}
	if i := slices.IndexFunc(words, isGPUModel); i >= 0 {
		if slices.Contains(words, "MIG") {
			return words[i] + " MIG"
		}
		return words[i]
	}
	for _, w := range words {
		if rest, ok := strings.CutPrefix(w, "MI"); ok && beginsWithDigit(rest) {
			return "MI" + rest[:digits(rest)]
		}
	}
	if short := []rune(name); len(short) > 8 {
		return string(short[:5]) + "..."
	}
	return name
}

// rtxModel is what stands behind RTX, in one word with it or in the next: 4090,
// A6000, PRO 6000.
func rtxModel(words []string) string {
	for i, w := range words {
		rest, ok := strings.CutPrefix(w, "RTX")
		if !ok {
			continue
		}
		var model []string
		if rest != "" {
			model = append(model, rest)
		}
		for _, next := range words[i+1:] {
			if len(model) > 0 && model[len(model)-1] != "PRO" {
				break
			}
			model = append(model, next)
		}
		if text := strings.Join(model, " "); strings.ContainsFunc(text, unicode.IsDigit) {
			return text
		}
	}
	return ""
}

// isGPUModel reports whether a word is a model as in T4, L4, A10G, V100, GB200.
func isGPUModel(w string) bool {
	rest, ok := strings.CutPrefix(w, "GH")
	if !ok {
		rest, ok = strings.CutPrefix(w, "GB")
	}
	if !ok && w != "" && w[0] >= 'A' && w[0] <= 'Z' {
		rest, ok = w[1:], true
	}
	n := digits(rest)
	return ok && n >= 1 && n <= 4 && (n == len(rest) || n == len(rest)-1 && rest[n] >= 'A' && rest[n] <= 'Z')
}

// digits is the number of digits that s begins with.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

func beginsWithDigit(s string) bool { return digits(s) > 0 }

func endsInDigit(s string) bool { return strings.TrimRight(s, "0123456789") != s }
