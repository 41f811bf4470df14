package project_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/project"
)

// folder is a new one with files, a name and a text in turn.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// problems are those of finding an app.
func problems(t *testing.T, o project.Options) project.Problems {
	t.Helper()
	target, err := project.Find(o)
	if err == nil {
		t.Fatalf("found %+v", target)
	}
	var found project.Problems
	if !errors.As(err, &found) {
		t.Fatalf("%T: %v", err, err)
	}
	return found
}

func TestWrongKeys(t *testing.T) {
	const before = "[tool.fal.apps.a]\n"
	dir := folder(t, "Dockerfile", "FROM scratch\n", "app.py", "", "lib/x", "", "empty", " \n", "bad.Dockerfile", "FROM a\nCOPY\n")
	const image = "image = {image = 'x'}\n"
	const file = "ref = 'app.py'\n"
	const entry = "python_entry_point = 'm:A'\n"
	for name, test := range map[string]struct {
		app  string
		want string // each problem, a line each, without the file
	}{
		"nothing":            {"auth = 'public'\n", "1:16: tool.fal.apps.a: there is no ref, python_entry_point or image in it: nothing says what the app is"},
		"name of spaces":     {"name = 'a b'\n" + image, "2:1: tool.fal.apps.a.name: \"a b\" is no name of an app: it has no spaces, slashes or ::"},
		"name of a path":     {"name = 'a/b'\n" + image, "2:1: tool.fal.apps.a.name: \"a/b\" is no name of an app: it has no spaces, slashes or ::"},
		"name of a class":    {"name = 'a::b'\n" + image, "2:1: tool.fal.apps.a.name: \"a::b\" is no name of an app: it has no spaces, slashes or ::"},
		"two codes":          {file + entry, "2:1: tool.fal.apps.a.ref: cannot be given with python_entry_point"},
		"ref":                {"ref = 1\n", "2:1: tool.fal.apps.a.ref: must be a string, not a whole number"},
		"empty ref":          {"ref = ''\n", "2:1: tool.fal.apps.a.ref: must not be empty"},
		"ref without class":  {"ref = 'app.py::'\n", `2:1: tool.fal.apps.a.ref: "app.py::" names no class after ::`},
		"ref to nothing":     {"ref = 'b.py::A'\n", "2:1: tool.fal.apps.a.ref: b.py: no such file"},
		"ref to folder":      {"ref = 'lib::A'\n", "2:1: tool.fal.apps.a.ref: lib: is a folder, not a file"},
		"entry point":        {"python_entry_point = ['m:A']\n", "2:1: tool.fal.apps.a.python_entry_point: must be a string, not a list"},
		"entry point's form": {"python_entry_point = 'm.A'\n", `2:1: tool.fal.apps.a.python_entry_point: must be "module:Symbol", not "m.A"`},
		"name":               {image + "name = false\n", "3:1: tool.fal.apps.a.name: must be a string, not true or false"},
		"auth":               {image + "auth = 'privat'\n", `3:1: tool.fal.apps.a.auth: "privat" is none of public, private, shared; did you mean private?`},
		"auth's case":        {image + "auth = 'Public'\n", `3:1: tool.fal.apps.a.auth: "Public" is none of public, private, shared; did you mean public?`},
		"auth's type":        {image + "auth = true\n", "3:1: tool.fal.apps.a.auth: must be a string, not true or false"},
		"strategy":           {image + "deployment_strategy = 'canary'\n", `3:1: tool.fal.apps.a.deployment_strategy: "canary" is none of recreate, rolling`},
		"team":               {image + "team = {}\n", "3:1: tool.fal.apps.a.team: must be a string, not a table"},

		"requirements":           {entry + "requirements = 'numpy'\n", "3:1: tool.fal.apps.a.requirements: must be a list of strings, or a list of lists of strings, not a string"},
		"requirement":            {entry + "requirements = ['numpy', 1]\n", "3:26: tool.fal.apps.a.requirements[1]: must be a string or a list of strings, not a whole number"},
		"requirement and layer":  {entry + "requirements = ['numpy', ['torch']]\n", "3:26: tool.fal.apps.a.requirements[1]: must be a string as those before it, not a list"},
		"layer and requirement":  {entry + "requirements = [['torch'], 'numpy']\n", "3:28: tool.fal.apps.a.requirements[1]: must be a list of strings as those before it, not a string"},
		"requirement of layer":   {entry + "requirements = [['torch', 2.5]]\n", "3:27: tool.fal.apps.a.requirements[0][1]: must be a string, not a number with a fraction"},
		"requirement's folder":   {entry + "requirements = ['./lib', './bil']\n", "3:26: tool.fal.apps.a.requirements[1]: there is no folder ./bil"},
		"folder in layer":        {entry + "requirements = [['x'], ['../no[a]']]\n", "3:25: tool.fal.apps.a.requirements[1][0]: there is no folder ../no[a]"},
		"requirements folder":    {entry + "requirements_context_dir = 'no'\n", "3:1: tool.fal.apps.a.requirements_context_dir: there is no folder no"},
		"requirements folder's":  {entry + "requirements_context_dir = 1\n", "3:1: tool.fal.apps.a.requirements_context_dir: must be a string, not a whole number"},
		"python version":         {entry + "python_version = 3.11\n", "3:1: tool.fal.apps.a.python_version: must be a string, not a number with a fraction"},
		"number":                 {image + "min_concurrency = '1'\n", "3:1: tool.fal.apps.a.min_concurrency: must be a whole number, not a string"},
		"truth for number":       {image + "max_concurrency = true\n", "3:1: tool.fal.apps.a.max_concurrency: must be a whole number, not true or false"},
		"fraction":               {image + "max_multiplexing = 1.0\n", "3:1: tool.fal.apps.a.max_multiplexing: must be a whole number, not a number with a fraction"},
		"negative":               {image + "concurrency_buffer = -1\n", "3:1: tool.fal.apps.a.concurrency_buffer: must be from 0 to 2147483647, not -1"},
		"beyond 32 bits":         {image + "concurrency_buffer_perc = 2147483648\n", "3:1: tool.fal.apps.a.concurrency_buffer_perc: must be from 0 to 2147483647, not 2147483648"},
		"scaling delay":          {image + "scaling_delay = '5s'\n", "3:1: tool.fal.apps.a.scaling_delay: must be a whole number, not a string"},
		"request timeout":        {image + "request_timeout = 1.5\n", "3:1: tool.fal.apps.a.request_timeout: must be a whole number, not a number with a fraction"},
		"startup timeout":        {image + "startup_timeout = []\n", "3:1: tool.fal.apps.a.startup_timeout: must be a whole number, not a list"},
		"keep alive":             {image + "keep_alive = 07:30:00\n", "3:1: tool.fal.apps.a.keep_alive: must be a whole number, not a date or time"},
		"grace":                  {image + "termination_grace_period_seconds = -5\n", "3:1: tool.fal.apps.a.termination_grace_period_seconds: must be from 0 to 2147483647, not -5"},
		"private logs":           {image + "private_logs = 'yes'\n", "3:1: tool.fal.apps.a.private_logs: must be true or false, not a string"},
		"machine type":           {image + "machine_type = 5\n", "3:1: tool.fal.apps.a.machine_type: must be a string or a list of strings, not a whole number"},
		"machine of list":        {image + "machine_type = ['XS', 5]\n", "3:23: tool.fal.apps.a.machine_type[1]: must be a string, not a whole number"},
		"no name of list":        {image + "machine_type = [5]\n", "3:17: tool.fal.apps.a.machine_type[0]: must be a string, not a whole number"},
		"no machine":             {image + "machine_type = []\n", "3:1: tool.fal.apps.a.machine_type: must not be empty"},
		"empty machine":          {image + "machine_type = ''\n", "3:1: tool.fal.apps.a.machine_type: there is an empty name in it"},
		"gpus":                   {image + "num_gpus = 'two'\n", "3:1: tool.fal.apps.a.num_gpus: must be a whole number, not a string"},
		"regions":                {image + "regions = 'us-east'\n", "3:1: tool.fal.apps.a.regions: must be a list of strings, not a string"},
		"region":                 {image + "regions = ['us-east', 'us-eats']\n", `3:23: tool.fal.apps.a.regions[1]: "us-eats" is none of us-west, us-central, us-east, eu-north, eu-west; did you mean us-east?`},
		"region's type":          {image + "regions = [1, 'mars']\n", "3:12: tool.fal.apps.a.regions[0]: must be a string, not a whole number\n" + `3:15: tool.fal.apps.a.regions[1]: "mars" is none of us-west, us-central, us-east, eu-north, eu-west`},
		"app files":              {entry + "app_files = 'lib'\n", "3:1: tool.fal.apps.a.app_files: must be a list of strings, not a string"},
		"app files of image":     {image + "app_files = ['lib']\n", "3:1: tool.fal.apps.a.app_files: cannot be given with image: a Dockerfile's COPY takes files"},
		"ignore":                 {entry + "app_files_ignore = [1]\n", "3:21: tool.fal.apps.a.app_files_ignore[0]: must be a string, not a whole number"},
		"ignore's form":          {entry + "app_files_ignore = ['(']\n", `3:21: tool.fal.apps.a.app_files_ignore[0]: "(" is not a regular expression that can be used here`},
		"context":                {entry + "app_files_context_dir = 'lib'\n", "3:1: tool.fal.apps.a.app_files_context_dir: needs app_files"},
		"no context":             {entry + "app_files = ['x']\napp_files_context_dir = 'no'\n", "4:1: tool.fal.apps.a.app_files_context_dir: there is no folder no"},
		"exposed port":           {image + "exposed_port = 65536\n", "3:1: tool.fal.apps.a.exposed_port: must be from 0 to 65535, not 65536"},
		"metrics port":           {image + "metrics_port = -1\n", "3:1: tool.fal.apps.a.metrics_port: must be from 0 to 65535, not -1"},
		"port's type":            {image + "exposed_port = true\n", "3:1: tool.fal.apps.a.exposed_port: must be a whole number, not true or false"},
		"scheduler":              {image + "_scheduler = ''\n", "3:1: tool.fal.apps.a._scheduler: must not be empty"},
		"scheduler options":      {image + "_scheduler_options = 'x'\n", "3:1: tool.fal.apps.a._scheduler_options: must be a table, not a string"},
		"scheduler option":       {image + "_scheduler_options = {a = [{b = 2026-01-02}], c = nan}\n", "3:29: tool.fal.apps.a._scheduler_options.a[0].b: a date or time cannot be sent; write it as a string\n3:47: tool.fal.apps.a._scheduler_options.c: NaN cannot be sent"},
		"retry conditions":       {image + "skip_retry_conditions = ['client_error']\n", `3:26: tool.fal.apps.a.skip_retry_conditions[0]: "client_error" is none of timeout, server_error, connection_error`},
		"retry conditions' type": {image + "skip_retry_conditions = 'timeout'\n", "3:1: tool.fal.apps.a.skip_retry_conditions: must be a list of strings, not a string"},
		"retry config":           {image + "retry_config = 3\n", "3:1: tool.fal.apps.a.retry_config: must be a table, not a whole number"},
		"no retry":               {image + "retry_config = {}\n", "3:1: tool.fal.apps.a.retry_config: must have one of timeout, server_error, connection_error"},
		"retry of what":          {image + "retry_config = {timeuot = {retries = 1}}\n", "3:17: tool.fal.apps.a.retry_config.timeuot: unknown key; did you mean timeout?"},
		"no retries":             {image + "retry_config = {timeout = {}}\n", "3:17: tool.fal.apps.a.retry_config.timeout: there is no retries in it"},
		"retries":                {image + "retry_config = {timeout = {retries = true}}\n", "3:28: tool.fal.apps.a.retry_config.timeout.retries: must be a whole number, not true or false"},
		"retry":                  {image + "retry_config = {timeout = 1}\n", "3:17: tool.fal.apps.a.retry_config.timeout: must be a table, not a whole number"},
		"more than retries":      {image + "retry_config = {timeout = {retries = 1, delay = 2}}\n", "3:41: tool.fal.apps.a.retry_config.timeout.delay: unknown key"},
		"secrets":                {image + "secrets = 'S'\n", "3:1: tool.fal.apps.a.secrets: must be a list of strings, not a string"},
		"data mounts":            {image + "data_mounts = [{}]\n", "3:16: tool.fal.apps.a.data_mounts[0]: must be a string, not a table"},
		"health check":           {image + "health_check = '/health'\n", "3:1: tool.fal.apps.a.health_check: must be a table, not a string"},
		"no path":                {image + "health_check = {}\n", "3:1: tool.fal.apps.a.health_check: there is no path in it"},
		"health check's": {image + "health_check = {path = 1, start_period_seconds = '1', timeout_seconds = -1, failure_threshold = 1.5, call_regularly = 1, method = 'PUT', pth = ''}\n",
			"3:17: tool.fal.apps.a.health_check.path: must be a string, not a whole number\n" +
				"3:27: tool.fal.apps.a.health_check.start_period_seconds: must be a whole number, not a string\n" +
				"3:55: tool.fal.apps.a.health_check.timeout_seconds: must be from 0 to 2147483647, not -1\n" +
				"3:77: tool.fal.apps.a.health_check.failure_threshold: must be a whole number, not a number with a fraction\n" +
				"3:102: tool.fal.apps.a.health_check.call_regularly: must be true or false, not a whole number\n" +
				`3:122: tool.fal.apps.a.health_check.method: "PUT" is none of GET, POST` + "\n" +
				"3:138: tool.fal.apps.a.health_check.pth: unknown key; did you mean path?"},
		"reset scale":  {image + "app_scale_settings = 'no'\n", "3:1: tool.fal.apps.a.app_scale_settings: must be true or false, not a string"},
		"no scale":     {image + "no_scale = 0\n", "3:1: tool.fal.apps.a.no_scale: must be true or false, not a whole number"},
		"both scales":  {image + "no_scale = true\napp_scale_settings = false\n", "3:1: tool.fal.apps.a.no_scale: is the deprecated opposite of app_scale_settings, and cannot be given with it"},
		"unknown":      {image + "max_concurency = 1\nwat = 2\n", "3:1: tool.fal.apps.a.max_concurency: unknown key; did you mean max_concurrency?\n4:1: tool.fal.apps.a.wat: unknown key"},
		"dotted":       {image + "keep.alive = 1\n", "3:1: tool.fal.apps.a.keep: unknown key; did you mean keep_alive?"},
		"quoted":       {image + "'a b' = 1\n", `3:1: tool.fal.apps.a."a b": unknown key`},
		"below itself": {image + "[tool.fal.apps.a.build_args]\nA = '1'\n", "3:18: tool.fal.apps.a.build_args: unknown key"},

		"image":                  {"image = 'x'\n", "2:1: tool.fal.apps.a.image: must be a table, not a string"},
		"empty image":            {"image = {}\n", "2:1: tool.fal.apps.a.image: there is no image or dockerfile in it"},
		"two images":             {"image = {image = 'x', dockerfile = 'Dockerfile'}\n", "2:23: tool.fal.apps.a.image.dockerfile: cannot be given with image: one of both is where the image comes from"},
		"reference":              {"image = {image = ' '}\n", "2:10: tool.fal.apps.a.image.image: must not be empty"},
		"Dockerfile's type":      {"image = {dockerfile = 1}\n", "2:10: tool.fal.apps.a.image.dockerfile: must be a string, not a whole number"},
		"no Dockerfile":          {"image = {dockerfile = 'no/Dockerfile'}\n", "2:10: tool.fal.apps.a.image.dockerfile: no/Dockerfile: no such file"},
		"folder as Dockerfile":   {"image = {dockerfile = 'lib'}\n", "2:10: tool.fal.apps.a.image.dockerfile: lib: is a folder, not a file"},
		"empty Dockerfile":       {"image = {dockerfile = 'empty'}\n", "2:10: tool.fal.apps.a.image.dockerfile: empty is empty"},
		"build of reference":     {"image = {image = 'x', build_args = {A = '1'}, secrets = {S = 'hunter2'}}\n", "2:23: tool.fal.apps.a.image.build_args: is for a dockerfile: an image is not built\n2:47: tool.fal.apps.a.image.secrets: is for a dockerfile: an image is not built"},
		"build argument":         {"image = {dockerfile = 'Dockerfile', build_args = {A = 1}}\n", "2:51: tool.fal.apps.a.image.build_args.A: must be a string, not a whole number"},
		"build arguments":        {"image = {dockerfile = 'Dockerfile', build_args = ['A=1']}\n", "2:37: tool.fal.apps.a.image.build_args: must be a table, not a list"},
		"build secret":           {"image = {dockerfile = 'Dockerfile', secrets = {S = ['hunter2']}}\n", "2:48: tool.fal.apps.a.image.secrets.S: must be a string, not a list"},
		"registries":             {"image = {image = 'x', registries = ['hunter2']}\n", "2:23: tool.fal.apps.a.image.registries: must be a table, not a list"},
		"registry":               {"image = {image = 'x', registries = {'r.test' = 'hunter2'}}\n", `2:37: tool.fal.apps.a.image.registries."r.test": must be a table, not a string`},
		"login":                  {"image = {image = 'x', registries = {'r.test' = {user = 'u'}}}\n", `2:37: tool.fal.apps.a.image.registries."r.test": there is no username in it` + "\n" + `2:37: tool.fal.apps.a.image.registries."r.test": there is no password in it` + "\n" + `2:49: tool.fal.apps.a.image.registries."r.test".user: unknown key; did you mean username?`},
		"entrypoint":             {"image = {image = 'x', entrypoint = 1, cmd = ['a', 2]}\n", "2:23: tool.fal.apps.a.image.entrypoint: must be a string or a list of strings, not a whole number\n2:51: tool.fal.apps.a.image.cmd[1]: must be a string, not a whole number"},
		"unknown of image":       {"image = {image = 'x', command = ['a']}\n", "2:23: tool.fal.apps.a.image.command: unknown key"},
		"in the order of a file": {"wat = 1\nauth = 1\nregions = ['x', 2]\n" + image, "2:1: tool.fal.apps.a.wat: unknown key\n3:1: tool.fal.apps.a.auth: must be a string, not a whole number\n" + `4:12: tool.fal.apps.a.regions[0]: "x" is none of us-west, us-central, us-east, eu-north, eu-west` + "\n4:17: tool.fal.apps.a.regions[1]: must be a string, not a whole number"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, dir, "pyproject.toml", before+test.app)
			found := problems(t, project.Options{Dir: dir, Ref: "a"})
			want := "pyproject.toml:" + strings.ReplaceAll(test.want, "\n", "\npyproject.toml:")
			if d := cmp.Diff(want, found.Error()); d != "" {
				t.Error(d)
			}
			if strings.Contains(found.Error()+strings.Join(found.Hints(), ""), "hunter2") {
				t.Error("a secret is shown")
			}
			if found.ExitCode() != 2 || found.ErrorCode() == "" {
				t.Errorf("exit %d, code %q", found.ExitCode(), found.ErrorCode())
			}
		})
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDockerfileThatDoesNotParse(t *testing.T) {
	dir := folder(t,
		"pyproject.toml", "[tool.fal.apps.a]\nwat = 1\nimage = {dockerfile = 'docker/Dockerfile'}\n",
		"docker/Dockerfile", "FROM a\nCOPY --from=\nCOPY\n")
	found := problems(t, project.Options{Dir: dir, Ref: "a"})
	if len(found) != 3 {
		t.Fatalf("%d problems: %v", len(found), found)
	}
	p := found[0]
	if p.File != filepath.Join("docker", "Dockerfile") || p.Line != 2 || !strings.HasPrefix(p.Message, "COPY requires") {
		t.Errorf("%+v", p)
	}
	if !strings.Contains(found[2].String(), "wat: unknown key") {
		t.Error(found[2])
	}
}

