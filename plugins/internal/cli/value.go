package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Value stores what was given for a flag or an argument. Set validates; its
// error completes "invalid value … for --flag: ".
type Value interface {
	Set(text string) error
	kind() valueKind
}

type valueKind int

const (
	kindText valueKind = iota
	kindBool
	kindNumber // a word such as -5 is a value, not a flag
)

type value struct {
	set  func(string) error
	k    valueKind
	many bool // every value counts, not the last alone
}

func (v value) Set(text string) error { return v.set(text) }
func (v value) kind() valueKind       { return v.k }

// String stores the last value given.
func String(p *string) Value {
	return value{set: func(s string) error { *p = s; return nil }}
}

// NonEmpty is String without the empty text, which in scripts is an unset
// variable more often than a wish.
func NonEmpty(p *string) Value {
	return value{set: func(s string) error {
		if strings.TrimSpace(s) == "" {
			return errors.New("it is empty")
		}
		*p = s
		return nil
	}}
}

// NonEmptyStrings appends every value given, and refuses empty ones as
// NonEmpty does.
func NonEmptyStrings(p *[]string) Value {
	return value{many: true, set: func(s string) error {
		if strings.TrimSpace(s) == "" {
			return errors.New("it is empty")
		}
		*p = append(*p, s)
		return nil
	}}
}

// Strings appends every value given.
func Strings(p *[]string) Value {
	return value{many: true, set: func(s string) error { *p = append(*p, s); return nil }}
}

// Bool is a switch; --name=false turns it off.
func Bool(p *bool) Value {
	return value{k: kindBool, set: func(s string) error {
		b, err := strconv.ParseBool(s)
		if err != nil {
			return errors.New("want true or false")
		}
		*p = b
		return nil
	}}
}

// Int stores a whole number from lowest to highest.
func Int(p *int, lowest, highest int) Value {
	return value{k: kindNumber, set: func(s string) error {
		n, err := strconv.Atoi(s)
		switch {
		case err != nil:
			return errors.New("want a whole number")
		case n < lowest || n > highest:
			if highest == math.MaxInt {
				return fmt.Errorf("want %d or more", lowest)
			}
			return fmt.Errorf("want %d to %d", lowest, highest)
		}
		*p = n
		return nil
	}}
}

// Duration stores a positive length of time such as 90s, 5m, 1h30m or 2d. A
// bare number is refused: it would be guessed.
func Duration(p *time.Duration) Value {
	return value{k: kindNumber, set: func(s string) error {
		d, err := ParseDuration(s)
		if err != nil {
			return err
		}
		if d <= 0 {
			return errors.New("want more than zero")
		}
		*p = d
		return nil
	}}
}

// Seconds is Duration that takes a bare number too, which is seconds.
func Seconds(p *time.Duration) Value {
	duration := Duration(p)
	return value{k: kindNumber, set: func(s string) error {
		if strings.Trim(s, "0123456789.") == "" {
			s += "s"
		}
		return duration.Set(s)
	}}
}

// Func stores through set, for values with a grammar of their own.
func Func(set func(string) error) Value { return value{set: set, many: true} }

// ParseDuration is time.ParseDuration with days (1d, 1d12h).
func ParseDuration(s string) (time.Duration, error) {
	bad := errors.New("want a length of time such as 30s, 5m, 1h30m or 1d")
	rest, days := s, time.Duration(0)
	if before, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(before, 10, 16)
		if err != nil {
			return 0, bad
		}
		days, rest = time.Duration(n)*24*time.Hour, after
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || rest == "0" {
		return 0, bad
	}
	return days + d, nil
}
