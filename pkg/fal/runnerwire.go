package fal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Decoding by hand: an account with a hundred thousand runners is one message,
// and generated code would make all of it, with the free-form metadata as a
// tree of maps, before the first runner is seen. Numbers are those of
// controller.proto and google/protobuf/struct.proto.
const (
	listRunnersResponseRunners = 1 // and of ListAliasRunnersResponse

	runnerID          = 1
	runnerInFlight    = 2
	runnerExpiration  = 3
	runnerUptime      = 4
	runnerMetadata    = 5
	runnerRevision    = 6
	runnerAlias       = 7
	runnerStateNumber = 8
	runnerReplacement = 9
	runnerMachineType = 10

	structFields = 1
	entryKey     = 1
	entryValue   = 2
	valueNull    = 1
	valueNumber  = 2
	valueString  = 3
	valueBool    = 4
	valueStruct  = 5
	valueList    = 6
	listValues   = 1
)

// sharedTexts keeps texts that many elements of a list have in common once.
type sharedTexts map[string]string

// maxShared bounds what is kept for sharing when every text is different.
const maxShared = 4096

func (t *sharedTexts) share(b []byte) string {
	if s, ok := (*t)[string(b)]; ok {
		return s
	}
	s := text(b)
	if *t == nil {
		*t = make(sharedTexts)
	}
	if len(*t) < maxShared {
		(*t)[string(b)] = s
	}
	return s
}

// A runnerDecoder makes runners of the elements of a list.
type runnerDecoder struct{ sharedTexts }

// decode reads a RunnerInfo. Fields that it does not know are passed over.
func (d *runnerDecoder) decode(b []byte) (Runner, error) {
	var r Runner
	err := eachField(b, func(f field) error {
		switch {
		case f.is(runnerID, protowire.BytesType):
			r.ID = text(f.bytes)
		case f.is(runnerInFlight, protowire.VarintType):
			r.InFlight = int(int32(f.number64))
		case f.is(runnerExpiration, protowire.VarintType):
			countdown := time.Duration(int32(f.number64)) * time.Second
			r.ExpirationCountdown = &countdown
		case f.is(runnerUptime, protowire.Fixed32Type):
			r.Uptime = seconds(float64(math.Float32frombits(uint32(f.number64))))
		case f.is(runnerMetadata, protowire.BytesType):
			return d.metadata(f.bytes, &r)
		case f.is(runnerRevision, protowire.BytesType):
			r.Revision = d.share(f.bytes)
		case f.is(runnerAlias, protowire.BytesType):
			r.Alias = d.share(f.bytes)
		case f.is(runnerStateNumber, protowire.VarintType):
			r.State = RunnerState(int32(f.number64)).current()
		case f.is(runnerReplacement, protowire.VarintType):
			r.Replacement = RunnerReplacement(int32(f.number64))
		case f.is(runnerMachineType, protowire.BytesType):
			r.MachineType = d.share(f.bytes)
		}
		return nil
	})
	return r, err
}

// metadata reads of a runner's free-form metadata what is known of it, and
// takes nothing that has another shape than expected for an error.
func (d *runnerDecoder) metadata(b []byte, r *Runner) error {
	return eachEntry(b, func(key []byte, v value) error {
		switch string(key) {
		case "present_in_group":
			if v.kind == valueBool {
				r.Lost = v.number64 == 0
			}
		case "leases":
			r.Leases = nil
			if v.kind != valueList {
				return nil
			}
			return eachField(v.bytes, func(f field) error {
				if !f.is(listValues, protowire.BytesType) {
					return nil
				}
				item, err := readValue(f.bytes)
				if err != nil || item.kind != valueStruct {
					return err
				}
				lease, err := d.lease(item.bytes)
				r.Leases = append(r.Leases, lease)
				return err
			})
		}
		return nil
	})
}

