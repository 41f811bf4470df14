// Package controllerpb holds the messages and services of the control plane as
// Go types, generated from the .proto files beside them:
//
//	client := controllerpb.NewIsolateControllerClient(conn)
//	reply, err := client.ListRunners(ctx, &controllerpb.ListRunnersRequest{})
//
// Names, numbers and types are those of the service: testdata/wire.md lists
// them, and a test holds the compiled descriptors against that list. Nothing
// in this package but this comment and that test is written by hand.
package controllerpb
