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
// The services of a [Client] mirror the commands: Apps lists, scales, rolls out
// and deletes apps and their revisions; Runners lists, stops and kills what
// runs; Keys, Secrets and Environments list, make and delete what they are
// named after; Accounts tells whom the credentials may act as. Their methods
// take a context, what is required, and a pointer to parameters, of which nil
// means the defaults. Lists are iterators; each range over one makes the call
// anew, and an error ends it.
//
// What is omitted keeps its value, and zero is a value: optional parameters are
// pointers.
//
//	none := time.Duration(0)
//	app, err := client.Apps.Scale(ctx, "checkout", &fal.AppsScaleParams{KeepAlive: &none})
//
// Apps and secrets are those of [Options.Environment]; apps are named without
// its suffix. A name is made to call another revision, here the newest, with
//
//	var newest fal.Revision
//	for revision, err := range client.Apps.Revisions(ctx, &fal.AppsRevisionsParams{App: "checkout"}) {
//		if err != nil {
//			return err
//		}
//		if revision.CreatedAt.After(newest.CreatedAt) {
//			newest = revision
//		}
//	}
//	app, err := client.Apps.SetRevision(ctx, "checkout", newest.ID, nil)
//
// A key's secret is answered once, by the call that makes it, and the value of
// a secret never:
//
//	key, err := client.Keys.Create(ctx, fal.KeyScopeAPI, nil)
//	if err != nil {
//		return err
//	}
//	err = client.Secrets.Set(ctx, "CALLBACK_KEY", key.ID+":"+key.Secret, nil)
//
// An app is deployed from a value that says what it is made of, here an image
// with the files of a folder. What happens is told while it does.
//
//	deployment, err := client.Deploy(ctx, fal.App{
//		Name:        "search",
//		Build:       fal.Image{Reference: "docker.io/acme/search:3", Cmd: &fal.Command{Exec: []string{"serve"}}},
//		Files:       os.DirFS("search"),
//		ExposedPort: &port,
//	}, &fal.DeployParams{Progress: func(e fal.DeployEvent) {
//		if e.Log != nil {
//			log.Println(e.Phase, e.Log.Message)
//		}
//	}})
//	if errors.Is(err, fal.ErrDeployFailed) {
//		return fmt.Errorf("look into the log: %w", err)
//	}
//	if err != nil {
//		return err
//	}
//	fmt.Println(deployment.Revision, deployment.URLs.Run)
//
// [Client.PlanDeploy] tells what that would do, and does none of it.
//
// The package guarantees that
//   - it reads no file and no environment variable (the system's root
//     certificates and what [App] names apart), and changes no global state;
//   - [New] does not touch the network, and a Client may be used by several
//     goroutines at once;
//   - credentials go to the configured hosts only, and no error, trace event or
//     formatted value shows a secret;
//   - errors of calls are of type *[Error], for errors.Is with the sentinels
//     such as [ErrNotFound], and errors.As; a [DeployError] wraps them. What a
//     request cannot carry, such as half a second, is [ErrInvalidArgument], and
//     nothing is sent;
//   - the context's deadline is the only one, and it includes retries. Calls
//     that read, and those that set something to a value (Apps.Scale,
//     Apps.SetRevision, Secrets.Set), are tried five times when the service is
//     unavailable, uploads are taken up where they broke, others are tried
//     again only while nothing of them has left this machine;
//   - numbers of the service that the package does not know, such as another
//     state or mode, are kept and break no list.
package fal
