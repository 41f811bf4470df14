"""Runs the official client, which uploads source distributions by https alone,
against a server of this machine that speaks http."""

import sys
import urllib.request

original = urllib.request.urlopen


def urlopen(request, *args, **kwargs):
    request.full_url = request.full_url.replace("https://127.0.0.1:", "http://127.0.0.1:")
    return original(request, *args, **kwargs)


urllib.request.urlopen = urlopen

from fal.cli.main import main  # noqa: E402

sys.path.pop(0)
sys.exit(main())
