package suggest

// foreign are words that other programs (kubectl, docker, heroku and their like)
// have for what a command of fal does: below which command of fal they may be
// typed, "" for fal itself, the word, and the command. None of them is a command
// there.
func foreign() [][3]string {
	return [][3]string{
		{"", "logs", "runners logs"},
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
		{"", "status", "apps status"},
		{"", "restart", "apps rollout"},
		{"", "rollout", "apps rollout"},
		{"", "rollback", "apps rollback"},
		{"", "undo", "apps rollback"},
		{"", "scale", "apps scale"},
		{"", "delete", "apps delete"},
		{"", "rm", "apps delete"},
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
		{"apps", "remove", "apps delete"},
		{"apps", "history", "apps list-rev"},

		{"runners", "delete", "runners stop"},
		{"runners", "rm", "runners stop"},
		{"runners", "remove", "runners stop"},
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
		{"secrets", "remove", "secrets unset"},

		{"keys", "add", "keys create"},
		{"keys", "new", "keys create"},
		{"keys", "remove", "keys revoke"},

		{"environments", "add", "environments create"},
		{"environments", "new", "environments create"},
		{"environments", "remove", "environments delete"},
	}
}

// Foreign returns the command, without fal before it, that does what another
// program has a word for: `apps rollout` for restart below apps. noun is "" for
// a word behind fal itself. It is "" for a word that means nothing to anybody.
func Foreign(noun, word string) string {
	for _, f := range foreign() {
		if f[0] == noun && f[1] == word {
			return f[2]
		}
	}
	return ""
}