func TestNotTOML(t *testing.T) {
	for name, test := range map[string]struct {
		text         string
		line, column int
	}{
		"no value":       {"[tool.fal.apps.a]\nauth =\n", 2, 7},
		"open string":    {"[tool.fal.apps.a]\nimage = { registries = { r = { password = \"hunter2\n", 2, 51},
		"no key":         {"\n\n = 1\n", 3, 2},
		"wide letters":   {"a = 'éé' x\n", 1, 10},
		"same key twice": {"[tool.fal.apps.a]\nauth = 'public'\nauth = 'hunter2'\n", 3, 1},
		"number":         {"a = 99999999999999999999999999\n", 1, 5},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, "pyproject.toml", test.text)
			for _, err := range []error{problems(t, project.Options{Dir: dir, Ref: "a"}), all(dir)} {
				var found project.Problems
				if !errors.As(err, &found) || len(found) != 1 {
					t.Fatalf("%v", err)
				}
				p := found[0]
				if p.File != "pyproject.toml" || p.Line != test.line || p.Column != test.column || !strings.HasPrefix(p.Message, "not valid TOML") {
					t.Errorf("%+v, want line %d, column %d", p, test.line, test.column)
				}
				if strings.Contains(p.String(), "hunter2") || strings.Contains(p.String(), "9999") {
					t.Errorf("%s shows the file", p)
				}
			}
		})
	}
}

