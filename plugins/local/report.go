package local

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// report is what a server in the background tells whoever started it, once,
// on a line: that it is up, or why it is not.
type report struct {
	Ready  *record  `json:"ready,omitempty"`
	Failed *failure `json:"failed,omitempty"`
}

// failure is a cli.Error that crosses from one process to another.
type failure struct {
	Code    string   `json:"code"`
	Exit    int      `json:"exit"`
	Message string   `json:"message"`
	Hints   []string `json:"hints"`
}

func reportReady(w io.Writer, r record) error {
	return json.NewEncoder(w).Encode(report{Ready: &r})
}

// reportFailure says why the server ended and returns the silent error that
// gives this process the same exit code.
func reportFailure(w io.Writer, err error) error {
	f := failure{Exit: cli.ExitCode(err), Message: err.Error()}
	var known *cli.Error
	if errors.As(err, &known) {
		f.Code, f.Hints = known.Code, known.Hint
	}
	// When nobody reads, the server was up and its end is in the log.
	_ = json.NewEncoder(w).Encode(report{Failed: &f})
	return cli.Silent(f.Exit)
}

var errNoReport = errors.New("the server ended without a word")

// readReport waits for the report.
func readReport(r io.Reader) (*record, error) {
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		return nil, errNoReport
	}
	var said report
	switch err := json.Unmarshal(line, &said); {
	case err != nil:
		return nil, errNoReport
	case said.Failed != nil:
		f := said.Failed
		return nil, &cli.Error{Code: f.Code, Exit: f.Exit, Message: f.Message, Hint: f.Hints}
	case said.Ready == nil:
		return nil, errNoReport
	}
	return said.Ready, nil
}
