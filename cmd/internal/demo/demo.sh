#!/bin/sh
# The main job, for real: a control plane on this machine, runners that are
# processes, and the commands that list them. Leaves nothing running.
set -eu
bin=$(cd "${1:-bin}" && pwd)
PATH=$bin:$PATH
export PATH
HOME=$(mktemp -d)
export HOME
unset FAL_KEY FAL_KEY_ID FAL_KEY_SECRET FAL_PROFILE FAL_HOST FAL_GRPC_HOST FAL_REST_HOST FAL_CONFIG_PATH FAL_HOME_DIR FAL_OUTPUT 2>/dev/null || :

clean() {
	fal local stop >/dev/null 2>&1 || :
	rm -rf "$HOME"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

show() { printf '\n$ %s\n' "$1"; eval "$1"; }

show 'fal local start --sample'
show 'eval "$(fal local env)"'
show 'fal runners list -o pretty'
if command -v jq >/dev/null 2>&1; then
	show "fal runners list | jq -r '.runners[].runner_id'"
else
	show "fal runners list | tr , '\\n' | grep runner_id"
fi
show "fal runners list --jq '.runners[] | \"\\(.runner_id) \\(.state)\"'"
show 'fal local stop'
