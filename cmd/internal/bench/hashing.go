package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	hashingName   = "2,000 files of 100 KiB and one of 900 MiB hashed / xargs -P2 sha256sum"
	hashingBound  = 1.5
	hashingMemory = 64. // MiB
	hashingRuns   = 5

	smallFiles = 2000
	smallFile  = 100 << 10
	largeFile  = 900 << 20
)

// hashing compares what a deployment reads before it sends anything with
// sha256sum over the same files, two at a time.
func (b *bench) hashing(cp *server, env []string) error {
	if !b.wanted(hashingName) {
		return nil
	}
	if _, err := exec.LookPath("sha256sum"); err != nil {
		fmt.Fprintln(os.Stderr, "sha256sum is not installed: hashing is not compared")
		return nil
	}
	folder := filepath.Join(b.work, "hashed")
	if err := writeTree(folder); err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	ours := []string{b.program("hashfolder"), cp.addr, cp.keyID, cp.secret, folder}
	peer := command{argv: []string{"sh", "-c", "find " + folder + " -type f -print0 | sort -z | xargs -0 -P2 -n16 sha256sum"}}
	if _, _, err := b.compare(hashingName, hashingBound, command{argv: ours}, peer, env, hashingRuns); err != nil {
		return err
	}
	s, err := b.pump(env, os.DevNull, nil, ours)
	if err != nil {
		return err
	}
	b.rows = append(b.rows, row{name: "  its peak memory", ours: mebibytes(s.peak), peer: "", ratio: float64(s.peak) / (1 << 20), bound: hashingMemory, unit: " MiB"})
	return nil
}

func writeTree(folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	random := rand.NewChaCha8([32]byte{})
	if err := writeSome(filepath.Join(folder, "large"), random, largeFile); err != nil {
		return err
	}
	for i := range smallFiles {
		if err := writeSome(filepath.Join(folder, fmt.Sprintf("small-%04d", i)), random, smallFile); err != nil {
			return err
		}
	}
	return nil
}

func writeSome(path string, from io.Reader, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, from, size)
	return errors.Join(err, f.Close())
}
