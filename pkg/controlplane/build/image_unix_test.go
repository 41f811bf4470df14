//go:build unix

package build

import (
	"errors"
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
		{"absolute program that is elsewhere here", "FROM x\nCMD [\"/opt/venv/bin/echo\", \"hi\"]", nil, "hi"},
		{"override of cmd", "FROM x\nENTRYPOINT [\"echo\"]\nCMD [\"one\"]", []any{"cmd", []any{"two"}}, "two"},
		{"override of entrypoint drops CMD", "FROM x\nENTRYPOINT [\"cat\"]\nCMD [\"one\"]", []any{"entrypoint", []any{"echo", "three"}}, "three"},
		{"override with a line", "FROM x\nCMD [\"false\"]", []any{"cmd", "echo a; echo b"}, "a\nb"},
		{"arguments", "ARG BASE=x\nFROM $BASE\nARG GREETING=hello\nARG NAME\nENV TEXT=\"$GREETING $NAME ${MISSING:-none}\"\nCMD echo $TEXT", []any{"build_args", map[string]any{"NAME": "bob"}}, "hello bob none"},
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
	if !strings.Contains(again.String(), "not executed: RUN apt-get update") || !strings.Contains(again.String(), "was built before") {
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
		{"command taken back", dockerfile("FROM x\nCMD a\nCMD []"), nil, "the image has no command"},
		{"no such program", dockerfile("FROM x\nCMD [\"nginx-that-is-not-here\", \"-g\"]"), nil, "begins with nginx-that-is-not-here, and no such program is on the PATH"},
		{"no such program in a line", dockerfile("FROM x\nCMD A=1 exec nginx-that-is-not-here -g"), nil, "begins with nginx-that-is-not-here"},
		{"program that was not copied", dockerfile("FROM x\nCMD [\"./serve\"]"), nil, "./serve, is none of the files that were copied"},
		{"program that is not executable", dockerfile("FROM x\nCOPY tool.sh /\nCMD [\"/tool.sh\"]"), []File{plain}, "/tool.sh, is not executable"},
		{"source that is missing", dockerfile("FROM x\nCOPY missing.py /\nCMD [\"true\"]"), nil, "COPY missing.py: no such file was uploaded"},
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