func (d *runnerDecoder) lease(b []byte) (Lease, error) {
	var l Lease
	err := eachEntry(b, func(key []byte, v value) error {
		switch string(key) {
		case "request_id":
			if s, ok := v.text(); ok {
				l.RequestID = &s
			}
		case "caller_user_id":
			if s, ok := v.text(); ok {
				l.CallerUserID = d.share([]byte(s))
			}
		case "leased_at_epoch":
			l.LeasedAt = v.time()
		}
		return nil
	})
	return l, err
}

// A value is a google.protobuf.Value: kind is the number of the field that is
// set, 0 if none is.
type value struct {
	kind     protowire.Number
	number64 uint64
	bytes    []byte
}

func readValue(b []byte) (value, error) {
	var v value
	err := eachField(b, func(f field) error {
		if f.kind == valueWireType(f.number) {
			v = value{kind: f.number, number64: f.number64, bytes: f.bytes}
		}
		return nil
	})
	return v, err
}

// valueWireType is how a Value's field is written, and -1, which no field has,
// for one that this package does not know.
func valueWireType(number protowire.Number) protowire.Type {
	switch number {
	case valueNull, valueBool:
		return protowire.VarintType
	case valueNumber:
		return protowire.Fixed64Type
	case valueString, valueStruct, valueList:
		return protowire.BytesType
	}
	return -1
}

// text is a string, or a number as people would write it: request ids have
// been seen as both.
func (v value) text() (string, bool) {
	switch v.kind {
	case valueString:
		return text(v.bytes), true
	case valueNumber:
		return strconv.FormatFloat(math.Float64frombits(v.number64), 'f', -1, 64), true
	}
	return "", false
}

// time is a number of seconds since 1970, as a number or as text; zero if it is
// neither, or too far away to be a time.
func (v value) time() time.Time {
	var epoch float64
	switch v.kind {
	case valueNumber:
		epoch = math.Float64frombits(v.number64)
	case valueString:
		var err error
		if epoch, err = strconv.ParseFloat(strings.TrimSpace(string(v.bytes)), 64); err != nil {
			return time.Time{}
		}
	default:
		return time.Time{}
	}
	const year10000 = 253402300800
	if !(epoch >= -year10000 && epoch < year10000) {
		return time.Time{}
	}
	whole, fraction := math.Modf(epoch)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1000).UTC()
}

// eachEntry goes through the entries of a google.protobuf.Struct.
func eachEntry(b []byte, do func(key []byte, v value) error) error {
	return eachField(b, func(f field) error {
		if !f.is(structFields, protowire.BytesType) {
			return nil
		}
		var key []byte
		var v value
		err := eachField(f.bytes, func(f field) (err error) {
			switch {
			case f.is(entryKey, protowire.BytesType):
				key = f.bytes
			case f.is(entryValue, protowire.BytesType):
				v, err = readValue(f.bytes)
			}
			return err
		})
		if err != nil {
			return err
		}
		return do(key, v)
	})
}

// A field is one field of a message: number64 is the value of a varint or a
// fixed one, bytes that of a length-delimited one.
type field struct {
	number   protowire.Number
	kind     protowire.Type
	number64 uint64
	bytes    []byte
}

func (f field) is(number protowire.Number, kind protowire.Type) bool {
	return f.number == number && f.kind == kind
}

func eachField(b []byte, do func(field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		f := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.number64, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.number64 = uint64(v)
		case protowire.Fixed64Type:
			f.number64, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}

// text is a string of the wire. Those are UTF-8; what is not becomes readable.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// seconds is a duration that is never negative: NaN and what is below zero are
// none, and what is too long is the longest.
func seconds(s float64) time.Duration {
	switch {
	case !(s > 0):
		return 0
	case s >= math.MaxInt64/float64(time.Second):
		return math.MaxInt64
	}
	return time.Duration(s * float64(time.Second))
}

func unreadable(method string, err error) *Error {
	return &Error{Code: CodeInternal, Method: methodName(method), Message: fmt.Sprintf("the answer cannot be read: %v", err), cause: err}
}
