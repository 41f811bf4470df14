"""As much of the fal package as a loader meets, without a service behind it."""

from fal.api import IsolatedFunction
from fal.sdk import get_credentials


class App:
    def __init_subclass__(cls, broken=False):
        if broken:
            raise ValueError("the class is broken")


def function(*_, **__):
    # It has credentials as soon as it is defined.
    return lambda f: IsolatedFunction(f, get_credentials())
