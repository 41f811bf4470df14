package output

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// cursor walks compact JSON: what encoding/json and AppendJSON write, without
// blanks. Rubbish is an error and never a panic.
type cursor struct {
	s     string
	i     int
	depth int
}

var errNotJSON = errors.New("a record's encoding is not compact JSON")

// parsePlain decodes compact JSON for a filter. Integers that fit are int, all
// other numbers keep their digits as json.Number. The result shares s.
func parsePlain(s string) (any, error) {
	c := cursor{s: s}
	v, err := c.value()
	if err = c.end(err); err != nil {
		return nil, fmt.Errorf("byte %d: %w", c.i, err)
	}
	return v, nil
}

// end is err, or an error when something follows the value that was read.
func (c *cursor) end(err error) error {
	if err == nil && c.i != len(c.s) {
		return errNotJSON
	}
	return err
}

func (c *cursor) peek() byte {
	if c.i < len(c.s) {
		return c.s[c.i]
	}
	return 0
}

func (c *cursor) value() (any, error) {
	switch c.peek() {
	case '{':
		m := make(map[string]any, 8)
		err := c.members(func(key string) error {
			v, err := c.value()
			m[key] = v
			return err
		})
		return m, err
	case '[':
		list := []any{}
		err := c.elements(func() error {
			v, err := c.value()
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		raw, err := c.quoted()
		if err != nil {
			return nil, err
		}
		return unquote(raw)
	}
	switch raw := c.literal(); raw {
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return number(raw)
	}
}

// members calls f for each key of the object at the cursor, which must consume
// the value.
func (c *cursor) members(f func(key string) error) error {
	return c.group('{', '}', func() error {
		raw, err := c.quoted()
		if err != nil {
			return err
		}
		key, err := unquote(raw)
		if err != nil {
			return err
		}
		if c.peek() != ':' {
			return errNotJSON
		}
		c.i++
		return f(key)
	})
}

// elements calls f for each element of the array at the cursor, which must
// consume it.
func (c *cursor) elements(f func() error) error { return c.group('[', ']', f) }

func (c *cursor) group(open, end byte, f func() error) error {
	if c.peek() != open || c.depth == maxDepth {
		return errNotJSON
	}
	c.depth++
	defer func() { c.depth-- }()
	c.i++
	if c.peek() == end {
		c.i++
		return nil
	}
	for {
		if err := f(); err != nil {
			return err
		}
		switch c.peek() {
		case ',':
			c.i++
		case end:
			c.i++
			return nil
		default:
			return errNotJSON
		}
	}
}

// skip consumes one value and returns its text.
func (c *cursor) skip() (string, error) {
	start := c.i
	var err error
	switch c.peek() {
	case '{':
		err = c.members(func(string) error { _, err := c.skip(); return err })
	case '[':
		err = c.elements(func() error { _, err := c.skip(); return err })
	case '"':
		_, err = c.quoted()
	default:
		if c.literal() == "" {
			err = errNotJSON
		}
	}
	return c.s[start:c.i], err
}

// quoted consumes a string and returns it with its quotes.
func (c *cursor) quoted() (string, error) {
	if c.peek() != '"' {
		return "", errNotJSON
	}
	end := stringEnd(c.s, c.i)
	if end < 0 {
		return "", errNotJSON
	}
	raw := c.s[c.i:end]
	c.i = end
	return raw, nil
}

// stringEnd is the index behind the JSON string that starts at i, or -1.
func stringEnd[S string | []byte](s S, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// unquote decodes a JSON string with its quotes.
func unquote(raw string) (string, error) {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	var s string
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return "", errNotJSON
	}
	return s, nil
}

// literal consumes a number or a word.
func (c *cursor) literal() string {
	start := c.i
	for c.i < len(c.s) && c.s[c.i] != ',' && c.s[c.i] != ']' && c.s[c.i] != '}' {
		c.i++
	}
	return c.s[start:c.i]
}

func number(raw string) (any, error) {
	digits := strings.TrimPrefix(raw, "-")
	if len(raw) <= 20 && digits != "" && (digits[0] != '0' || raw == "0") && strings.IndexFunc(raw, notInteger) < 0 {
		if n, err := strconv.Atoi(raw); err == nil {
			return n, nil
		}
	}
	if !json.Valid([]byte(raw)) {
		return nil, errNotJSON
	}
	return json.Number(raw), nil
}

func notInteger(r rune) bool { return r != '-' && (r < '0' || r > '9') }
