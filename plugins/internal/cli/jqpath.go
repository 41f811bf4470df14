package cli

import (
	"reflect"
	"strings"
)

// jqPaths completes the last path of a jq expression with the keys of the JSON
// that v is a zero value of: `.runners[].st`, and behind a pipe what its left
// side gives.
func jqPaths(v any, expression string) []Candidate {
	if v == nil {
		return nil
	}
	at := len(expression)
	for at > 0 && isPathByte(expression[at-1]) {
		at--
	}
	before, path := expression[:at], expression[at:]
	if path != "" && path[0] != '.' || strings.Count(before, `"`)%2 == 1 {
		return nil
	}
	t := reflect.TypeOf(v)
	stages := strings.Split(before, "|")
	for _, stage := range stages[:len(stages)-1] {
		stage = strings.TrimSpace(stage)
		if strings.HasPrefix(stage, "select(") {
			continue
		}
		if t = follow(t, stage); t == nil {
			return nil
		}
	}
	c := jqCollector{before: before}
	c.collect(t, "", 0)
	return c.found
}

func isPathByte(c byte) bool {
	return c == '.' || c == '_' || c == '[' || c == ']' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// follow is the type that a path leads to, or nil for what is no path.
func follow(t reflect.Type, path string) reflect.Type {
	for t != nil && path != "" && path != "." {
		var step string
		step, path = nextStep(path)
		t = underPointer(t)
		switch {
		case step == "":
			return nil
		case step == "[]":
			if t.Kind() != reflect.Slice {
				return nil
			}
			t = t.Elem()
		default:
			t = keyOf(t, step)
		}
	}
	return t
}

// nextStep cuts a key or an index off a path: "runners" off `.runners[]`, and
// "[]" off `[0].x`; nothing off what is no path.
func nextStep(path string) (step, rest string) {
	if at := strings.IndexByte(path, ']'); at > 0 && strings.Trim(path[:at], ".0123456789") == "[" {
		return "[]", path[at+1:]
	}
	key, ok := strings.CutPrefix(path, ".")
	if !ok {
		return "", path
	}
	end := strings.IndexAny(key, ".[")
	if end < 0 {
		end = len(key)
	}
	return key[:end], key[end:]
}

func keyOf(t reflect.Type, name string) reflect.Type {
	for _, k := range contractKeys(t) {
		if k.name == name {
			return k.is
		}
	}
	return nil
}

func underPointer(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

type contractKey struct {
	name string
	is   reflect.Type
}

// contractKeys are the keys of a struct as encoding/json names them.
func contractKeys(t reflect.Type) []contractKey {
	t = underPointer(t)
	if t.Kind() != reflect.Struct {
		return nil
	}
	var keys []contractKey
	for f := range t.Fields() {
		switch name := jsonKey(f); {
		case name != "":
			keys = append(keys, contractKey{name, f.Type})
		case f.Anonymous && f.Tag.Get("json") == "":
			keys = append(keys, contractKeys(f.Type)...)
		}
	}
	return keys
}

const deepestPath = 5

type jqCollector struct {
	before string
	found  []Candidate
}

func (c *jqCollector) collect(t reflect.Type, path string, depth int) {
	t = underPointer(t)
	if depth > deepestPath {
		return
	}
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return
		}
		if path == "" {
			path = "."
		}
		c.add(path+"[]", "each of them")
		c.collect(t.Elem(), path+"[]", depth+1)
	case reflect.Struct:
		for _, k := range contractKeys(t) {
			c.add(path+"."+k.name, kindWord(k.is))
			c.collect(k.is, path+"."+k.name, depth+1)
		}
	}
}

func (c *jqCollector) add(path, description string) {
	c.found = append(c.found, Candidate{c.before + path, description})
}

func kindWord(t reflect.Type) string {
	t = underPointer(t)
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Map:
		return "an object"
	case reflect.Struct:
		if len(contractKeys(t)) > 0 {
			return "an object"
		}
		return ""
	}
	if t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64 {
		return "a number"
	}
	return ""
}
