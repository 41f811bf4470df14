package interop

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Listing is what a client printed for `runners list --json`: the fields of
// each runner by its id, numbers kept as they were written.
type Listing map[string]map[string]any

// ParseListing reads one JSON document and nothing after it.
func ParseListing(text string) (Listing, error) {
	var document struct {
		Runners []map[string]any `json:"runners"`
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("no listing: %w in %q", err, text)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more than one JSON document in %q", text)
	}
	if document.Runners == nil {
		return nil, fmt.Errorf("no list of runners in %q", text)
	}
	listing := Listing{}
	for _, runner := range document.Runners {
		id, ok := runner["runner_id"].(string)
		if !ok || id == "" {
			return nil, fmt.Errorf("a runner without runner_id in %q", text)
		}
		if listing[id] != nil {
			return nil, fmt.Errorf("runner %s is listed twice", id)
		}
		listing[id] = runner
	}
	return listing, nil
}

// IDs returns the runners' ids, sorted; with states, of those in one of them.
func (l Listing) IDs(states ...string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(l)), func(id string) bool {
		return len(states) > 0 && !slices.Contains(states, l.State(id))
	})
}

// State returns a runner's state as printed, or "" when it is not listed.
func (l Listing) State(id string) string {
	state, _ := l[id]["state"].(string)
	return state
}

// Disagreements compares what the official client listed with what ours listed
// just before and just after. Ours must have every key of the official client
// with its type, and its value: the earlier or the later one, or for a number
// one in between, since runners go on living meanwhile. Ours may have more keys.
func Disagreements(before, official, after Listing) []string {
	var found []string
	for _, id := range official.IDs() {
		if before[id] == nil && after[id] == nil {
			found = append(found, fmt.Sprintf("runner %s is listed by the official client only", id))
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(official[id])) {
			value := official[id][key]
			if !agrees(value, key, before[id], after[id]) {
				found = append(found, fmt.Sprintf("runner %s: %s is %s for the official client, for ours %s, then %s",
					id, key, printed(value), field(before[id], key), field(after[id], key)))
			}
		}
	}
	for _, id := range before.IDs() {
		if after[id] != nil && official[id] == nil {
			found = append(found, fmt.Sprintf("runner %s is not listed by the official client", id))
		}
	}
	return found
}

func agrees(value any, key string, before, after map[string]any) bool {
	for _, runner := range []map[string]any{before, after} {
		if ours, ok := runner[key]; ok && printed(ours) == printed(value) {
			return true
		}
	}
	number, ok1 := integer(value)
	first, ok2 := integer(before[key])
	last, ok3 := integer(after[key])
	return ok1 && ok2 && ok3 && min(first, last) <= number && number <= max(first, last)
}

func integer(value any) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Int64()
	return n, err == nil
}

func field(runner map[string]any, key string) string {
	value, ok := runner[key]
	if !ok {
		return "missing"
	}
	return printed(value)
}

func printed(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
