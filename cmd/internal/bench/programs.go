package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"
	"time"
)

const (
	programsName = "size and --version of each program"
	// maxStart bounds what --version takes, as a multiple of hello world.
	maxStart = 6
	// maxKubectl bounds size and --version, as a multiple of kubectl's: that
	// is one program for everything.
	maxKubectl = 1
)

// programRow is a program's line in the table of sizes and starts.
type programRow struct {
	name         string
	size         int64 // bytes
	start, hello time.Duration
}

// programs measures every program, and kubectl where there is one.
func (b *bench) programs() error {
	if !b.wanted(programsName) {
		return nil
	}
	fmt.Fprintln(os.Stderr, programsName, "…")
	names, err := programNames()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := b.startOf(name, b.program(name), "--version"); err != nil {
			return err
		}
	}
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubectl is not installed: nothing is compared with it")
		return nil
	}
	return b.startOf("kubectl", kubectl, "version", "--client")
}

func (b *bench) startOf(name, path string, version ...string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	ours, hello, err := pair(command{argv: append([]string{path}, version...)}, command{argv: []string{b.program("hello")}}, b.environment(), b.runs)
	if err != nil {
		return err
	}
	b.started = append(b.started, programRow{name: name, size: info.Size(), start: medianWall(ours), hello: medianWall(hello)})
	return nil
}

// programNames are the programs of this project.
func programNames() ([]string, error) {
	folders, err := filepath.Glob("cmd/fal*")
	if err != nil {
		return nil, err
	}
	names := make([]string, len(folders))
	for i, f := range folders {
		names[i] = filepath.Base(f)
	}
	return names, nil
}

// printPrograms writes the table, and reports whether all keep their bounds.
func (b *bench) printPrograms(to io.Writer) (bool, error) {
	if len(b.started) == 0 {
		return true, nil
	}
	info, err := os.Stat(b.program("hello"))
	if err != nil {
		return false, err
	}
	rows := b.started
	var peer *programRow
	if last := &rows[len(rows)-1]; last.name == "kubectl" {
		peer = last
	}
	ok := true
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROGRAM\tSIZE\t/ HELLO WORLD\t/ KUBECTL\tSTART\t/ HELLO WORLD\t/ KUBECTL\t")
	for _, r := range rows {
		ofHello := float64(r.start) / float64(r.hello)
		size, start, mark := "-", "-", ""
		if peer != nil {
			ofSize := float64(r.size) / float64(peer.size)
			// Each was timed beside hello world, whose own time may drift.
			ofStart := ofHello / (float64(peer.start) / float64(peer.hello))
			size, start = fmt.Sprintf("%.2fx", ofSize), fmt.Sprintf("%.2fx", ofStart)
			if ofSize > maxKubectl {
				mark = "TOO LARGE"
			}
			if ofStart > maxKubectl {
				mark = "TOO SLOW"
			}
		}
		if r.name != "kubectl" && ofHello > maxStart {
			mark = "TOO SLOW"
		}
		ok = ok && mark == ""
		fmt.Fprintf(w, "%s\t%.1f MiB\t%.1fx\t%s\t%s\t%.1fx\t%s\t%s\n", r.name, float64(r.size)/(1<<20),
			float64(r.size)/float64(info.Size()), size, milliseconds(r.start), ofHello, start, mark)
	}
	fmt.Fprintln(w)
	return ok, w.Flush()
}
