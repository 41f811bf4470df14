package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// sorted orders files by path, as every archive has them.
func sorted(files []file) []file {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return files
}

// writeTarGz writes files below the folder top, all owned by root.
func writeTarGz(to, top string, files []file, when time.Time) error {
	return create(to, func(w io.Writer) error {
		compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		archive := tar.NewWriter(compressed)
		for _, f := range sorted(files) {
			info, err := os.Stat(f.from)
			if err != nil {
				return err
			}
			header := &tar.Header{Typeflag: tar.TypeReg, Name: path.Join(top, f.path), Size: info.Size(), Mode: int64(f.mode.Perm()), ModTime: when}
			if err := archive.WriteHeader(header); err != nil {
				return err
			}
			if err := copyFrom(archive, f.from); err != nil {
				return err
			}
		}
		return errors.Join(archive.Close(), compressed.Close())
	})
}

// writeZip writes files below the folder top.
func writeZip(to, top string, files []file, when time.Time) error {
	return create(to, func(w io.Writer) error {
		archive := zip.NewWriter(w)
		for _, f := range sorted(files) {
			header := &zip.FileHeader{Name: path.Join(top, f.path), Method: zip.Deflate, Modified: when.UTC()}
			header.SetMode(f.mode)
			entry, err := archive.CreateHeader(header)
			if err != nil {
				return err
			}
			if err := copyFrom(entry, f.from); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

// writeGz compresses one file, with neither its name nor its time.
func writeGz(to, from string) error {
	return create(to, func(w io.Writer) error {
		compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		return errors.Join(copyFrom(compressed, from), compressed.Close())
	})
}

func create(to string, write func(io.Writer) error) error {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

func copyFrom(w io.Writer, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
