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
// would refuse, or would ignore, later. Apps of a Python file are prepared by
// the fal package itself; for the others there are these differences:
//
//   - A file that a COPY or app_files names and that is not there is a problem.
//     The official client leaves it out with a notice.
//   - A pattern of .dockerignore that begins with "!" lets files in again, as it
//     does for Docker, and they go with the app. The official client keeps out
//     what any pattern matches, as the patterns do in the request, which is the
//     same for both.
//   - The expressions of app_files_ignore are those of Go's [regexp/syntax]:
//     look-ahead, look-behind and back-references are a problem.
//   - Variables in the sources of COPY and ADD have the values that ENV, ARG and
//     build_args give them, those of the platform that of linux/amd64. A source
//     that is nothing without a value is a problem. The official client looks
//     for a file that is named like the variable.
//
// The distribution of a requirement that is a folder has all files that git has
// there. Of others, which no .gitignore leaves out, it has those that are not
// .env, .venv, node_modules, build, dist or the like.
//
// # Kinds
//
// An app that is an image, or a class that its environment can import, needs
// no Python on this machine, with two exceptions: an entry point without a
// python_version takes that of the Python that is found, and a requirement that
// is a folder whose metadata only its own build knows is built by uv or Python.
// An app of a Python file is loaded by Python, with the fal package that is
// installed there: release 1.78 or newer, and of those above 1.83 a notice says
// that they have not been tried. Which Python that is: [Options.Python], else
// FAL_PYTHON, else that of VIRTUAL_ENV, else what "uv run" uses if the project
// has a uv.lock, else python3.
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
// distributions, which are removed by [Loaded.Close]. What it runs has no
// terminal, and ends with its context; on Linux also with this process.
//
// Files are read when they are asked for, until Close. One that has meanwhile
// become a link out of its folder is not read, and nothing but regular files is.
package project
