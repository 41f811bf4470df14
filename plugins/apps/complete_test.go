package apps

import "testing"

// What a list printed is offered without another request.
func TestListsFeedCompletion(t *testing.T) {
	for _, tt := range []struct{ list, line, want string }{
		{"list", "status ", "checkout"},
		{"list --filter nothing-such", "scale ", "search\tpublic, XS S, 0 runners"},
		{"list", "scale search --machine-types ", "GPU-H100"},
		{"list --env staging", "rollout --env staging ch", "checkout\tshared"},
		{"list-rev checkout", "set-rev checkout 5", revOld},
		{"list-rev checkout", "rollback checkout --to ", revNew + "\tGPU-H100, 2 runners"},
		{"list-rev checkout--staging", "set-rev checkout --env staging ", revStaging},
		{"list-rev", "delete-rev ", revSearch},
	} {
		t.Run(tt.list+", "+tt.line, func(t *testing.T) {
			newTerm(t).WantFed(tt.list, tt.line, tt.want)
		})
	}
}
