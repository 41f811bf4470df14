package transport

import (
	"testing"
)

func TestParseTarget(t *testing.T) {
	for in, want := range map[string]string{
		"api.alpha.fal.ai":     "api.alpha.fal.ai:443",
		"api.alpha.fal.ai:443": "api.alpha.fal.ai:443",
		"localhost:7070":       "localhost:7070",
		"127.0.0.1":            "127.0.0.1:443",
		"::1":                  "[::1]:443",
		"[::1]":                "[::1]:443",
		"[::1]:50051":          "[::1]:50051",
		"2001:db8::1":          "[2001:db8::1]:443",
	} {
		if got, err := ParseTarget(in); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", ":443", "host:", "host:0", "host:65536", "host:x", "host:-1", "https://host", "host/path", "user@host",
		"host name", "host\n", "[::1", "[host]:1", "a:b:c", "host?x", "host#x", "[]", "host%25",
	} {
		if got, err := ParseTarget(in); err == nil {
			t.Errorf("%q was read as %q", in, got)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"host", "host:1", "[::1]:2", "::1", ":", "[", "a:b:c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := ParseTarget(s)
		if err != nil {
			return
		}
		if again, err := ParseTarget(target); err != nil || again != target {
			t.Errorf("%q is %q, which is %q, %v", s, target, again, err)
		}
	})
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST.": true, "app.localhost:80": true, "127.0.0.1": true, "127.9.9.9:1": true,
		"::1": true, "[::1]:443": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "localhost.example.com": false, "notlocalhost": false, "128.0.0.1": false,
		"10.0.0.1:443": false, "::": false, "127.0.0.1.example.com": false, "api.alpha.fal.ai:443": false,
	} {
		if got := IsLoopback(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
