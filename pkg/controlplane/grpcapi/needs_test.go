package grpcapi

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// TestEveryMethodHasANeed fails when the service gets a method that nobody has
// thought about, and when one that changes something is open to API keys.
func TestEveryMethodHasANeed(t *testing.T) {
	service := pb.IsolateController_ServiceDesc
	var methods []string
	for _, m := range service.Methods {
		methods = append(methods, m.MethodName)
	}
	for _, m := range service.Streams {
		methods = append(methods, m.StreamName)
	}
	if len(methods) < 25 {
		t.Fatalf("the service has %d methods", len(methods))
	}
	for _, method := range methods {
		need, err := needOf("/" + service.ServiceName + "/" + method)
		if err != nil {
			t.Error(err)
			continue
		}
		var want state.Need
		switch {
		case strings.Contains(method, "Key"):
			want = state.ToManageKeys
		case strings.Contains(method, "Secret"):
			want = state.ToManageSecrets
		case strings.Contains(method, "Shell"):
			want = state.ToOpenShells
		case strings.HasPrefix(method, "List"):
			want = state.ToRead
		default:
			want = state.ToChange
		}
		if need != want {
			t.Errorf("%s needs %q, want %q", method, need, want)
		}
	}
	if _, err := needOf("/" + service.ServiceName + "/Unheard"); err == nil {
		t.Error("a method that is not in the table may be called")
	}
}