func all(dir string) error {
	_, err := project.FindAll(project.Options{Dir: dir})
	return err
}

func TestProblemsOfAllApps(t *testing.T) {
	dir := folder(t, "pyproject.toml", `
[tool.fal.apps.b]
auth = "no"
image = { image = "x" }
[tool.fal.apps]
c.image = { image = "x", cmd = 1 }
[tool.fal.apps.a]
image = { image = "x" }
wat = 1
`)
	var found project.Problems
	if !errors.As(all(dir), &found) {
		t.Fatal(all(dir))
	}
	want := []project.Problem{
		{File: "pyproject.toml", Line: 3, Column: 1, Key: "tool.fal.apps.b.auth", Message: `"no" is none of public, private, shared`},
		{File: "pyproject.toml", Line: 6, Column: 26, Key: "tool.fal.apps.c.image.cmd", Message: "must be a string or a list of strings, not a whole number"},
		{File: "pyproject.toml", Line: 9, Column: 1, Key: "tool.fal.apps.a.wat", Message: "unknown key"},
	}
	if d := cmp.Diff(project.Problems(want), found); d != "" {
		t.Error(d)
	}
	if got := len(problems(t, project.Options{Dir: dir, Ref: "a"})); got != 1 {
		t.Errorf("%d problems for one app, want its own", got)
	}
}

