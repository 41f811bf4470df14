package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// command is a program with its arguments, or several in a pipe.
type command struct {
	argv []string
	pipe []string // reads the standard output of argv; optional
}

// sample is one run: how long it took, and the most memory that its largest
// process held, in bytes.
type sample struct {
	wall time.Duration
	peak int64
}

func (c command) run(env []string) (sample, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return sample{}, err
	}
	defer null.Close()
	first := exec.Command(c.argv[0], c.argv[1:]...)
	first.Env, first.Stdout, first.Stderr = env, null, os.Stderr
	start := time.Now()
	if len(c.pipe) == 0 {
		if err := first.Run(); err != nil {
			return sample{}, fmt.Errorf("%q: %w", c.argv, err)
		}
		return sample{time.Since(start), peakMemory(first.ProcessState)}, nil
	}
	second := exec.Command(c.pipe[0], c.pipe[1:]...)
	second.Env, second.Stdout, second.Stderr = env, null, os.Stderr
	reader, writer, err := os.Pipe()
	if err != nil {
		return sample{}, err
	}
	first.Stdout, second.Stdin = writer, reader
	if err := second.Start(); err != nil {
		return sample{}, err
	}
	err = first.Run()
	writer.Close()
	reader.Close()
	if waitErr := second.Wait(); err == nil {
		err = waitErr
	}
	if err != nil {
		return sample{}, fmt.Errorf("%q | %q: %w", c.argv, c.pipe, err)
	}
	return sample{time.Since(start), max(peakMemory(first.ProcessState), peakMemory(second.ProcessState))}, nil
}

// pair runs two commands in turn and returns their samples, the first run of
// each left out.
func pair(a, b command, env []string, runs int) (as, bs []sample, err error) {
	for i := range runs + 1 {
		order := []*command{&a, &b}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, c := range order {
			s, err := c.run(env)
			if err != nil {
				return nil, nil, err
			}
			switch {
			case i == 0:
			case c == &a:
				as = append(as, s)
			default:
				bs = append(bs, s)
			}
		}
	}
	return as, bs, nil
}

func medianWall(samples []sample) time.Duration {
	walls := make([]time.Duration, len(samples))
	for i, s := range samples {
		walls[i] = s.wall
	}
	slices.Sort(walls)
	return walls[len(walls)/2]
}

func medianPeak(samples []sample) int64 {
	peaks := make([]int64, len(samples))
	for i, s := range samples {
		peaks[i] = s.peak
	}
	slices.Sort(peaks)
	return peaks[len(peaks)/2]
}
