package runners

import "testing"

// What a list printed is offered without another request.
func TestListsFeedCompletion(t *testing.T) {
	for _, tt := range []struct{ list, line, want string }{
		{"list", "stop ", idA + "\tcheckout RUNNING 2h13m"},
		{"list --app checkout", "kill ", idB + "\tcheckout--staging RUNNING 1m"},
		{"list --state idle", "describe ", idC + "\tcheckout IDLE"},
		{"list --since 1h", "shell 4f2b", idB},
		{"stop --dry-run --all", "exec ", idD},
		{"list", "logs app/", "app/checkout--staging\t1 runner"},
		{"list", "list --app ", "checkout\t2 runners"},
		{"list", "stop --app ch", "checkout--staging\t"},
	} {
		t.Run(tt.list+", "+tt.line, func(t *testing.T) {
			newTerm(t).WantFed(tt.list, tt.line, tt.want)
		})
	}
}