func TestNoTables(t *testing.T) {
	dir := folder(t)
	for text, want := range map[string]string{
		"tool.fal.apps.a = 1\n":                       "pyproject.toml:1:15: tool.fal.apps.a: must be a table, not a whole number",
		"[[tool.fal.apps.a]]\n":                       "pyproject.toml:1:17: tool.fal.apps.a: must be a table, not a list",
		"[tool.fal.apps]\na = 3\n":                    "pyproject.toml:2:1: tool.fal.apps.a: must be a table, not a whole number",
		"[tool.fal]\napps = ['a']\n":                  "pyproject.toml:2:1: tool.fal.apps: must be a table, not a list",
		"[tool.fal]\napps = 1\n":                      "pyproject.toml:2:1: tool.fal.apps: must be a table, not a whole number",
		"tool = {fal = 'a'}\n":                        "pyproject.toml:1:9: tool.fal: must be a table, not a string",
		"[tool]\nfal = 1\n":                           "pyproject.toml:2:1: tool.fal: must be a table, not a whole number",
		"[[tool.fal]]\n":                              "pyproject.toml:1:8: tool.fal: must be a table, not a list",
		"[[tool.fal.apps]]\na = 1\n":                  "pyproject.toml:1:12: tool.fal.apps: must be a table, not a list",
		"[[tool.fal.apps]]\n[tool.fal.apps.a]\nx=1\n": "pyproject.toml:1:12: tool.fal.apps: must be a table, not a list",
	} {
		write(t, dir, "pyproject.toml", text)
		if got := problems(t, project.Options{Dir: dir, Ref: "a"}).Error(); got != want {
			t.Errorf("%q: got  %s\nwant %s", text, got, want)
		}
		if err := all(dir); err == nil || err.Error() != want {
			t.Errorf("%q: all apps: %v", text, err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	dir := folder(t, "pyproject.toml", "# "+strings.Repeat("x", 4<<20))
	if got := problems(t, project.Options{Dir: dir, Ref: "a"}).Error(); got != "pyproject.toml: cannot be read: larger than 4 MiB" {
		t.Error(got)
	}
}

// A file that is not there is a problem where it is named, before anything is
// deployed.
func TestMissingFiles(t *testing.T) {
	dir := folder(t,
		"pyproject.toml", "[tool.fal.apps.a]\nimage = {dockerfile = 'docker/Dockerfile'}\n[tool.fal.apps.b]\npython_entry_point = 'm:A'\napp_files = [\n  'no',\n  'there',\n  'nor',\n]\n[tool.fal.apps.c]\nimage = {image = 'x'}\n",
		"docker/Dockerfile", "FROM x\nCOPY here there \\\n  /d\nCOPY gone* /d\nCOPY ../up /d\n", "there", "")
	var found project.Problems
	if !errors.As(all(dir), &found) {
		t.Fatal(all(dir))
	}
	want := []string{
		"docker/Dockerfile:2: here: there is no such file in DIR",
		"docker/Dockerfile:4: gone*: there is no such file in DIR",
		"docker/Dockerfile:5: ../up leads out of DIR, and only files in there can go with the app",
		"pyproject.toml:6:3: tool.fal.apps.b.app_files[0]: no: there is no such file in DIR",
		"pyproject.toml:8:3: tool.fal.apps.b.app_files[2]: nor: there is no such file in DIR",
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "up"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !errors.As(all(dir), &found) {
		t.Fatal(all(dir))
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.ReplaceAll(filepath.ToSlash(found.Error()), filepath.ToSlash(real), "DIR"), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := len(problems(t, project.Options{Dir: dir, Ref: "b"})); got != 2 {
		t.Errorf("%d problems for one app, want its own", got)
	}
	if _, err := project.Find(project.Options{Dir: dir, Ref: "c"}); err != nil {
		t.Error(err)
	}
}

// A Dockerfile may be anywhere: its problems name it as the table does.
func TestDockerfileElsewhere(t *testing.T) {
	file := filepath.Join(folder(t, "Dockerfile", "FROM x\nCOPY no /d\n"), "Dockerfile")
	dir := folder(t, "pyproject.toml", "[tool.fal.apps.a]\nimage = {dockerfile = '"+file+"'}\n")
	if got := problems(t, project.Options{Dir: dir, Ref: "a"})[0]; got.File != file || got.Line != 2 {
		t.Errorf("%+v", got)
	}
}

// What Python's expressions can and Go's cannot has a hint.
func TestOtherExpressions(t *testing.T) {
	dir := folder(t, "pyproject.toml", "[tool.fal.apps.a]\npython_entry_point = 'm:A'\napp_files = ['.']\napp_files_ignore = ['ok', '(?!x)', '(a)\\1']\n")
	found := problems(t, project.Options{Dir: dir, Ref: "a"})
	if len(found) != 2 || found[0].Key != "tool.fal.apps.a.app_files_ignore[1]" || !strings.Contains(found[0].Hint, "look-ahead") {
		t.Errorf("%+v", found)
	}
}

// What a service may refuse is told and deployed all the same.
func TestDoubts(t *testing.T) {
	for name, test := range map[string]struct{ app, want string }{
		"nothing":          {"[tool.fal.apps.a]\nmax_multiplexing = 1\nmin_concurrency = 2\nmax_concurrency = 2", ""},
		"max_multiplexing": {"[tool.fal.apps.a]\nmax_multiplexing = 0", "pyproject.toml:2:1: tool.fal.apps.a.max_multiplexing: with 0 a runner takes no request"},
		"max_concurrency":  {"[tool.fal.apps.a]\nmax_concurrency = 0", "pyproject.toml:2:1: tool.fal.apps.a.max_concurrency: with 0 there is never a runner"},
		"more than most":   {"[tool.fal.apps.a]\nmin_concurrency = 3\nmax_concurrency = 2", "pyproject.toml:2:1: tool.fal.apps.a.min_concurrency: 3 is more than max_concurrency, which is 2"},
		"name":             {"[tool.fal.apps.a]\nname = 'caf\u00e9'", "pyproject.toml:2:1: tool.fal.apps.a.name: \"caf\u00e9\" may be refused as the name of an app: it has letters"},
		"key":              {"[tool.fal.apps.a]\nname = '_a'", "pyproject.toml:2:1: tool.fal.apps.a.name: \"_a\" may be refused"},
		"two hyphens":      {"[tool.fal.apps.a]\nname = 'a--b'", "pyproject.toml:2:1: tool.fal.apps.a.name: \"a--b\" may be refused as the name of an app: two hyphens"},
	} {
		dir := folder(t, "pyproject.toml", test.app+"\nimage = {image = 'x'}\n")
		target, err := project.Find(project.Options{Dir: dir, Ref: "a"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if said := strings.Join(target.Notices, "\n"); !strings.HasPrefix(said, test.want) || test.want == "" && said != "" || len(target.Notices) > 1 {
			t.Errorf("%s: %q, want %q", name, said, test.want)
		}
	}
}

// A link goes under the name of what it leads to, which is told.
func TestLinkNotices(t *testing.T) {
	dir := folder(t, "pyproject.toml", "[tool.fal.apps.a]\nimage = {dockerfile = 'Dockerfile'}\n", "Dockerfile", "FROM scratch\nCOPY lnk dir shortcut plain /\n",
		"f", "x", "real/g", "x", "dir/h", "x", "plain", "x")
	for link, to := range map[string]string{"lnk": "f", "shortcut": "real", "dir/again": "h"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	want := []string{"dir/again is a link: it goes as dir/h", "lnk is a link: it goes as f", "shortcut is a link: it goes as real"}
	if diff := cmp.Diff(want, load(t, project.Options{Dir: dir, Ref: "a"}).Notices); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"1", "2", "3", "4"} {
		if err := os.Symlink("h", filepath.Join(dir, "dir", name)); err != nil {
			t.Fatal(err)
		}
	}
	if got := load(t, project.Options{Dir: dir, Ref: "a"}).Notices; len(got) != 6 || got[5] != "2 more links go as what they lead to" {
		t.Errorf("%q", got)
	}
}
