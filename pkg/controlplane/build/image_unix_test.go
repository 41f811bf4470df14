//go:build unix

package build

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func dockerfile(text string, more ...any) map[string]any {
	image := map[string]any{"dockerfile_str": text, "use_isolate": false}
	for i := 0; i < len(more); i += 2 {
		image[more[i].(string)] = more[i+1]
	}
	return map[string]any{"image": image}
}

func TestImage(t *testing.T) {
	w := newWorkshop(t)
	files := []File{
		w.file("serve.sh", "#!/bin/sh\necho \"serving $(cat \"$CONFIG\") $WHO $1\"\n", 0o755),
		w.file("conf/app.conf", "configured", 0o644),
		w.file("conf/deep/x.txt", "x", 0o644),
		w.file("a.py", "a", 0o644),
		w.file("b.py", "b", 0o644),
	}
	tests := []struct {
		name, dockerfile string
		more             []any
		want             string
	}{
		{"exec form", "FROM python:3.11\nCOPY serve.sh /srv/\nCOPY conf /srv/conf\nENV CONFIG=/srv/conf/app.conf WHO=me\nENTRYPOINT [\"/srv/serve.sh\"]\nCMD [\"x y\"]", nil, "serving configured me x y"},
		{"shell form", "FROM scratch\nWORKDIR /srv\nCOPY . .\nENV CONFIG=conf/app.conf\nCMD WHO=you exec ./serve.sh \"$CONFIG\"", nil, "serving configured you conf/app.conf"},
		{"path in a shell line", "FROM scratch\nCOPY conf/app.conf /etc/app.conf\nCMD cat /etc/app.conf; echo; echo /etc/none", nil, "configured\n/etc/none"},
		{"program on the image's PATH", "FROM scratch\nCOPY --chmod=700 serve.sh /opt/tools/serve\nCOPY conf/app.conf /c\nENV PATH=/opt/tools:$PATH CONFIG=/c\nCMD [\"serve\", \"z\"]", nil, "serving configured  z"},
		{"program in a usual folder of the image", "FROM scratch\nCOPY --chmod=700 serve.sh /usr/local/bin/docker-entrypoint.sh\nCOPY conf/app.conf /c\nENV CONFIG=/c\nENTRYPOINT [\"docker-entrypoint.sh\"]\nCMD [\"z\"]", nil, "serving configured  z"},
		{"program in a usual folder of the image, by a shell", "FROM scratch\nCOPY --chmod=700 serve.sh /bin/serve\nCOPY conf/app.conf /c\nENV CONFIG=/c PATH=/opt:$PATH\nCMD serve z", nil, "serving configured  z"},
		{"absolute program that is elsewhere here", "FROM x\nCMD [\"/opt/venv/bin/echo\", \"hi\"]", nil, "hi"},
		{"override of cmd", "FROM x\nENTRYPOINT [\"echo\"]\nCMD [\"one\"]", []any{"cmd", []any{"two"}}, "two"},
		{"override of entrypoint drops CMD", "FROM x\nENTRYPOINT [\"cat\"]\nCMD [\"one\"]", []any{"entrypoint", []any{"echo", "three"}}, "three"},
		{"override with a line", "FROM x\nCMD [\"false\"]", []any{"cmd", "echo a; echo b"}, "a\nb"},
		{"arguments", "ARG BASE=x\nFROM $BASE\nARG GREETING=hello\nARG NAME\nENV TEXT=\"$GREETING $NAME ${MISSING:-none}\"\nCMD echo $TEXT", []any{"build_args", map[string]any{"NAME": "bob"}}, "hello bob none"},
		{"argument of an argument", "ARG A=hello\nARG B=\"$A you\"\nFROM x\nARG B\nENV T=$B\nCMD echo $T", nil, "hello you"},
		{"entrypoint drops the CMD of before", "FROM x AS a\nCMD [\"one\"]\nFROM a\nENTRYPOINT [\"echo\", \"two\"]", nil, "two"},
		{"entrypoint keeps its own CMD", "FROM x AS a\nCMD [\"one\"]\nFROM a\nCMD [\"three\"]\nENTRYPOINT [\"echo\", \"two\"]", nil, "two three"},
		{"stages", "FROM go AS builder\nWORKDIR /src\nCOPY *.py ./\nCOPY conf conf\nENV WHO=builder\nFROM builder AS second\nFROM scratch\nCOPY --from=builder /src/a.py /src/conf/deep/ /out/\nCOPY --from=1 /src/b.py /out/c.py\nCMD cd /out && ls && echo \"-$WHO\"", nil, "a.py\nc.py\nx.txt\n-"},
		{"heredoc", "FROM x\nENV NAME=you\nCOPY <<EOF /hello.txt\nhello $NAME\nEOF\nCMD [\"cat\", \"/hello.txt\"]", nil, "hello you"},
		{"wildcard and exclude", "FROM x\nCOPY --exclude=b* *.py /src/\nCMD ls /src", nil, "a.py"},
		{"parents", "FROM x\nCOPY --parents conf/deep/x.txt /p/\nCMD cat /p/conf/deep/x.txt", nil, "x"},
		{"shell of its own", "FROM x\nSHELL [\"/bin/sh\", \"-e\", \"-c\"]\nCMD false; echo no", nil, ""},
		{"working folder that was not made", "FROM x\nWORKDIR /a/b\nWORKDIR c\nCMD [\"sh\", \"-c\", \"basename $PWD\"]", nil, "c"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var log record
			env, err := w.Build(t.Context(), Definition{Kind: "container", Configuration: dockerfile(test.dockerfile, test.more...), Files: files}, log.log)
			if err != nil {
				t.Fatalf("%v\n%s", err, &log)
			}
			p, err := env.Program(t.Context(), Callable{}, Ports{}, log.log)
			if err != nil {
				t.Fatal(err)
			}
			out, _ := w.run(t, place(t, p))
			if out != test.want {
				t.Errorf("it wrote %q, want %q\n%s", out, test.want, &log)
			}
		})
	}
}

