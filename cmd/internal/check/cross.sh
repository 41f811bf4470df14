#!/bin/sh
# Builds everything for every system and processor that is promised.
set -eu
cd "$(dirname "$0")/../../.."
for os in linux darwin windows; do
	for arch in amd64 arm64; do
		printf '%s/%s\n' "$os" "$arch"
		CGO_ENABLED=0 GOOS=$os GOARCH=$arch ${GO:-go} build -tags urfave_cli_no_docs ./...
	done
done
