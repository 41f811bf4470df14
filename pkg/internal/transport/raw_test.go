package transport

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// rawOf holds a message in buffers of a few bytes, as it comes from the wire in
// frames.
func rawOf(message []byte, size int) *Raw {
	var r Raw
	for chunk := range slices.Chunk(message, size) {
		r.data = append(r.data, mem.SliceBuffer(chunk))
	}
	return &r
}

func elements(r *Raw, field protowire.Number) (all [][]byte, err error) {
	for element, err := range r.Elements(field) {
		if err != nil {
			return all, err
		}
		all = append(all, bytes.Clone(element))
	}
	return all, nil
}

func TestElements(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 300)
	var message []byte
	message = protowire.AppendTag(message, 1, protowire.BytesType)
	message = protowire.AppendBytes(message, []byte("first"))
	message = protowire.AppendTag(message, 2, protowire.BytesType)
	message = protowire.AppendBytes(message, []byte("another field"))
	message = protowire.AppendTag(message, 3, protowire.VarintType)
	message = protowire.AppendVarint(message, 1<<40)
	message = protowire.AppendTag(message, 1, protowire.VarintType)
	message = protowire.AppendVarint(message, 7)
	message = protowire.AppendTag(message, 4, protowire.Fixed32Type)
	message = protowire.AppendFixed32(message, 7)
	message = protowire.AppendTag(message, 1, protowire.Fixed64Type)
	message = protowire.AppendFixed64(message, 7)
	message = protowire.AppendTag(message, 1, protowire.BytesType)
	message = protowire.AppendBytes(message, nil)
	message = protowire.AppendTag(message, 1, protowire.BytesType)
	message = protowire.AppendBytes(message, long)
	want := [][]byte{[]byte("first"), {}, long}
	for _, size := range []int{1, 2, 7, 1000} {
		got, err := elements(rawOf(message, size), 1)
		if err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("in buffers of %d: %q, %v", size, got, err)
		}
	}
	for n := range message {
		if _, err := elements(rawOf(message[:n], 3), 1); err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	for name, broken := range map[string][]byte{
		"length beyond the end": {0x0a, 0x05, 'x'},
		"huge length":           {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"tag cut off":           {0x80},
		"field 0":               {0x02, 0x00},
		"group":                 {0x0b, 0x0c},
		"endless varint":        bytes.Repeat([]byte{0xff}, 12),
		"fixed cut off":         {0x25, 1, 2},
	} {
		if got, err := elements(rawOf(broken, 2), 1); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzElements(f *testing.F) {
	f.Add([]byte{0x0a, 0x01, 'x', 0x10, 0x05}, 2)
	f.Fuzz(func(t *testing.T, message []byte, size int) {
		size = max(1, min(size, 100))
		got, err := elements(rawOf(message, size), 1)
		whole, wholeErr := elements(rawOf(message, max(1, len(message))), 1)
		if (err == nil) != (wholeErr == nil) || !slices.EqualFunc(got, whole, bytes.Equal) {
			t.Errorf("in buffers of %d: %q, %v; in one: %q, %v", size, got, err, whole, wholeErr)
		}
	})
}
