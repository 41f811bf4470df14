package fal

import (
	"encoding/binary"
	"fmt"
)

// The opcodes of a pickle of plain values, as protocols 2 to 5 write them.
const (
	pickleProto           = 0x80
	pickleFrame           = 0x95
	pickleStop            = '.'
	pickleMark            = '('
	pickleNone            = 'N'
	pickleTrue            = 0x88
	pickleFalse           = 0x89
	pickleInt             = 'J'
	pickleInt1            = 'K'
	pickleInt2            = 'M'
	pickleLong1           = 0x8a
	pickleFloat           = 'G'
	pickleText            = 'X'
	pickleText1           = 0x8c
	pickleText8           = 0x8d
	pickleEmptyDict       = '}'
	pickleEmptyList       = ']'
	pickleEmptyTuple      = ')'
	pickleDict            = 'd'
	pickleList            = 'l'
	pickleTuple           = 't'
	pickleTuple1          = 0x85
	pickleTuple2          = 0x86
	pickleTuple3          = 0x87
	pickleAppend          = 'a'
	pickleAppends         = 'e'
	pickleSetItem         = 's'
	pickleSetItems        = 'u'
	pickleMemoize         = 0x94
	picklePut1            = 'q'
	picklePut4            = 'r'
	pickleGet1            = 'h'
	pickleGet4            = 'j'
	pickleHighestProtocol = 5

	// pickleSteps and pickleStack bound the opcodes of a pickle, and what lies
	// on its stack.
	pickleSteps = 1_000_000
	pickleStack = 50_000
)

// A pickleSlot is what a pickle has on its stack: the place in its memo at
// which it is kept, or -1, and what it is.
type pickleSlot struct {
	memo       int64
	list, mark bool
}

// A pickleScan goes through a pickle without making anything of it.
type pickleScan struct {
	data  []byte
	at    int
	out   []byte
	stack []pickleSlot
	memo  map[int64]pickleSlot
	taken map[int64]bool // the places from which a list was taken
}

// plainPickle refuses a pickle that is anything but plain values, and what
// could cost more than its size: an opcode that imports or calls, above all. It
// answers the pickle as the library needs it, which keeps lists by value: a
// list that grew is put into the memo again, as it is referred to from there.
func plainPickle(data []byte) ([]byte, error) {
	s := &pickleScan{data: data, out: make([]byte, 0, len(data)+len(data)/8), memo: make(map[int64]pickleSlot), taken: make(map[int64]bool)}
	for steps := 0; ; steps++ {
		if steps > pickleSteps || len(s.stack) > pickleStack {
			return nil, fmt.Errorf("it holds too many values")
		}
		begin := s.at
		code, err := s.bytes(1)
		if err != nil {
			return nil, err
		}
		if code[0] == pickleStop {
			if len(s.stack) != 1 || s.stack[0].mark {
				return nil, s.malformed()
			}
			return append(s.out, pickleStop), nil
		}
		if err := s.step(code[0]); err != nil {
			return nil, err
		}
		switch code[0] {
		case pickleFrame: // its length would be wrong, and nothing needs it
		case pickleText8:
			// The library does not know it, and texts this long do not occur.
			return nil, fmt.Errorf("it holds a text that is too long")
		default:
			s.out = append(s.out, data[begin:s.at]...)
		}
		if code[0] == pickleAppend || code[0] == pickleAppends {
			if top := s.stack[len(s.stack)-1]; top.memo >= 0 {
				if s.taken[top.memo] {
					return nil, fmt.Errorf("a list in it holds itself")
				}
				s.out = binary.LittleEndian.AppendUint32(append(s.out, picklePut4), uint32(top.memo))
			}
		}
	}
}

func (s *pickleScan) malformed() error { return fmt.Errorf("it is malformed at byte %d", s.at) }

func (s *pickleScan) bytes(n uint64) ([]byte, error) {
	if n > uint64(len(s.data)-s.at) {
		return nil, fmt.Errorf("it ends too early")
	}
	b := s.data[s.at : s.at+int(n)]
	s.at += int(n)
	return b, nil
}

// number reads a number of 1 to 8 bytes.
func (s *pickleScan) number(size uint64) (uint64, error) {
	b, err := s.bytes(size)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), nil
}

