# Two targets are all a newcomer needs: `make demo` and `make test`.

GO      ?= go
PREFIX  ?= /usr/local
DESTDIR ?=

MODULE   := github.com/fal-plugins/fal
BINARIES := $(notdir $(wildcard cmd/fal cmd/fal-*))
PACKAGE  := $(MODULE)/plugins/internal/version

VERSION ?= $(shell git describe --tags --match 'v*' --dirty 2>/dev/null | sed 's/^v//')
COMMIT  ?= $(shell git rev-parse --verify -q HEAD 2>/dev/null)
DATE    ?= $(shell git log -1 --format=%cI 2>/dev/null)

# urfave's documentation generator costs more at start-up than the rest of it.
TAGS    := urfave_cli_no_docs
LDFLAGS := -s -w -X $(PACKAGE).version=$(VERSION) -X $(PACKAGE).commit=$(COMMIT) -X $(PACKAGE).date=$(DATE)

# The race detector needs a C compiler; the tests do not.
RACE := $(shell command -v cc >/dev/null 2>&1 && [ "$$($(GO) env CGO_ENABLED)" = 1 ] && echo -race)

TOOLS := bin/tools

.PHONY: build install uninstall demo test bench check generate interop cross clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/ $(addprefix ./cmd/,$(BINARIES))

install: build
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 $(addprefix bin/,$(BINARIES)) '$(DESTDIR)$(PREFIX)/bin'
	@[ -n '$(DESTDIR)' ] || '$(PREFIX)/bin/fal' plugin check-path

uninstall:
	rm -f $(addprefix '$(DESTDIR)$(PREFIX)/bin'/,$(BINARIES))

demo: build
	@sh cmd/internal/demo/demo.sh bin

test:
	$(GO) test $(RACE) -tags $(TAGS) ./...

bench: build
	$(GO) run ./cmd/internal/bench

check:
	@sh cmd/internal/check/check.sh

generate: tools
	cd pkg/internal/controllerpb && PATH="$(CURDIR)/$(TOOLS):$$PATH" buf generate

# Needs python3 with venv; the official client is installed outside the tree.
interop:
	$(GO) test -tags 'interop $(TAGS)' -count=1 -timeout 30m ./cmd/internal/interop/...

cross:
	@sh cmd/internal/check/cross.sh

.PHONY: tools
tools:
	@mkdir -p $(TOOLS)
	cd cmd/internal/tools && $(GO) build -o '$(CURDIR)/$(TOOLS)/' tool

clean:
	rm -rf bin dist
