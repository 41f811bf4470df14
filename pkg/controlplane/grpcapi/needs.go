package grpcapi

import (
	"fmt"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	pb "github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// needOf is the table of what a method needs its caller to be allowed. Methods
// that are not served are in it too, so that serving one never opens it to
// every key.
func needOf(method string) (state.Need, error) {
	switch method {
	case pb.IsolateController_ListApplications_FullMethodName,
		pb.IsolateController_ListAliases_FullMethodName,
		pb.IsolateController_ListAliasRunners_FullMethodName,
		pb.IsolateController_ListRunners_FullMethodName,
		pb.IsolateController_ListEnvironments_FullMethodName:
		return state.ToRead, nil
	case pb.IsolateController_Run_FullMethodName,
		pb.IsolateController_InteractiveRun_FullMethodName,
		pb.IsolateController_Map_FullMethodName,
		pb.IsolateController_BuildEnvironment_FullMethodName,
		pb.IsolateController_RegisterApplication_FullMethodName,
		pb.IsolateController_UpdateApplication_FullMethodName,
		pb.IsolateController_DeleteApplication_FullMethodName,
		pb.IsolateController_RolloutApplication_FullMethodName,
		pb.IsolateController_SetAlias_FullMethodName,
		pb.IsolateController_DeleteAlias_FullMethodName,
		pb.IsolateController_StopRunner_FullMethodName,
		pb.IsolateController_KillRunner_FullMethodName,
		pb.IsolateController_CreateEnvironment_FullMethodName,
		pb.IsolateController_DeleteEnvironment_FullMethodName:
		return state.ToChange, nil
	case pb.IsolateController_ShellRunner_FullMethodName:
		return state.ToOpenShells, nil
	case pb.IsolateController_CreateUserKey_FullMethodName,
		pb.IsolateController_ListUserKeys_FullMethodName,
		pb.IsolateController_RevokeUserKey_FullMethodName:
		return state.ToManageKeys, nil
	case pb.IsolateController_SetSecret_FullMethodName,
		pb.IsolateController_ListSecrets_FullMethodName:
		return state.ToManageSecrets, nil
	}
	return 0, fmt.Errorf("nothing says who may call %s", method)
}
