package cli

import (
	"bytes"
	"io"
	"maps"
	"slices"
)

// topic is a page of help about what all commands have in common.
type topic struct {
	title    string
	intro    string
	sections []HelpSection
	examples []Example
}

// TopicNames are the pages of help that are no command, sorted.
func TopicNames() []string { return slices.Sorted(maps.Keys(topics(&App{}, ""))) }

// IsTopic reports whether word names a page of help that is no command.
func IsTopic(word string) bool {
	_, ok := topics(&App{}, "")[word]
	return ok
}

func topics(app *App, typed string) map[string]topic {
	return map[string]topic{
		"jq":        jqTopic(app, typed),
		"pyproject": pyprojectTopic(),
		"exit-codes": {
			title: "Exit codes",
			intro: "Every program of the suite uses the same codes.",
			sections: []HelpSection{{Title: "Codes", Rows: [][2]string{
				{"0", "done; an empty list is no error"},
				{"1", "failed, in part too, or a condition was not reached in time"},
				{"2", "usage: a flag, value or argument, an unknown profile, a malformed key, a broken configuration file, an invalid jq expression"},
				{"3", "what was named does not exist; with a login, the account of --team too"},
				{"4", "not authenticated, or not allowed; with a key, --team with an account that is not the key's"},
				{"5", "the jq expression failed on the data; halt_error gives its own code"},
				{"6", "the service could not be reached or did not answer in time"},
				{"127", "fal: no such command"},
				{"130", "interrupted (Ctrl-C)"},
				{"255", "`runners exec` and `runners shell` exit as the remote command does; 255 if the session did not come about or broke off, whatever the cause. Usage is 2 and Ctrl-C 130 here, too"},
			}}},
		},
		"environment": {
			title: "Environment variables",
			intro: "Flags win over variables, variables over the configuration file. The exception is --profile: a profile named on the command line decides key and host together, and FAL_KEY and FAL_HOST are then ignored with a notice.",
			sections: []HelpSection{
				{Title: "Account", Rows: [][2]string{
					{"FAL_KEY", "the key, as <id>:<secret>"},
					{"FAL_KEY_ID, FAL_KEY_SECRET", "the same in two halves; used when neither FAL_KEY nor the profile has one"},
					{"FAL_PROFILE", "profile of the configuration file"},
					{"FAL_CONFIG_PATH", "configuration file instead of ~/.fal/config.toml"},
					{"FAL_HOME_DIR", "folder of the login instead of ~/.fal; the data folder of `fal local` is local in it, unless --data-dir names one"},
					{"FAL_FORCE_AUTH_BY_USER", "1: use the login, not a key"},
					{"FAL_AUTH_URL", "issuer of the login, for FAL_HOST; --profile and --host set it aside"},
					{"FAL_ENV", "default of --env"},
				}},
				{Title: "Hosts", Rows: [][2]string{
					{"FAL_HOST", "host of the service; begins with `api` unless it is this machine"},
					{"FAL_GRPC_HOST, FAL_REST_HOST", "hosts of its two sides, when they differ"},
					{"FAL_RUN_HOST, FAL_QUEUE_RUN_HOST", "hosts that serve apps and their queues, as in the official client. They must be well-formed; no command calls them"},
					{"ISOLATE_TEST_MODE", "1: plaintext to any host"},
					{"ISOLATE_AUTH_DISABLED", "1: send no credentials"},
				}},
				{Title: "Deploying", Rows: [][2]string{
					{"FAL_PYTHON", "interpreter that loads Python files, unless --python names one; without it that of VIRTUAL_ENV, uv or python3"},
					{"FAL_DEPLOY_CHECK", "1: deploy as with --check"},
					{"FAL_URL_OUTPUT", "which URLs of a deployed app people are shown: all, playground or none"},
				}},
				{Title: "Network", Rows: [][2]string{
					{"HTTPS_PROXY", "proxy to go through, as http://<user>:<password>@<host>:<port>; also https and socks5"},
					{"NO_PROXY", "hosts to reach without it, with commas between them; both are read in small letters too"},
					{"SSL_CERT_FILE, SSL_CERT_DIR", "a file, and folders, of certificate authorities to trust"},
					{"GOPROXY", "module proxies, of which `fal doctor --check-updates` asks the first"},
				}},
				{Title: "Output", Rows: [][2]string{
					{"FAL_OUTPUT", "format of commands that print records, as --output"},
					{"NO_COLOR", "not empty: no colour"},
					{"CLICOLOR_FORCE", "not 0: colour in pipes too"},
					{"FAL_DONT_OPEN_LINKS", "1: print addresses, and open no browser"},
					{"FAL_CACHE_DIR", "folder of what is kept to save requests"},
				}},
			},
		},
		"output": {
			title: "Output",
			intro: "stdout carries data and nothing else; notices, questions and progress go to stderr. Commands that print records show a table on a terminal and one line of JSON in a pipe; all others print text unless JSON is asked for.",
			sections: []HelpSection{
				{Title: "Formats (--output, -o, FAL_OUTPUT)", Rows: [][2]string{
					{"pretty", "a table; columns are left out when the terminal is narrow, ids are never cut"},
					{"wide", "a table with every column"},
					{"json", "one object; indented on a terminal (also --json)"},
					{"jsonl", "one object a record, one a line"},
					{"yaml", "the same keys as JSON"},
					{"tsv, csv", "a header line, which names the columns as the table does, in small letters and not always as JSON does, and every column; lengths of time and sizes are numbers, points in time text. A record that is no list has its JSON keys there"},
					{"name", "the id of each record, one a line; of what was to be changed, only what was. It is for lists: a command that prints one record, or a log, mostly has none"},
				}},
				{Title: "Filtering", Rows: [][2]string{
					{"--jq EXPR, -q EXPR", "filters the JSON in the program itself; `help jq` describes it"},
				}},
				{Title: "Errors", Rows: [][2]string{
					{"text", "one line on stderr, then lines with a hint"},
					{"with JSON", `{"error": {"code", "message", "hints"}} on stderr`},
				}},
			},
		},
	}
}

// topic writes a page, with more sections behind its own.
func (h helpText) topic(w io.Writer, t topic, more []HelpSection) error {
	var b bytes.Buffer
	h.heading(&b, t.title)
	h.wrap(&b, t.intro, 0)
	for _, s := range slices.Concat(t.sections, more) {
		h.section(&b, s.Title, s.Rows)
	}
	h.examples(&b, "Recipes", t.examples)
	_, err := w.Write(b.Bytes())
	return err
}
