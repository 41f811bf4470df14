# Two targets are all a newcomer needs: `make demo` and `make test`.

GO      ?= go
PREFIX  ?= /usr/local
DESTDIR ?=
MANDIR  ?= $(PREFIX)/share/man

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

.PHONY: all build man install uninstall demo test bench check generate interop cross dist clean

all: build man

build:
	CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -ldflags "$(LDFLAGS)" -o bin/ $(addprefix ./cmd/,$(BINARIES))

# The manual pages, from the declarations of the commands.
man:
	$(GO) run -tags $(TAGS) ./cmd/internal/man -version '$(VERSION)' -date '$(DATE)' dist/man/man1

# Installs what was built, and builds only what is missing: `make` as yourself,
# `sudo make install` without Go.
install: $(addprefix bin/,$(BINARIES))
	@[ dist/man/man1/fal.1 -nt bin/fal ] || ! command -v $(GO) >/dev/null || $(MAKE) man
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 $(addprefix bin/,$(BINARIES)) '$(DESTDIR)$(PREFIX)/bin'
	@if [ -f dist/man/man1/fal.1 ]; then echo 'the manual goes to $(DESTDIR)$(MANDIR)/man1'; \
		install -d '$(DESTDIR)$(MANDIR)/man1' && install -m 644 dist/man/man1/fal*.1 '$(DESTDIR)$(MANDIR)/man1'; \
	else echo 'notice: no manual pages are there: make man writes them, with Go' >&2; fi
	@[ -n '$(DESTDIR)' ] || '$(PREFIX)/bin/fal' plugin check-path

$(addprefix bin/,$(BINARIES)):
	$(MAKE) build

# Pages of plugins that others made are left alone: ours begin with a line that
# says so.
uninstall:
	rm -f $(addprefix '$(DESTDIR)$(PREFIX)/bin'/,$(BINARIES))
	for page in '$(DESTDIR)$(MANDIR)/man1'/fal*.1; do \
		if head -1 "$$page" 2>/dev/null | grep -q 'a program of $(MODULE)\.$$'; then rm -f "$$page"; fi; \
	done

demo: build
	@CGO_ENABLED=0 $(GO) build -trimpath -o bin/demo/hello ./cmd/internal/demo/hello
	@sh cmd/internal/demo/demo.sh bin bin/demo/hello

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
	rm -rf completions
	$(GO) run -tags $(TAGS) ./plugins/internal/cli/writecompletions -o completions $(BINARIES)

# Needs python3 with venv; the official client is installed outside the tree.
interop:
	$(GO) test -tags 'interop $(TAGS)' -count=1 -timeout 30m ./cmd/internal/interop/...

cross:
	@sh cmd/internal/check/cross.sh

# What is handed out, for every system: archives, .deb and .rpm packages and
# their checksums, the same bytes whoever builds the same commit.
dist:
	$(GO) run ./cmd/internal/dist -tags '$(TAGS)' -ldflags "$(LDFLAGS)" -version '$(VERSION)' -commit '$(COMMIT)' -date '$(DATE)'

.PHONY: tools
tools:
	@mkdir -p $(TOOLS)
	cd cmd/internal/tools && $(GO) build -o '$(CURDIR)/$(TOOLS)/' tool

clean:
	rm -rf bin dist
