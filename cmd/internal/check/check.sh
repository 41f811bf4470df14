#!/bin/sh
# Everything that can be checked without running the programs.
set -eu
cd "$(dirname "$0")/../../.."
GO=${GO:-go}
tags=urfave_cli_no_docs
tools=$PWD/bin/tools

step() { printf '== %s\n' "$1"; }

step gofmt
unformatted=$("$($GO env GOROOT)/bin/gofmt" -l cmd pkg plugins)
[ -z "$unformatted" ] || { printf 'not formatted:\n%s\n' "$unformatted" >&2; exit 1; }

step 'go mod tidy'
$GO mod tidy -diff
(cd cmd/internal/tools && $GO mod tidy -diff)
(cd cmd/internal/dist/nfpm && $GO mod tidy -diff)

step 'go vet'
$GO vet -tags "$tags" ./...
$GO vet -tags "$tags interop" ./cmd/internal/interop/...

step 'pinned tools'
mkdir -p "$tools"
(cd cmd/internal/tools && $GO build -o "$tools/" tool)

step staticcheck
"$tools/staticcheck" -tags "$tags" ./...

step 'generated files'
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
(cd pkg/internal/controllerpb && PATH="$tools:$PATH" buf generate --output "$fresh")
for f in pkg/internal/controllerpb/*.pb.go; do
	cmp "$f" "$fresh/$(basename "$f")" || { echo "run make generate" >&2; exit 1; }
done
[ "$(ls "$fresh" | wc -l)" -eq "$(ls pkg/internal/controllerpb/*.pb.go | wc -l)" ] || { echo 'generated files differ in number: run make generate' >&2; exit 1; }
$GO run -tags "$tags" ./plugins/internal/cli/writecompletions -o "$fresh/completions" $(basename -a cmd/fal cmd/fal-*)
diff -r completions "$fresh/completions" || { echo 'completions differ: run make generate' >&2; exit 1; }

step 'import rules'
$GO test -tags "$tags" -count=1 ./cmd/internal/check

step 'other systems'
sh cmd/internal/check/cross.sh
