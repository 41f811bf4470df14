package environments

import "testing"

// What a list printed is offered without another request.
func TestListsFeedCompletion(t *testing.T) {
	for _, tt := range []struct{ list, line, want string }{
		{"list", "delete ", "staging\tbefore [red]"},
		{"delete --dry-run dev", "delete m", "main\tdefault"},
	} {
		t.Run(tt.list+", "+tt.line, func(t *testing.T) {
			newTerm(t).WantFed(tt.list, tt.line, tt.want)
		})
	}
}
