"""As much of the fal package as a loader meets, without a service behind it."""

from fal.api import IsolatedFunction
from fal.sdk import get_credentials


class App:
    machine_type = "S"
    num_gpus = regions = requirements = secrets = None
    host_kwargs = {"keep_alive": 60}

    def __init_subclass__(cls, broken=False, **options):
        if broken:
            raise ValueError("the class is broken")
        cls.host_kwargs = {**cls.host_kwargs, **options}


def function(*_, **options):
    # It has credentials as soon as it is defined.
    return lambda f: IsolatedFunction(f, get_credentials(), options)
