//go:build unix

package doctor

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOfficialClient(t *testing.T) {
	s := newScene(t)
	s.write("bin/fal", "#!/nowhere/python3\n")
	chmod(t, filepath.Join(s.home, "bin", "fal"))
	s.wants(s.patient().checkClient(t.Context()), "ok", "not recorded beside it", "")

	site := "venv/lib/python3.11/site-packages/"
	s.write(site+"fal-1.80.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: fal\nVersion: 1.80.0\n\nVersion: 9\n")
	s.write(site+"isolate-0.20.0.dist-info/METADATA", "Name: isolate\nVersion: 0.20.0\n")
	s.write(site+"fal_client-0.5.dist-info/METADATA", "Name: fal_client\nVersion: 0.5\n")
	s.write("venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.9\n")
	ran := filepath.Join(s.home, "ran")
	s.write("venv/bin/fal", "#!/bin/sh\ntouch "+ran+"\n")
	chmod(t, filepath.Join(s.home, "venv", "bin", "fal"))
	for _, path := range []string{"venv/bin", "linked"} { // links lead to the environment
		if path == "linked" {
			if err := os.Mkdir(filepath.Join(s.home, "linked"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(s.home, "venv", "bin", "fal"), filepath.Join(s.home, "linked", "fal")); err != nil {
				t.Fatal(err)
			}
		}
		s.env["PATH"] = filepath.Join(s.home, path)
		p := s.patient()
		s.wants(p.checkClient(t.Context()), "ok", "the official client is 1.80.0, ~/"+path+"/fal", "")
		if d := p.diagnosis(nil); d.Isolate != "0.20.0" || d.Python != "3.11.9" {
			t.Errorf("%+v", d)
		}
	}
	// The interpreter leads there too.
	s.write("elsewhere/fal", "#!"+filepath.Join(s.home, "venv", "bin", "python3")+"\n")
	chmod(t, filepath.Join(s.home, "elsewhere", "fal"))
	s.env["PATH"] = filepath.Join(s.home, "elsewhere")
	s.wants(s.patient().checkClient(t.Context()), "ok", "1.80.0", "")
	if _, err := os.Stat(ran); err == nil {
		t.Error("it was run")
	}
}

func chmod(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestPlugins(t *testing.T) {
	s := newScene(t)
	s.write("own/fal-doctor", "")
	s.write("own/fal", "")
	s.write("bin/fal-x", "#!/bin/sh\n")
	s.write("bin/fal-broken", "#!/nowhere/python\n")
	s.write("bin/fal-plain", "#!/bin/sh\n")
	s.write("bin/fal", "#!/bin/sh\n")
	s.write("more/fal-x", "#!/bin/sh\n")
	for _, path := range []string{"own/fal-doctor", "own/fal", "bin/fal-x", "bin/fal-broken", "bin/fal", "more/fal-x"} {
		chmod(t, filepath.Join(s.home, path))
	}
	s.deps.self = filepath.Join(s.home, "own", "fal-doctor")
	s.env["PATH"] = filepath.Join(s.home, "bin") + ":" + filepath.Join(s.home, "more") + ":relative"
	f := s.patient().checkPlugins(t.Context())
	for _, want := range []string{
		"~/bin/fal-broken: its interpreter /nowhere/python does not exist", "~/bin/fal-plain: not executable",
		"~/more/fal-x: shadowed by ", `the entry "relative" of PATH is not used`, "`fal` runs ",
	} {
		s.wants(f, "warning", want, "export PATH=")
	}
	// Each has its own hint, in its order.
	s.write("each/fal-a", "#!/nowhere/python\n")
	s.write("each/fal-b", "#!/bin/sh\n")
	s.write("each/fal-runners-top", "#!/bin/sh\n")
	each := filepath.Join(s.home, "each")
	chmod(t, filepath.Join(each, "fal-a"))
	chmod(t, filepath.Join(each, "fal-runners-top"))
	s.deps.self = ""
	s.env["PATH"] = each
	s.wants(s.patient().checkPlugins(t.Context()), "warning", "~/each/fal-runners-top: answers `fal runners top` in place of fal-runners",
		"~/each/fal-a: its first line is #!/nowhere/python\n`rm "+each+"/fal-a`, if it is of no use\nchmod +x "+each+"/fal-b\n`rm "+each+"/fal-runners-top`, if it is of no use")
	for content, want := range map[string][2]string{
		"echo hello\n":            {"names no interpreter", "its first line has to be as #!/bin/sh\n`rm "},
		"\x7fELF\x02\x01\x01\x00": {"a part of the file is missing", "install it again\n`rm "},
	} {
		s.deps.self = ""
		s.env["PATH"] = filepath.Join(s.home, "worse")
		s.write("worse/fal-bad", content)
		chmod(t, filepath.Join(s.home, "worse", "fal-bad"))
		s.wants(s.patient().checkPlugins(t.Context()), "warning", want[0], want[1])
	}
	s.write("plain/fal-x", "#!/bin/sh\n")
	s.env["PATH"] = filepath.Join(s.home, "plain")
	s.wants(s.patient().checkPlugins(t.Context()), "warning", "not executable", "chmod +x "+filepath.Join(s.home, "plain", "fal-x"))
	s.deps.self = filepath.Join(s.home, "own", "fal-doctor")
	s.env["PATH"] = filepath.Join(s.home, "more")
	s.wants(s.patient().checkPlugins(t.Context()), "warning", "~/own is not on PATH", "export PATH="+filepath.Join(s.home, "own")+`:"$PATH"`)
}
