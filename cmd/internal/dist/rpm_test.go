//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"slices"
	"testing"
)

// Tags of an RPM header.
const (
	rpmName           = 1000
	rpmVersion        = 1001
	rpmRelease        = 1002
	rpmSummary        = 1004
	rpmBuildTime      = 1006
	rpmBuildHost      = 1007
	rpmLicense        = 1014
	rpmOS             = 1021
	rpmArch           = 1022
	rpmFileTimes      = 1034
	rpmFileOwner      = 1039
	rpmFileGroup      = 1040
	rpmRequireFlags   = 1048
	rpmRequireName    = 1049
	rpmRequireVersion = 1050
	rpmDirIndexes     = 1116
	rpmBaseNames      = 1117
	rpmDirNames       = 1118
	rpmRecommendName  = 5046
	rpmPayloadDigest  = 5092

	rpmEqual = 1 << 3
)

// rpmHeader is what an RPM says of itself, by tag.
type rpmHeader struct {
	strings  map[int][]string
	integers map[int][]int64
}

func (h rpmHeader) files() []string {
	var files []string
	for i, base := range h.strings[rpmBaseNames] {
		files = append(files, h.strings[rpmDirNames][h.integers[rpmDirIndexes][i]]+base)
	}
	slices.Sort(files)
	return files
}

// readRPM reads a package as the format describes it: a lead of 96 bytes, the
// signature, padded to 8 bytes, the header, and the payload, whose digest must
// be the one that the header gives.
func readRPM(t *testing.T, path string) rpmHeader {
	t.Helper()
	all, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 96 || !bytes.HasPrefix(all, []byte{0xed, 0xab, 0xee, 0xdb}) {
		t.Fatalf("%s is no RPM", path)
	}
	_, size := readHeader(t, all[96:])
	after := all[96+size:]
	padding := (8 - size%8) % 8
	h, size := readHeader(t, after[padding:])
	sum := sha256.Sum256(after[padding+size:])
	if got := h.strings[rpmPayloadDigest]; len(got) != 1 || got[0] != hex.EncodeToString(sum[:]) {
		t.Errorf("%s: the payload's digest is %x, the header says %q", path, sum, got)
	}
	return h
}

// readHeader reads one header and says how long it is, in bytes.
func readHeader(t *testing.T, b []byte) (h rpmHeader, size int) {
	t.Helper()
	if len(b) < 16 || !bytes.HasPrefix(b, []byte{0x8e, 0xad, 0xe8, 0x01}) {
		t.Fatal("no header where one should be")
	}
	entries, length := int(binary.BigEndian.Uint32(b[8:])), int(binary.BigEndian.Uint32(b[12:]))
	start := 16 + 16*entries
	if start+length > len(b) {
		t.Fatalf("the header ends after the file")
	}
	h = rpmHeader{map[int][]string{}, map[int][]int64{}}
	for i := range entries {
		entry := b[16+16*i:]
		tag, kind := int(binary.BigEndian.Uint32(entry)), binary.BigEndian.Uint32(entry[4:])
		data, count := b[start+int(binary.BigEndian.Uint32(entry[8:])):start+length], int(binary.BigEndian.Uint32(entry[12:]))
		for n := range count {
			switch kind {
			case 3: // 16 bits
				h.integers[tag] = append(h.integers[tag], int64(binary.BigEndian.Uint16(data[2*n:])))
			case 4: // 32 bits
				h.integers[tag] = append(h.integers[tag], int64(binary.BigEndian.Uint32(data[4*n:])))
			case 6, 8, 9: // strings
				var s []byte
				s, data, _ = bytes.Cut(data, []byte{0})
				h.strings[tag] = append(h.strings[tag], string(s))
			}
		}
	}
	return h, start + length
}
