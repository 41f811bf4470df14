// Package transport carries calls to the control plane: [Dial] makes a [Conn]
// for gRPC, [NewRoundTripper] one step of an HTTP client for REST.
//
//	conn, err := transport.Dial(transport.Options{Target: "api.alpha.fal.ai", Authorize: authorize})
//	err = conn.Invoke(ctx, method, request, reply, transport.Repeatable())
//
// It guarantees that
//   - nothing is sent before the first call, and Dial touches no network;
//   - plaintext reaches loopback addresses only, unless the options allow it;
//   - credentials are sent to the configured target and to no other host, a
//     redirect included;
//   - a call is sent again only if it was declared repeatable, or if nothing of
//     it ever left this machine;
//   - a wait between attempts never outlives the context's deadline;
//   - a [CallError] tells an answer of the server from a failure to reach it,
//     and carries the cause of the latter as a typed [Failure];
//   - no [Event] holds a secret.
//
// It knows no message and no method of the services it carries.
package transport
