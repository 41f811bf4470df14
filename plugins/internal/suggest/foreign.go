package suggest

// foreign are words that other programs (kubectl, docker, heroku and their like)
// have for what a command of fal does: below which command of fal they may be
// typed, "" for fal itself, the word, and the command. None of them is a command
// there. A word for two commands is there twice. A word that Alike knows is here
// only where it stands for something else, or for fal itself.
func foreign() [][3]string {
	return [][3]string{
		{"", "logs", "apps logs"},
		{"", "logs", "runners logs"},
		{"", "log", "apps logs"},
		{"", "log", "runners logs"},
		{"", "ps", "runners list"},
		{"", "top", "runners gpus"},
		{"", "exec", "runners exec"},
		{"", "shell", "runners shell"},
		{"", "ssh", "runners shell"},
		{"", "attach", "runners shell"},
		{"", "stop", "runners stop"},
		{"", "kill", "runners kill"},
		{"", "list", "apps list"},
		{"", "ls", "apps list"},
		{"", "get", "apps list"},
		{"", "describe", "apps describe"},
		{"", "describe", "runners describe"},
		{"", "show", "apps describe"},
		{"", "show", "runners describe"},
		{"", "inspect", "apps describe"},
		{"", "inspect", "runners describe"},
		{"", "status", "apps status"},
		{"", "restart", "apps rollout"},
		{"", "rollout", "apps rollout"},
		{"", "rollback", "apps rollback"},
		{"", "undo", "apps rollback"},
		{"", "scale", "apps scale"},
		{"", "delete", "apps delete"},
		{"", "rm", "apps delete"},
		{"", "remove", "apps delete"},
		{"", "del", "apps delete"},
		{"", "revisions", "apps list-rev"},
		{"", "history", "apps list-rev"},
		{"", "up", "deploy"},
		{"", "push", "deploy"},
		{"", "apply", "deploy"},
		{"", "publish", "deploy"},
		{"", "start", "local start"},
		{"", "config", "profile list"},
		{"", "switch", "account set"},

		{"apps", "exec", "runners exec"},
		{"apps", "shell", "runners shell"},
		{"apps", "ssh", "runners shell"},
		{"apps", "restart", "apps rollout"},
		{"apps", "redeploy", "apps rollout"},
		{"apps", "stop", "runners stop"},
		{"apps", "kill", "runners kill"},
		{"apps", "ps", "apps runners"},
		{"apps", "create", "deploy"},
		{"apps", "deploy", "deploy"},
		{"apps", "history", "apps list-rev"},

		{"runners", "delete", "runners stop"},
		{"runners", "rm", "runners stop"},
		{"runners", "remove", "runners stop"},
		{"runners", "del", "runners stop"},
		{"runners", "terminate", "runners kill"},
		{"runners", "restart", "apps rollout"},
		{"runners", "scale", "apps scale"},
		{"runners", "ps", "runners list"},
		{"runners", "top", "runners gpus"},
		{"runners", "ssh", "runners shell"},
		{"runners", "attach", "runners shell"},
		{"runners", "run", "runners exec"},

		{"secrets", "create", "secrets set"},
		{"secrets", "add", "secrets set"},
		{"secrets", "put", "secrets set"},
		{"secrets", "update", "secrets set"},

		{"auth", "get", "auth whoami"},
		{"auth", "show", "auth whoami"},
		{"auth", "status", "auth whoami"},

		{"account", "get", "auth whoami"},
		{"account", "show", "auth whoami"},

		{"local", "delete", "local reset"},
		{"local", "rm", "local reset"},
		{"local", "remove", "local reset"},
		{"local", "del", "local reset"},
	}
}

// Foreign returns the commands, without fal before them, that do what another
// program has a word for: `apps rollout` for restart below apps. noun is "" for
// a word behind fal itself. There are none for a word that means nothing to
// anybody.
func Foreign(noun, word string) []string {
	var meant []string
	for _, f := range foreign() {
		if f[0] == noun && f[1] == word {
			meant = append(meant, f[2])
		}
	}
	return meant
}
