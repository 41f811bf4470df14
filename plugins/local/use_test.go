package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/config"
)

func (b *bench) configPath() string { return filepath.Join(b.home, ".fal", "config.toml") }

func (b *bench) config() string {
	b.t.Helper()
	text, err := os.ReadFile(b.configPath())
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func TestUse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run("use").exits(1).prints("").says("hint: fal-local start")
	if _, err := os.Stat(b.configPath()); !os.IsNotExist(err) {
		t.Fatalf("a file was written: %v", err)
	}
	s := b.start()
	b.run("use").ok().prints("saved " + *s.Address + " as profile local\n").says("fal --profile local runners list").says("export FAL_PROFILE=local")
	want := "[local]\nkey = \"" + b.key() + "\"\nlocal_host = \"" + *s.Address + "\"\n"
	if got := b.config(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(b.configPath()); err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	var used UsedProfile
	b.run("use", "--json").ok().decode(&used)
	if used.Profile != "local" || used.LocalHost != *s.Address || used.Default || used.Config != b.configPath() {
		t.Errorf("%+v", used)
	}
	if b.config() != want {
		t.Error("a second use changed the file")
	}
	// What was written is what our clients resolve to.
	cfg, err := config.Resolve(config.Inputs{Profile: "local", HomeDir: b.home, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Host.Address() != *s.Address || !cfg.Host.Plaintext || cfg.Credentials.KeyID+":"+cfg.Credentials.Secret.Reveal() != b.key() {
		t.Errorf("resolved to %s", cfg.Host.Address())
	}

	b.run("use", "--name", "my box", "--default").ok().says("fal runners list")
	if got := b.config(); !strings.HasPrefix(got, want) || !strings.Contains(got, `profile = "my box"`) {
		t.Errorf("after --default:\n%s", got)
	}
	b.stop()
	b.gone()
}

func TestUseSparesOtherProfiles(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	const before = "# mine\n[local]\nkey = \"real:secret\"\n\n[empty]\n"
	if err := os.WriteFile(b.configPath(), []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"local", "empty"} {
		b.run("use", "--name", name).exits(1).prints("").says("profile " + name + " exists").says("--force")
	}
	b.run("use", "--name", "__internal__").exits(2).prints("")
	if got := b.config(); got != before {
		t.Errorf("the file was changed:\n%s", got)
	}
	b.run("use", "--force").ok()
	if got := b.config(); !strings.HasPrefix(got, "# mine\n[local]\nkey = \""+b.key()+"\"\n") || !strings.HasSuffix(got, "[empty]\n") {
		t.Errorf("after --force:\n%s", got)
	}

	// Another file, and one that is broken.
	other := filepath.Join(b.home, "other.toml")
	b.runEnv([]string{"FAL_CONFIG_PATH=" + other}, "use").ok()
	if err := os.WriteFile(other, []byte("[broken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.runEnv([]string{"FAL_CONFIG_PATH=" + other}, "use").exits(2).prints("").says("other.toml:1:")
	if text, err := os.ReadFile(other); err != nil || string(text) != "[broken\n" {
		t.Errorf("%q, %v", text, err)
	}
	b.stop()
	b.gone()
}
