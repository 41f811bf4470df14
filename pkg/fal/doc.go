// Package fal is a client of fal serverless: it manages what runs there.
//
//	client, err := fal.New(fal.Options{Credentials: fal.Key{ID: id, Secret: secret}})
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	for runner, err := range client.Runners.List(ctx, nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(runner.ID, runner.State)
//	}
//
// The services of a [Client] mirror the commands: Runners lists, stops and
// kills runners. Their methods take a context, what is required, and a pointer
// to parameters, of which nil means the defaults. Lists are iterators; each
// range over one makes the call anew, and an error ends it.
//
// The package guarantees that
//   - it reads no file and no environment variable (the system's root
//     certificates apart), and changes no global state;
//   - [New] does not touch the network, and a Client may be used by several
//     goroutines at once;
//   - credentials go to the configured hosts only, and no error, trace event or
//     formatted value shows a secret;
//   - errors of calls are of type *[Error], for errors.Is with the sentinels
//     such as [ErrNotFound], and errors.As;
//   - the context's deadline is the only one, and it includes retries. Reading
//     calls are tried five times when the service is unavailable, those that
//     change something only while nothing of them has left this machine.
package fal