func TestImageOfAReference(t *testing.T) {
	w := newWorkshop(t)
	configuration := map[string]any{"image": map[string]any{
		"image": "docker.io/library/nginx:latest", "use_isolate": false, "entrypoint": []any{"echo"}, "cmd": "hi",
		"registries": map[string]any{"h": map[string]any{"username": "bob", "password": "hunter2"}},
	}, "python_version": "3.11"}
	var log record
	env, err := w.Build(t.Context(), Definition{Kind: "container", Configuration: configuration}, log.log)
	if err != nil {
		t.Fatal(err)
	}
	if want := "WARNING the image docker.io/library/nginx:latest is not pulled: programs are those of this machine"; !strings.Contains(log.String(), want) {
		t.Errorf("the log does not say %q:\n%s", want, &log)
	}
	p, err := env.Program(t.Context(), Callable{}, Ports{Exposed: new(8000)}, log.log)
	if err != nil {
		t.Fatal(err)
	}
	if p.FixedPort != 8000 {
		t.Errorf("fixed port %d, want 8000", p.FixedPort)
	}
	if out, err := w.run(t, place(t, p)); out != "/bin/sh -c hi" || err != nil {
		t.Errorf("it wrote %q, %v", out, err)
	}
	err = filepath.WalkDir(w.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if strings.Contains(string(data), "hunter2") || strings.Contains(string(data), "bob") {
			t.Errorf("%s has a credential", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestExposedPort(t *testing.T) {
	w := newWorkshop(t)
	for text, want := range map[string]int{"EXPOSE 80": 80, "EXPOSE 80 81": 0, "EXPOSE 53/udp": 0, "": 0} {
		env, err := w.Build(t.Context(), Definition{Kind: "container", Configuration: dockerfile("FROM x\n" + text + "\nCMD [\"true\"]")}, new(record).log)
		if err != nil {
			t.Fatal(err)
		}
		p, err := env.Program(t.Context(), Callable{}, Ports{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p.FixedPort != want {
			t.Errorf("%s: port %d, want %d", text, p.FixedPort, want)
		}
	}
}

func TestBuildLogSaysWhatIsNotDone(t *testing.T) {
	w := newWorkshop(t)
	var log record
	text := "FROM nvidia/cuda AS base\nRUN apt-get update\nUSER app\nVOLUME /data\nADD https://example.test/x /x\nCOPY --from=other/image /a /a\nHEALTHCHECK CMD true\nSTOPSIGNAL SIGINT\n" +
		"COPY --chown=a:b f /f\nFROM base\nCOPY --from=base /built /x\nCMD [\"true\"]"
	d := Definition{Kind: "container", Configuration: dockerfile(text), Files: []File{w.file("f", "f", 0o644)}}
	if _, err := w.Build(t.Context(), d, log.log); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"the base image nvidia/cuda is not pulled", "not executed: RUN apt-get update", "USER app is not followed", "VOLUME /data is not mounted",
		"not fetched: ADD https://example.test/x", "not copied, since images are not pulled: COPY --from=other/image /a", "HEALTHCHECK is not followed",
		"STOPSIGNAL SIGINT is not followed", "--chown is not followed", "COPY --from=base /built: nothing is there",
	} {
		if !strings.Contains(log.String(), "WARNING "+want) {
			t.Errorf("the log does not say %q:\n%s", want, &log)
		}
	}
	var again record
	if _, err := w.Build(t.Context(), d, again.log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(again.String(), "not executed: RUN apt-get update") || !strings.Contains(again.String(), "was built before") ||
		!strings.Contains(log.String(), "INFO runners execute true (/") || !strings.Contains(again.String(), "INFO runners execute true (/") {
		t.Errorf("the log of what was built before:\n%s", &again)
	}
}

func TestImageFailures(t *testing.T) {
	w := newWorkshop(t)
	plain := w.file("tool.sh", "true", 0o644)
	link := File{Path: "gone.txt", Hash: "none", Mode: 0o644}
	for _, test := range []struct {
		name          string
		configuration map[string]any
		files         []File
		want          string
	}{
		{"no command", dockerfile("FROM x"), nil, "the image has no command: add CMD or ENTRYPOINT"},
		{"no command of a reference", map[string]any{"image": map[string]any{"image": "nginx", "use_isolate": false}}, nil, "no command is given for the image nginx"},
		{"NUL in the command", dockerfile("FROM x", "cmd", []any{"echo", "a\x00b"}), nil, "has a NUL in it"},
		{"NUL in a variable", dockerfile("FROM x\nENV A=a\x00b\nCMD true"), nil, "has a NUL in it"},
		{"two files of a path", dockerfile("FROM x\nCMD true"), []File{plain, plain}, "two uploaded files of the path"},
		{"command taken back", dockerfile("FROM x\nCMD a\nCMD []"), nil, "the image has no command"},
		{"no such program", dockerfile("FROM x\nCMD [\"nginx-that-is-not-here\", \"-g\"]"), nil, "begins with nginx-that-is-not-here, and no program nginx-that-is-not-here was copied into the image or is on the PATH"},
		{"no such program in a line", dockerfile("FROM x\nCMD A=1 exec nginx-that-is-not-here -g"), nil, "begins with nginx-that-is-not-here"},
		{"no such program by its path", dockerfile("FROM x\nCMD [\"/usr/sbin/nginx-that-is-not-here\"]"), nil, "begins with /usr/sbin/nginx-that-is-not-here, which is not on this machine, and no program nginx-that-is-not-here was copied into the image or is on the PATH"},
		{"program that was not copied", dockerfile("FROM x\nCMD [\"./serve\"]"), nil, "./serve, is none of the files that were copied"},
		{"program that is not executable", dockerfile("FROM x\nCOPY tool.sh /\nCMD [\"/tool.sh\"]"), []File{plain}, "/tool.sh, is not executable"},
		{"source that is missing", dockerfile("FROM x\nCOPY missing.py /\nCMD [\"true\"]"), nil, "COPY missing.py: that file was not uploaded: it does not exist, the ignore rules leave it out, or it is a symbolic link"},
		{"file that was not uploaded", dockerfile("FROM x\nCOPY . /\nCMD [\"true\"]"), []File{link}, "file gone.txt was not uploaded"},
		{"Dockerfile that does not parse", dockerfile("FROM x\nCOPPY a b"), nil, "the Dockerfile cannot be read"},
		{"Dockerfile without FROM", dockerfile("# nothing"), nil, "the Dockerfile"},
		{"word that cannot be expanded", dockerfile("FROM x\nENV A=${B:?needed}\nCMD true"), nil, "needed"},
		{"both", map[string]any{"image": map[string]any{"image": "a", "dockerfile_str": "FROM b"}}, nil, "one of image and dockerfile_str"},
		{"neither", map[string]any{"image": map[string]any{}}, nil, "one of image and dockerfile_str"},
		{"no image", map[string]any{}, nil, "image: a table"},
		{"command of numbers", dockerfile("FROM x", "cmd", []any{1.0}), nil, "image.cmd: a string or a list of strings"},
		{"path that leads out", dockerfile("FROM x\nCMD true"), []File{{Path: "../x"}}, "is not one below the app's folder"},
		{"file and folder", dockerfile("FROM x\nCOPY tool.sh /a\nCOPY tool.sh /a/b\nCMD true"), []File{plain}, "a is a file and a folder"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.Build(t.Context(), Definition{Kind: "container", Configuration: test.configuration, Files: test.files}, new(record).log)
			var failure *Failure
			if !errors.As(err, &failure) || !strings.Contains(failure.Message, test.want) {
				t.Errorf("error %v, want a failure with %q", err, test.want)
			}
		})
	}
	entries, err := os.ReadDir(w.environments())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		inside, err := os.ReadDir(filepath.Join(w.environments(), e.Name()))
		if len(inside) > 0 || err != nil {
			t.Errorf("a failed build left %v, %v", inside, err)
		}
	}
}

func TestCopyOfNoFiles(t *testing.T) {
	w := newWorkshop(t)
	var log record
	_, err := w.Build(t.Context(), Definition{Kind: "container", Configuration: dockerfile("FROM x\nWORKDIR /srv\nCOPY . .\nADD / /a\nONBUILD RUN make\nCMD true")}, log.log)
	if err != nil || !strings.Contains(log.String(), "ONBUILD RUN make is not followed") {
		t.Errorf("%v\n%s", err, &log)
	}
}

// TestArchiveThatIsTooLarge has an archive of one file which says that it has more
// than is unpacked.
func TestArchiveThatIsTooLarge(t *testing.T) {
	w := newWorkshop(t)
	for name, header := range map[string]tar.Header{
		"a file":              {Name: "huge", Typeflag: tar.TypeReg, Size: maxUnpacked + 1},
		"what is passed over": {Name: "huge", Typeflag: 'Q', Size: maxUnpacked + maxUnpackedEntries*1024 + 1},
	} {
		var packed bytes.Buffer
		if err := tar.NewWriter(&packed).WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		archive := w.file("a.tar", packed.String(), 0o644)
		open := contents{archive.Hash: packed.Bytes()}
		w.reopen()
		w.Builder.files = endless{open}
		_, err := w.Build(t.Context(), Definition{Kind: "container", Configuration: dockerfile("FROM x\nADD a.tar /\nCMD true"), Files: []File{archive}}, new(record).log)
		var failure *Failure
		if !errors.As(err, &failure) || !strings.Contains(failure.Message, "ADD a.tar: it unpacks to more than 1073741824 bytes") {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(w.environments()); len(left) != 0 || err != nil {
			t.Errorf("left of the build that failed: %v, %v", left, err)
		}
	}
}

// endless are files that go on with zeros.
type endless struct{ contents }

func (e endless) Open(hash string) (io.ReadCloser, error) {
	content, err := e.contents.Open(hash)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(io.MultiReader(content, zeros{})), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// fakeUV is a uv that makes virtual environments and writes down what it is to
// install.
const fakeUV = `#!/bin/sh
if [ "$1" = venv ]; then for last; do :; done; exec python3 -m venv --without-pip "$last"; fi
echo "argv $*"
echo "temporary $TMPDIR"
while [ $# -gt 0 ]; do
	if [ "$1" = -r ]; then ls -l "$2" | cut -c1-10; sed 's/^/line /' "$2"; fi
	if [ "$1" = --target ]; then mkdir -p "$2"; fi
	shift
done
[ ! -e "$0.fail" ] || { echo "error: no https://bob:hunter2@example.test/x" >&2; exit 2; }
`

func TestRequirementsAreGivenByAFile(t *testing.T) {
	needPython(t)
	tools := t.TempDir()
	uv := filepath.Join(tools, "uv")
	if err := os.WriteFile(uv, []byte(fakeUV), 0o700); err != nil {
		t.Fatal(err)
	}
	w := newWorkshop(t, append([]string{tools}, filepath.SplitList(os.Getenv("PATH"))...)...)
	d := Definition{Kind: "virtualenv", Configuration: map[string]any{"requirements": []any{
		"--extra-index-url", "https://bob:hunter2@example.test/simple", "--pre", "--index-strategy=first-index",
		"lib @ git+https://bob:hunter2@example.test/lib@v1", "other>1,<2",
	}}}
	var log record
	if _, err := w.Build(t.Context(), d, log.log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	text := log.String()
	for _, want := range []string{
		"STDOUT -rw-------", "STDOUT line --extra-index-url https://***@example.test/simple", "STDOUT line lib @ git+https://***@example.test/lib@v1",
		"STDOUT line other>1,<2", " --pre --index-strategy=first-index -r requirements.txt", "STDOUT temporary " + w.dir,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, "cloudpickle") || strings.Count(text, "STDOUT argv") != 1 {
		t.Errorf("log:\n%s", text)
	}
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "STDOUT argv") && strings.Contains(line, "example.test") {
			t.Errorf("it is given as an argument: %s", line)
		}
	}
	if left, err := os.ReadDir(filepath.Join(w.dir, temporary)); len(left) != 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
	// A function is loaded with something, once it is known that there is one.
	d.Methods = []string{"cloudpickle", "pickle"}
	for _, want := range []int{1, 0} {
		var log record
		env, err := w.Build(t.Context(), d, log.log)
		if err != nil || strings.Count(log.String(), "STDOUT line cloudpickle") != want {
			t.Fatalf("%v\n%s", err, &log)
		}
		if !env.Loads("cloudpickle") || !env.Loads("pickle") || env.Loads("dill") {
			t.Error("what can be loaded")
		}
	}
	if err := os.WriteFile(uv+".fail", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.Force = true
	var failed record
	_, err := w.Build(t.Context(), d, failed.log)
	if err == nil || !strings.Contains(err.Error(), "no https://***@example.test/x") || strings.Contains(failed.String(), "hunter2") {
		t.Errorf("%v\n%s", err, &failed)
	}
}
