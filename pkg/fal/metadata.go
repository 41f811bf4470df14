package fal

import (
	"bytes"
	"fmt"
	"math"
	"math/big"

	pickle "github.com/kisielk/og-rek"
)

const (
	// largestMetadata bounds what a class says of itself, in bytes.
	largestMetadata = 8 << 20
	// metadataValues bounds the values in it, those that occur in several
	// places counted each time, and metadataDepth how deep they lie.
	metadataValues = 200_000
	metadataDepth  = 200
)

// decodeMetadata reads a pickled dict of plain values: those of JSON, and
// tuples, which become lists. Nothing is run and no name is looked up: a pickle
// that would is an error.
func decodeMetadata(data []byte) (map[string]any, error) {
	if len(data) > largestMetadata {
		return nil, fmt.Errorf("it has %d bytes: %d are read at most", len(data), largestMetadata)
	}
	mended, err := plainPickle(data)
	if err != nil {
		return nil, err
	}
	value, err := unpickle(mended)
	if err != nil {
		return nil, err
	}
	if _, ok := value.(map[any]any); !ok {
		return nil, fmt.Errorf("it is no dict")
	}
	left := metadataValues
	plain, err := jsonValue(value, 0, &left)
	if err != nil {
		return nil, err
	}
	return plain.(map[string]any), nil
}

func unpickle(data []byte) (value any, err error) {
	defer func() {
		if broken := recover(); broken != nil { // the library panics on some that nothing writes
			value, err = nil, fmt.Errorf("it cannot be read")
		}
	}()
	return pickle.NewDecoder(bytes.NewReader(data)).Decode()
}

// jsonValue makes of what was decoded what JSON can hold.
func jsonValue(v any, depth int, left *int) (any, error) {
	if *left--; *left < 0 {
		return nil, fmt.Errorf("it holds more than %d values", metadataValues)
	}
	if depth > metadataDepth {
		return nil, fmt.Errorf("its values lie more than %d deep", metadataDepth)
	}
	switch v := v.(type) {
	case string, bool:
		return v, nil
	case int64:
		return float64(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("it holds the number %v, which JSON has not", v)
		}
		return v, nil
	case *big.Int:
		n, _ := new(big.Float).SetInt(v).Float64()
		if math.IsInf(n, 0) {
			return nil, fmt.Errorf("it holds a number that is too large")
		}
		return n, nil
	case pickle.None:
		return nil, nil
	case pickle.Tuple:
		return plainList(v, depth, left)
	case []any:
		return plainList(v, depth, left)
	case map[any]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			name, ok := key.(string)
			if !ok {
				return nil, fmt.Errorf("a key of a dict is no text")
			}
			value, err := jsonValue(value, depth+1, left)
			if err != nil {
				return nil, err
			}
			out[name] = value
		}
		return out, nil
	}
	return nil, fmt.Errorf("it holds something that is not of JSON")
}

func plainList(list []any, depth int, left *int) (any, error) {
	out := make([]any, len(list))
	for i, item := range list {
		item, err := jsonValue(item, depth+1, left)
		if err != nil {
			return nil, err
		}
		out[i] = item
	}
	return out, nil
}
