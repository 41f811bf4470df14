package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	transferName   = "1 GiB through exec -i"
	transferSize   = 1 << 30
	transferBound  = 3   // times as long as the bare stream
	transferMemory = 64. // MiB
)

func (b *bench) transfers(env []string) error {
	if !b.wanted(transferName) {
		return nil
	}
	list := exec.Command(b.program("fal-runners"), "list", "--jq", ".runners[0].runner_id")
	list.Env = env
	id, err := list.Output()
	if err != nil {
		return fmt.Errorf("%q: %w", list.Args, err)
	}
	return b.transfer(env, strings.TrimSpace(string(id)))
}

// transfer compares 1 GiB through a command in a runner with the same through
// a bare stream, there and there and back, and holds what comes back against
// what was sent.
func (b *bench) transfer(env []string, runner string) (err error) {
	content := filepath.Join(b.work, "content")
	sum, err := writeRandom(content)
	if err != nil {
		return err
	}
	defer os.Remove(content)
	bare := exec.Command(b.program("barestream"), "serve")
	stop, err := bare.StdinPipe()
	if err != nil {
		return err
	}
	says, err := bare.StdoutPipe()
	if err != nil {
		return err
	}
	if err := bare.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop.Close(), bare.Wait()) }()
	var address string
	if _, err := fmt.Fscan(bufio.NewReader(says), &address); err != nil {
		return err
	}
	for _, way := range []struct {
		name, bare string
		command    []string
		want       []byte
	}{
		{transferName + " -- cat > /dev/null", "send", []string{"sh", "-c", "cat > /dev/null"}, nil},
		{transferName + " -- cat, and back", "echo", []string{"cat"}, sum},
	} {
		fmt.Fprintln(os.Stderr, way.name, "…")
		ours, err := b.pump(env, content, way.want, append([]string{b.program("fal-runners"), "exec", runner, "-i", "--"}, way.command...))
		if err != nil {
			return err
		}
		peer, err := b.pump(env, content, way.want, []string{b.program("barestream"), way.bare, address})
		if err != nil {
			return err
		}
		b.rows = append(b.rows,
			row{name: way.name + " / bare stream", ours: milliseconds(ours.wall), peer: milliseconds(peer.wall), ratio: float64(ours.wall) / float64(peer.wall), bound: transferBound},
			row{name: "  its peak memory", ours: mebibytes(ours.peak), peer: mebibytes(peer.peak), ratio: float64(ours.peak) / (1 << 20), bound: transferMemory, unit: " MiB"})
	}
	return nil
}

func writeRandom(path string) (sum []byte, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	_, err = io.CopyN(io.MultiWriter(f, hash), rand.NewChaCha8([32]byte{}), transferSize)
	return hash.Sum(nil), errors.Join(err, f.Close())
}

// pump runs a program with a file as its input, and compares its output.
func (b *bench) pump(env []string, input string, want []byte, argv []string) (sample, error) {
	in, err := os.Open(input)
	if err != nil {
		return sample{}, err
	}
	defer in.Close()
	hash := sha256.New()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stderr = env, in, os.Stderr
	if want != nil {
		cmd.Stdout = hash
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, fmt.Errorf("%q: %w", argv, err)
	}
	ended, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watchMemory(cmd.Process.Pid, ended) }()
	err = cmd.Wait()
	s := sample{wall: time.Since(start)}
	close(ended)
	if s.peak = <-peak; s.peak == 0 {
		s.peak = peakMemory(cmd.ProcessState)
	}
	if err != nil {
		return sample{}, fmt.Errorf("%q: %w", argv, err)
	}
	if want != nil && string(hash.Sum(nil)) != string(want) {
		return sample{}, fmt.Errorf("%q: what came back is not what was sent", argv)
	}
	return s, nil
}

// watchMemory is the peak of a process as Linux tells it while the process
// runs, 0 elsewhere: what is told afterwards begins at what this one holds.
func watchMemory(pid int, ended <-chan struct{}) (peak int64) {
	looks := time.NewTicker(20 * time.Millisecond)
	defer looks.Stop()
	for {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
			var kib int64
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				peak = max(peak, kib<<10)
			}
		}
		select {
		case <-looks.C:
		case <-ended:
			return peak
		}
	}
}
