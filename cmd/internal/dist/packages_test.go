//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const testVersion = "1.2.3"

// packed is a folder with the packages of this tree for this machine, every
// program with at least one manual page. The programs are built as the other
// tests build them, which shares their cache; the linker's flags are those of
// a release.
func packed(t *testing.T) (dir string, all []program) {
	t.Helper()
	tree, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	man := t.TempDir()
	all, err = programs(tree, man)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(all) {
		put(t, man, "man1/"+name+".1", ".TH "+name+" 1\n")
	}
	if all, err = programs(tree, man); err != nil {
		t.Fatal(err)
	}
	work, dir, bin := t.TempDir(), t.TempDir(), t.TempDir()
	args := []string{"build", "-tags", "urfave_cli_no_docs", "-o", bin, "-ldflags", "-s -w -X " + module + "/plugins/internal/version.stamp=fal-version<" + testVersion + ">"}
	for _, name := range names(all) {
		args = append(args, "./cmd/"+name)
	}
	if err := run(t.Context(), tree, append(os.Environ(), "CGO_ENABLED=0"), "go", args...); err != nil {
		t.Fatal(err)
	}
	l, err := findLicences(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	r := release{tree: tree, version: testVersion, when: when}
	p, err := r.buildPackager(t.Context(), work, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.writeAll(t.Context(), all, runtime.GOARCH, bin, l); err != nil {
		t.Fatal(err)
	}
	if err := p.writeSuite(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return dir, all
}

func TestPackages(t *testing.T) {
	dir, all := packed(t)
	t.Run("rpm", func(t *testing.T) { testRPMs(t, dir, all) })
	t.Run("deb", func(t *testing.T) { testDebs(t, dir, all) })
}

// expected are the files of a program's package in one format.
func expected(f format, p program) []string {
	licence := "/usr/" + fmt.Sprintf(f.licence, p.name)
	files := []string{"/usr/bin/" + p.name, licence + "/THIRD-PARTY-LICENSES"}
	if f.name == "deb" {
		files = append(files, licence+"/copyright")
	} else {
		files = append(files, licence+"/LICENSE")
	}
	if p.name == "fal" {
		files = append(files, "/usr/share/doc/fal/README.md")
	}
	for _, d := range p.docs {
		to := "/usr/" + d.installed(f.zsh)
		if d.isManual() {
			to += ".gz"
		}
		files = append(files, to)
	}
	slices.Sort(files)
	return files
}

func testRPMs(t *testing.T, dir string, all []program) {
	f := formats()[1]
	for _, p := range all {
		file := f.fileName(p.name, testVersion, runtime.GOARCH)
		h := readRPM(t, filepath.Join(dir, file))
		arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
		for tag, want := range map[int]string{
			rpmName: p.name, rpmVersion: testVersion, rpmRelease: "1", rpmArch: arch, rpmOS: "linux",
			rpmLicense: "Apache-2.0", rpmSummary: p.summary, rpmBuildHost: "localhost",
		} {
			if got := h.strings[tag]; len(got) != 1 || got[0] != want {
				t.Errorf("%s: tag %d is %q, want %q", file, tag, got, want)
			}
		}
		if got := h.strings[rpmRecommendName]; !slices.Equal(got, []string{"bash-completion"}) {
			t.Errorf("%s recommends %q", file, got)
		}
		if got, want := h.files(), expected(f, p); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", file, got, want)
		}
		for _, tag := range []int{rpmBuildTime, rpmFileTimes} {
			for _, at := range h.integers[tag] {
				if at != when.Unix() {
					t.Errorf("%s: tag %d is %v, want %v", file, tag, time.Unix(at, 0), when)
				}
			}
		}
		for _, owner := range append(h.strings[rpmFileOwner], h.strings[rpmFileGroup]...) {
			if owner != "root" {
				t.Errorf("%s: a file of %q", file, owner)
			}
		}
		if len(h.integers[rpmFileTimes]) != len(h.files()) || len(h.integers[rpmBuildTime]) != 1 {
			t.Errorf("%s: times %v of %d files", file, h.integers[rpmFileTimes], len(h.files()))
		}
	}
	h := readRPM(t, filepath.Join(dir, f.fileName(suite, testVersion, "all")))
	if h.strings[rpmArch][0] != "noarch" || len(h.files()) != 0 {
		t.Errorf("%s is for %q and holds %q", suite, h.strings[rpmArch], h.files())
	}
	for _, p := range all {
		i := slices.Index(h.strings[rpmRequireName], p.name)
		if i < 0 || h.strings[rpmRequireVersion][i] != testVersion || h.integers[rpmRequireFlags][i]&rpmEqual == 0 {
			t.Errorf("%s does not require %s: %q %q", suite, p.name, h.strings[rpmRequireName], h.strings[rpmRequireVersion])
		}
	}
}

func testDebs(t *testing.T, dir string, all []program) {
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip("dpkg is not installed")
	}
	root := t.TempDir()
	for _, name := range []string{"info", "updates"} {
		if err := os.MkdirAll(filepath.Join(root, "var/lib/dpkg", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, root, "var/lib/dpkg/status", "")
	before := listing(t, root)
	f := formats()[0]
	file := func(name, arch string) string { return filepath.Join(dir, f.fileName(name, testVersion, arch)) }

	if out, err := dpkg(t.Context(), root, "--install", file(suite, "all")); err == nil {
		t.Errorf("%s can be installed alone:\n%s", suite, out)
	}
	mustDpkg(t, root, "--purge", suite)

	install := []string{"--install", file(suite, "all")}
	var want []string
	for _, p := range all {
		install = append(install, file(p.name, runtime.GOARCH))
		want = append(want, expected(f, p)...)
	}
	mustDpkg(t, root, install...)
	var got []string
	for _, path := range listing(t, root) {
		if info, err := os.Lstat(filepath.Join(root, path)); err == nil && !info.IsDir() && !strings.HasPrefix(path, "/var/lib/dpkg/") {
			got = append(got, path)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
	for _, p := range all {
		out, err := command(t.Context(), root, p.name, "--version").CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), p.name+" "+testVersion+" (") {
			t.Errorf("%s --version: %v\n%s", p.name, err, out)
		}
	}
	if out, err := command(t.Context(), root, "fal", "runners", "--version").CombinedOutput(); err != nil || !strings.Contains(string(out), testVersion) {
		t.Errorf("fal runners --version: %v\n%s", err, out)
	}

	for _, p := range all {
		out, err := exec.CommandContext(t.Context(), "dpkg-deb", "--field", file(p.name, runtime.GOARCH), "Recommends").Output()
		if err != nil || strings.TrimSpace(string(out)) != "bash-completion" {
			t.Errorf("%s recommends %q, %v", p.name, out, err)
		}
	}

	testCompletion(t, root, all)

	purge := append([]string{"--purge", suite}, names(all)...)
	mustDpkg(t, root, purge...)
	if after := listing(t, root); !slices.Equal(after, before) {
		t.Errorf("left behind %q, there was %q", after, before)
	}
}

// testCompletion presses Tab behind the name of every program that is installed
// below root, with the completion that was installed with it, in every shell that
// there is.
func testCompletion(t *testing.T, root string, all []program) {
	for shell, tab := range map[string]func(t *testing.T, path, root string, env []string, program, typed string) (string, error){
		"bash": tabInBash, "zsh": tabInZsh, "fish": tabInFish,
	} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Log(shell + " is not installed: its completions are not tried")
			continue
		}
		for _, p := range all {
			typed, want := "", "version"
			if p.name == "fal-deploy" { // whose words are apps
				typed, want = "--vers", "--version"
			}
			env := []string{"PATH=" + filepath.Join(root, "usr", "bin") + ":/usr/bin:/bin", "HOME=" + t.TempDir(), "LC_ALL=C.UTF-8", "TERM=dumb"}
			out, err := tab(t, path, root, env, p.name, typed)
			if err != nil || !strings.Contains(out, want) {
				t.Errorf("%s: Tab behind %s %s does not offer %s: %v\n%s", shell, p.name, typed, want, err, out)
			}
		}
	}
}

func tabInBash(t *testing.T, bash, root string, env []string, program, typed string) (string, error) {
	const tab = `source "$1/usr/share/bash-completion/completions/$2" &&
complete -p "$2" | sed 's/.*-F \([^ ]*\) .*/\1/' | {
	read -r function
	COMP_LINE="$2 $3" COMP_POINT=$((${#2} + 1 + ${#3})) COMP_TYPE=9 COMP_WORDS=("$2" "$3") COMP_CWORD=1
	"$function" "$2" "$3" "$2"
	printf '%s\n' "${COMPREPLY[@]}"
}`
	cmd := exec.CommandContext(t.Context(), bash, "--norc", "-c", tab, "tab", root, program, typed)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// fish finds what packages install by XDG_DATA_DIRS.
func tabInFish(t *testing.T, fish, root string, env []string, program, typed string) (string, error) {
	cmd := exec.CommandContext(t.Context(), fish, "-c", `complete -C "$argv[1] $argv[2]"`, program, typed)
	cmd.Env = append(env, "XDG_DATA_DIRS="+filepath.Join(root, "usr", "share"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// zsh completes on a terminal only. What it shows there is read up to the version,
// or in vain.
func tabInZsh(t *testing.T, zsh, root string, env []string, program, typed string) (string, error) {
	const tab = `zmodload zsh/zpty
zpty -b inner $2 -f -i
zpty -w inner "fpath=(${(q)1}/usr/share/zsh/vendor-completions \$fpath); autoload -Uz compinit; compinit -u -D; unset zle_bracketed_paste; print -r -- rea''dy"
zpty -r inner shown '*ready*'
zpty -n -w inner "$3 $4"$'\t'
zpty -r inner shown '*version*'
print -r -- $shown
zpty -d inner`
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, zsh, "-f", "-c", tab, "tab", root, zsh, program, typed)
	cmd.Env = env
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// command is a program of root, as a user runs it who has nothing else.
func command(ctx context.Context, root, name string, args ...string) *exec.Cmd {
	bin := filepath.Join(root, "usr", "bin")
	cmd := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
	cmd.Env = []string{"PATH=" + bin, "HOME=" + root + "/nobody"}
	return cmd
}

// listing names all below root but the files that dpkg keeps for itself.
func listing(t *testing.T, root string) []string {
	t.Helper()
	own := map[string]bool{"status": true, "status-old": true, "lock": true, "lock-frontend": true, "available": true, "format": true, "triggers": true, "statoverride": true, "diversions": true}
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(path, root)
		if name, ok := strings.CutPrefix(rel, "/var/lib/dpkg/"); ok && (own[name] || strings.HasPrefix(name, "triggers/") || name == "info/format") {
			return nil
		}
		if rel != "" {
			found = append(found, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// dpkg works on root alone, for which it needs no rights of the administrator.
func dpkg(ctx context.Context, root string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "dpkg", append([]string{"--root=" + root, "--force-not-root", "--force-script-chrootless", "--force-bad-path", "--log=/dev/null"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	return cmd.CombinedOutput()
}

func mustDpkg(t *testing.T, root string, args ...string) {
	t.Helper()
	if out, err := dpkg(t.Context(), root, args...); err != nil {
		t.Fatalf("dpkg %s: %v\n%s", args[0], err, out)
	}
}
