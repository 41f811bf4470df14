#!/bin/sh
# The main job, for real: a control plane on this machine, runners that are
# processes, the commands that list them, and an app that is deployed and answers.
# Leaves nothing running.
#
#	demo.sh BIN HELLO	the folder of the programs, and the app's program
set -eu
bin=$(cd "${1:-bin}" && pwd)
app=$(cd "$(dirname "$0")/hello" && pwd)
hello=$(cd "$(dirname "${2:-$bin/demo/hello}")" && pwd)/$(basename "${2:-hello}")
PATH=$bin:$PATH
export PATH
HOME=$(mktemp -d)
export HOME
unset FAL_KEY FAL_KEY_ID FAL_KEY_SECRET FAL_PROFILE FAL_HOST FAL_GRPC_HOST FAL_REST_HOST FAL_CONFIG_PATH FAL_HOME_DIR FAL_OUTPUT FAL_ENV FAL_URL_OUTPUT FAL_DEPLOY_CHECK 2>/dev/null || :

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

mkdir "$HOME/hello"
cp "$app/Dockerfile" "$app/pyproject.toml" "$hello" "$HOME/hello"
cd "$HOME/hello"
show 'fal deploy hello'
if command -v curl >/dev/null 2>&1; then
	show 'curl -s "http://$FAL_REST_HOST/local/hello/world"'
fi
cd /

show 'fal local stop'
