package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// launch is what the control plane tells a supervisor, on its standard input.
// None of the strings contains a NUL byte.
type launch struct {
	Path    string // executable, absolute
	Dir     string
	Streams streams
	Argv    []string
	Env     []string
}

// streams says what a process gets as standard input, output and error.
type streams string

const (
	// lines: nothing to read, and a pipe each to write to.
	lines streams = "lines"
	// pipes: a pipe to read from, and one for both output and error.
	pipes streams = "pipes"
	// terminal: a terminal for all, which is the controlling one of a session
	// that the process leads.
	terminal streams = "terminal"
)

// After the launch every byte on the standard input of a supervisor is an order.
const (
	orderTerminate = 't'
	orderKill      = 'k'
	orderHangup    = 'h'
)

// maxLaunch is far beyond what a system accepts as arguments and environment.
const maxLaunch = 64 << 20

var errLaunch = errors.New("malformed launch message")

// encode prefixes the fields, each ended by a NUL byte, with their total length.
func (l launch) encode() ([]byte, error) {
	b := make([]byte, 4, 4<<10)
	fields := slices.Concat([]string{l.Path, l.Dir, string(l.Streams), strconv.Itoa(len(l.Argv))}, l.Argv, l.Env)
	for _, field := range fields {
		b = append(b, field...)
		b = append(b, 0)
	}
	if len(b)-4 > maxLaunch {
		return nil, fmt.Errorf("arguments and environment have more than %d bytes", maxLaunch)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b, nil
}

// readLaunch reads exactly one launch and not a byte more.
func readLaunch(r io.Reader) (launch, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return launch{}, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxLaunch {
		return launch{}, errLaunch
	}
	body, err := io.ReadAll(io.LimitReader(r, int64(size)))
	if err != nil {
		return launch{}, err
	}
	if len(body) != int(size) {
		return launch{}, io.ErrUnexpectedEOF
	}
	text, ok := strings.CutSuffix(string(body), "\x00")
	if !ok {
		return launch{}, errLaunch
	}
	fields := strings.Split(text, "\x00")
	if len(fields) < 4 {
		return launch{}, errLaunch
	}
	argc, err := strconv.Atoi(fields[3])
	if err != nil || argc < 1 || argc > len(fields)-4 {
		return launch{}, errLaunch
	}
	order := launch{
		Path:    fields[0],
		Dir:     fields[1],
		Streams: streams(fields[2]),
		Argv:    fields[4 : 4+argc],
		Env:     fields[4+argc:],
	}
	switch order.Streams {
	case lines, pipes, terminal:
		return order, nil
	}
	return launch{}, errLaunch
}

type eventKind int

const (
	eventStarted eventKind = iota + 1
	eventFailed
	eventExited
)

// event is what a supervisor reports: a line of text on its events pipe. First
// comes started or failed, and after started, in the end, exited.
type event struct {
	kind   eventKind
	pid    int    // started
	start  uint64 // started: start time of the process
	errno  int    // failed: error number of the system, or 0
	text   string // failed
	code   int    // exited: exit code, or -1 after a signal
	signal int    // exited: signal number, or 0
	left   bool   // exited: there are descendants that could not be killed
}

func (e event) String() string {
	switch e.kind {
	case eventStarted:
		return fmt.Sprintf("started %d %d\n", e.pid, e.start)
	case eventFailed:
		return fmt.Sprintf("failed %d %q\n", e.errno, e.text)
	default:
		return fmt.Sprintf("exited %d %d,%t\n", e.code, e.signal, e.left)
	}
}

func parseEvent(line string) (event, error) {
	malformed := fmt.Errorf("malformed report %.80q", line)
	text, ok := strings.CutSuffix(line, "\n")
	if !ok {
		return event{}, malformed
	}
	words := strings.SplitN(text, " ", 3)
	if len(words) != 3 {
		return event{}, malformed
	}
	first, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil || first < math.MinInt32 || first > math.MaxUint32 {
		return event{}, malformed
	}
	switch words[0] {
	case "started":
		start, err := strconv.ParseUint(words[2], 10, 64)
		// A pid of 1 or less would make a signal to its group reach everything.
		if err != nil || first < 2 {
			return event{}, malformed
		}
		return event{kind: eventStarted, pid: int(first), start: start}, nil
	case "failed":
		message, err := strconv.Unquote(words[2])
		if err != nil || first < 0 {
			return event{}, malformed
		}
		return event{kind: eventFailed, errno: int(first), text: message}, nil
	case "exited":
		number, rest, _ := strings.Cut(words[2], ",")
		signal, err := strconv.ParseUint(number, 10, 8)
		if err != nil || rest != "true" && rest != "false" {
			return event{}, malformed
		}
		return event{kind: eventExited, code: int(first), signal: int(signal), left: rest == "true"}, nil
	}
	return event{}, malformed
}
