package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec that Raw wraps
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// A Raw is a reply kept as the bytes in which it came, so that a long list can
// be decoded element by element. Pass it as the reply of a call together with
// the option [KeepRaw], and Free it in the end.
type Raw struct{ data mem.BufferSlice }

// Free gives the bytes back. It may be called more than once.
func (r *Raw) Free() {
	r.data.Free()
	r.data = nil
}

// Len is the number of bytes held.
func (r *Raw) Len() int { return r.data.Len() }

// KeepRaw is the option of a call whose reply is a *[Raw].
func KeepRaw() grpc.CallOption {
	return grpc.ForceCodecV2(rawCodec{encoding.GetCodecV2("proto")})
}

type rawCodec struct{ encoding.CodecV2 }

func (c rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	raw, ok := v.(*Raw)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	raw.Free()
	data.Ref()
	raw.data = data
	return nil
}

// ErrMalformed is the cause of an error of [Raw.Elements]: the bytes are no
// protobuf message.
var ErrMalformed = errors.New("malformed message")

// Elements goes through the elements of a repeated message field at the top of
// the message. It takes the bytes over: they are given back as they are read,
// and the Raw is empty afterwards. An element is valid until the next one.
func (r *Raw) Elements(field protowire.Number) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		reader := r.data.Reader()
		r.Free()
		defer reader.Close()
		var element []byte
		for reader.Remaining() > 0 {
			number, size, err := nextField(reader)
			if err == nil && number != field {
				_, err = reader.Discard(size)
			} else if err == nil {
				if cap(element) < size {
					element = make([]byte, size, max(size, 2*cap(element)))
				}
				element = element[:size]
				_, err = io.ReadFull(reader, element)
			}
			if err != nil {
				yield(nil, fmt.Errorf("%w: %w", ErrMalformed, err))
				return
			}
			if number == field && !yield(element, nil) {
				return
			}
		}
	}
}

// nextField reads a tag and answers how many bytes its value has; the length
// of a length-delimited one is read too. Of a varint it reads the value. A
// number of 0 stands for a value that was read already.
func nextField(r *mem.Reader) (protowire.Number, int, error) {
	tag, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, 0, unexpected(err)
	}
	number, kind := protowire.DecodeTag(tag)
	if number < protowire.MinValidNumber {
		return 0, 0, fmt.Errorf("field number %d", number)
	}
	switch kind {
	case protowire.VarintType:
		_, err := binary.ReadUvarint(r)
		return 0, 0, unexpected(err)
	case protowire.Fixed32Type:
		return 0, 4, nil
	case protowire.Fixed64Type:
		return 0, 8, nil
	case protowire.BytesType:
		size, err := binary.ReadUvarint(r)
		if err != nil {
			return 0, 0, unexpected(err)
		}
		if size > uint64(r.Remaining()) {
			return 0, 0, fmt.Errorf("field %d: length %d, %d bytes left", number, size, r.Remaining())
		}
		return number, int(size), nil
	}
	return 0, 0, fmt.Errorf("field %d: wire type %d", number, kind)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
