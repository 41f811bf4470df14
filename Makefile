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
LDFLAGS := -s -w $(if $(VERSION),-X '$(PACKAGE).stamp=fal-version<$(VERSION)>') -X $(PACKAGE).commit=$(COMMIT) -X $(PACKAGE).date=$(DATE)

TOOLS := bin/tools

.PHONY: build install uninstall demo test bench check generate interop cross clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -ldflags "$(LDFLAGS)" -o bin/ $(addprefix ./cmd/,$(BINARIES))

# Installs what was built, and builds only what is missing: `make` as yourself,
# `sudo make install` without Go.
install: $(addprefix bin/,$(BINARIES))
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 $(addprefix bin/,$(BINARIES)) '$(DESTDIR)$(PREFIX)/bin'
	@[ -n '$(DESTDIR)' ] || '$(PREFIX)/bin/fal' plugin check-path

$(addprefix bin/,$(BINARIES)):
	$(MAKE) build

uninstall:
	rm -f $(addprefix '$(DESTDIR)$(PREFIX)/bin'/,$(BINARIES))

demo: build
	@sh cmd/internal/demo/demo.sh bin

# The race detector needs a C compiler; the tests do not.
test:
	@race=; \
	if echo 'int main(void){return 0;}' | cc -x c -o /dev/null - 2>/dev/null && [ "$$($(GO) env CGO_ENABLED)" = 1 ]; then race=-race; fi; \
	set -x; $(GO) test $$race -tags $(TAGS) ./...

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