// step does to the stack what an opcode does.
func (s *pickleScan) step(code byte) error {
	switch code {
	case pickleProto:
		version, err := s.number(1)
		if err == nil && version > pickleHighestProtocol {
			err = fmt.Errorf("it is of protocol %d, which is not known", version)
		}
		return err
	case pickleFrame:
		return s.skip(8)
	case pickleMark:
		s.push(pickleSlot{mark: true})
	case pickleNone, pickleTrue, pickleFalse, pickleEmptyDict, pickleEmptyTuple:
		s.push(pickleSlot{})
	case pickleEmptyList:
		s.push(pickleSlot{list: true})
	case pickleInt1:
		return s.scalar(1)
	case pickleInt2:
		return s.scalar(2)
	case pickleInt:
		return s.scalar(4)
	case pickleFloat:
		return s.scalar(8)
	case pickleLong1, pickleText1:
		return s.sized(1)
	case pickleText:
		return s.sized(4)
	case pickleText8:
		return s.sized(8)
	case pickleTuple1:
		return s.replace(1)
	case pickleTuple2:
		return s.replace(2)
	case pickleTuple3:
		return s.replace(3)
	case pickleTuple, pickleDict, pickleList:
		n, err := s.popMark()
		if err != nil {
			return err
		}
		if code == pickleDict && n%2 != 0 {
			return s.malformed()
		}
		s.push(pickleSlot{list: code == pickleList})
	case pickleAppend:
		return s.pop(1, true)
	case pickleSetItem:
		return s.pop(2, false)
	case pickleAppends, pickleSetItems:
		n, err := s.popMark()
		if err != nil {
			return err
		}
		if code == pickleSetItems && n%2 != 0 {
			return s.malformed()
		}
		return s.pop(0, code == pickleAppends)
	case pickleMemoize:
		return s.keep(int64(len(s.memo)), nil)
	case picklePut1:
		return s.keep(asPlace(s.number(1)))
	case picklePut4:
		return s.keep(asPlace(s.number(4)))
	case pickleGet1:
		return s.get(asPlace(s.number(1)))
	case pickleGet4:
		return s.get(asPlace(s.number(4)))
	default:
		return fmt.Errorf("it is not of plain values: the opcode %q at byte %d would import or make something else", code, s.at-1)
	}
	return nil
}

func asPlace(n uint64, err error) (int64, error) { return int64(n), err }

func (s *pickleScan) push(slot pickleSlot) {
	slot.memo = -1
	s.stack = append(s.stack, slot)
}

func (s *pickleScan) skip(n uint64) error {
	_, err := s.bytes(n)
	return err
}

// scalar pushes a value of so many bytes.
func (s *pickleScan) scalar(size uint64) error {
	s.push(pickleSlot{})
	return s.skip(size)
}

// sized pushes a value behind its length.
func (s *pickleScan) sized(size uint64) error {
	length, err := s.number(size)
	if err != nil {
		return err
	}
	return s.scalar(length)
}

// pop takes n values, which go into what is below them: a list or a dict.
func (s *pickleScan) pop(n int, intoList bool) error {
	below := len(s.stack) - n - 1
	if below < 0 {
		return s.malformed()
	}
	for _, slot := range s.stack[below:] {
		if slot.mark {
			return s.malformed()
		}
	}
	s.stack = s.stack[:below+1]
	if s.stack[below].list != intoList {
		return s.malformed()
	}
	return nil
}

// replace makes one value of n.
func (s *pickleScan) replace(n int) error {
	if len(s.stack) < n {
		return s.malformed()
	}
	for _, slot := range s.stack[len(s.stack)-n:] {
		if slot.mark {
			return s.malformed()
		}
	}
	s.stack = s.stack[:len(s.stack)-n]
	s.push(pickleSlot{})
	return nil
}

// popMark takes all down to the topmost mark, and tells how many there were.
func (s *pickleScan) popMark() (int, error) {
	for i := len(s.stack) - 1; i >= 0; i-- {
		if s.stack[i].mark {
			n := len(s.stack) - i - 1
			s.stack = s.stack[:i]
			return n, nil
		}
	}
	return 0, s.malformed()
}

// keep puts the topmost value into the memo.
func (s *pickleScan) keep(place int64, err error) error {
	if err != nil {
		return err
	}
	if len(s.stack) == 0 || s.stack[len(s.stack)-1].mark {
		return s.malformed()
	}
	top := &s.stack[len(s.stack)-1]
	top.memo = place
	s.memo[place] = *top
	return nil
}

// get pushes a value of the memo. A list must not grow afterwards: only one
// that holds itself does.
func (s *pickleScan) get(place int64, err error) error {
	if err != nil {
		return err
	}
	slot, ok := s.memo[place]
	if !ok {
		return s.malformed()
	}
	if slot.list {
		s.taken[place] = true
	}
	s.stack = append(s.stack, slot)
	return nil
}
