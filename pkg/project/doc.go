// Package project makes what is deployed, a [fal.App], from what a folder
// holds: an app of a pyproject.toml, or a Python file.
//
//	target, err := project.Find(project.Options{Dir: ".", Ref: "my-app", Stderr: os.Stderr})
//	if err != nil {
//		return err // project.Problems: all of them, each with its place
//	}
//	loaded, err := target.Load(ctx)
//	if err != nil {
//		return err
//	}
//	defer loaded.Close()
//	deployment, err := client.Deploy(ctx, loaded.App, &fal.DeployParams{Strategy: target.Strategy})
//
// References, keys and their meaning are those of the official Python client,
// so that a project which one of both deploys is deployed by the other, with
// the same requests. What this package checks beyond it is what the service
// would refuse, or would ignore, later.
//
// # Kinds
//
// An app that is an image, or a class that its environment can import, needs
// no Python on this machine, with two exceptions: an entry point without a
// python_version takes that of the Python that is found, and a requirement that
// is a folder whose metadata only its own build knows is built by uv or Python.
// An app of a Python file is loaded by Python, with the fal package that is
// installed there: release 1.78 or newer, and of those above 1.83 a notice says
// that they have not been tried. Which Python that is: [Options.Python], else FAL_PYTHON, else that of VIRTUAL_ENV, else what
// "uv run" uses if the project has a uv.lock, else python3.
//
// # Guarantees
//
// Find reads files and runs nothing. It gives all problems of the app at once,
// not the first alone; [FindAll] those of all apps of the file. Nothing is
// taken over silently: an unknown key is a problem. No error and no notice has
// the value of a build secret or a registry's password in it, nor the source
// line of a file that is not TOML.
//
// Load hashes and sends nothing. It may run Python and build source
// distributions, which are removed by [Loaded.Close].
package project
