"""Runs the official client with the issuer at FAL_AUTH_URL in place of the
service's, whose address it has no setting for."""

import os
import sys

import httpx
import fal.auth.auth0 as auth0

SERVICE = f"https://{auth0.AUTH0_DOMAIN}"
BASE = os.environ["FAL_AUTH_URL"]

auth0.AUTH0_JWKS_URL = f"{BASE}/.well-known/jwks.json"
auth0.AUTH0_ISSUER = f"{BASE}/"
auth0.build_jwk_client = lambda: auth0_jwks()


def auth0_jwks():
    from jwt import PyJWKClient

    return PyJWKClient(auth0.AUTH0_JWKS_URL, cache_keys=True)


def redirected(call):
    return lambda url, *args, **kwargs: call(str(url).replace(SERVICE, BASE, 1), *args, **kwargs)


httpx.get, httpx.post = redirected(httpx.get), redirected(httpx.post)

from fal.cli import main  # noqa: E402

sys.exit(main())
