from dataclasses import dataclass


@dataclass
class FalServerlessKeyCredentials:
    id: str
    secret: str


def get_credentials(team=None, key=None, profile=None):
    import os

    if os.environ.get("FAL_KEY") != "loader:loader":
        raise AssertionError("somebody's credentials are read")
    return FalServerlessKeyCredentials("env", "env")


@dataclass
class FalServerlessConnection:
    hostname: str
    credentials: object
    _stub: object = None

    @property
    def stub(self):
        assert self._stub is not None, "the service is called"
        return self._stub
