package cli

// pyprojectTopic describes the table of an app. What reads it is in another
// program than most that show the page; a test of that program holds the two
// together.
func pyprojectTopic() topic {
	return topic{
		title: "Apps in pyproject.toml",
		intro: "`fal deploy NAME` deploys the table [tool.fal.apps.NAME] of the nearest pyproject.toml, at whose folder all paths begin. It has ref or python_entry_point, either of them with or without image, or image alone; a key that is not listed here is an error.",
		sections: []HelpSection{
			{Title: "What the app is", Rows: [][2]string{
				{"ref", `string: "file.py::Class", a Python file that Python loads here; the class is a fal.App`},
				{"python_entry_point", `string: "module:Symbol", of a package that is installed there; Symbol is a fal.App class. No Python is needed here`},
				{"image", "table: a container image, below; alone, it is the whole app"},
			}},
			{Title: "Deployment", Rows: [][2]string{
				{"name", "string: name of the app; that of the table without it"},
				{"team", "string: account to deploy to; --team goes before it"},
				{"auth", "private, public or shared: who may call it. Without it a new app is private, and one that exists stays as it is"},
				{"deployment_strategy", "rolling, the default, or recreate"},
				{"app_scale_settings", "boolean: true is --reset-scale"},
				{"no_scale", "boolean: its deprecated opposite"},
				{"secrets", "list of strings: the secrets that the app gets; all that are exposed by default without it"},
				{"data_mounts", "list of strings, handed on: what is mounted"},
				{"private_logs", "boolean: keep the logs private"},
			}},
			{Title: "Python and files", Rows: [][2]string{
				{"requirements", `list of strings, or of lists of them, which are layers that are built one after the other. One that is a folder (".", ".[extra]", "../lib") is packed and sent: a python_entry_point needs that of its own package, mostly ".", with a pyproject.toml that has [project] name and version, and "fal"`},
				{"requirements_context_dir", "string: folder at which those paths begin"},
				{"python_version", `string, as "3.12"`},
				{"app_files", "list of strings: files and folders to send along; not with image"},
				{"app_files_ignore", "list of strings: regular expressions of paths to leave out"},
				{"app_files_context_dir", "string: folder at which app_files begin"},
			}},
			{Title: "Machines and scaling (kept for an app that exists, unless --reset-scale)", Rows: [][2]string{
				{"machine_type", `string or list of strings; "XS" without it. From the code each time`},
				{"num_gpus", "whole number. From the code each time"},
				{"regions", "list of us-west, us-central, us-east, eu-north, eu-west"},
				{"min_concurrency, max_concurrency", "whole numbers: runners at least and at most; 0 and 2"},
				{"concurrency_buffer", "whole number: runners to spare"},
				{"concurrency_buffer_perc", "whole number: the same in per cent of those in use"},
				{"scaling_delay", "seconds that a request waits before a runner is added"},
				{"keep_alive", "seconds that an idle runner stays; 10"},
				{"max_multiplexing", "whole number: requests that a runner takes at once; 1. From the code each time"},
				{"request_timeout", "seconds; 3600"},
				{"startup_timeout", "seconds; 600. From the code each time"},
				{"termination_grace_period_seconds", "seconds that a runner has to end. From the code each time"},
			}},
			{Title: "Requests", Rows: [][2]string{
				{"exposed_port", "port that the app listens on, 0 to 65535; 8080 for Python"},
				{"metrics_port", "port of its metrics"},
				{"health_check", `table: path = "/health", and if need be method (GET or POST), start_period_seconds, timeout_seconds, failure_threshold (whole numbers) and call_regularly (boolean)`},
				{"skip_retry_conditions", "list of timeout, server_error, connection_error: what is not tried again"},
				{"retry_config", "table: for each of these { retries = n }"},
				{"_scheduler, _scheduler_options", "string and table, handed on"},
			}},
			{Title: "In image", Rows: [][2]string{
				{"dockerfile", `string: path of a Dockerfile; what it copies is sent along`},
				{"image", `string: or a reference, as "python:3.12-slim"`},
				{"build_args, secrets", "tables of strings, for a dockerfile"},
				{"entrypoint, cmd", "string or list of strings, instead of the image's own"},
				{"registries", `table: "<host>" = { username = "...", password = "..." }`},
			}},
			{Title: "Left out", Rows: [][2]string{
				{"with a dockerfile", "what .dockerignore beside the pyproject.toml says. Without that file: .git, .gitignore, .dockerignore, Dockerfile, Dockerfile.*, *.md, __pycache__, *.pyc, .DS_Store, .venv, venv, .env, node_modules. An empty .dockerignore leaves out nothing"},
				{"what says so", "a COPY or ADD of a file or folder that is left out is an error, which names the rule. Of what the rules without .dockerignore keep from a COPY of a folder, a notice names *.md, .env and node_modules; the rest, and all that .dockerignore says, is left out silently"},
				{"to see it", "`fal deploy NAME --dry-run` lists the files that go up"},
			}},
		},
		examples: []Example{
			{Comment: "what an app would send", Line: "fal deploy my-app --dry-run"},
		},
	}
}
