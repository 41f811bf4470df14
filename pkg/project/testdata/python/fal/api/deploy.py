import os
import runpy

import fal
from fal.api import IsolatedFunction


class Message:
    def __init__(self, name):
        with open(os.path.join(os.environ["FAKE_FAL"], name), "rb") as file:
            self.content = file.read()

    def SerializeToString(self):
        return self.content


class Prepared:
    def __init__(self, host, display_name):
        self.host, self.display_name = host, display_name


def prepare_deployment(client, app_ref, *, app_name=None, auth=None):
    print("reference", app_ref[0] if app_name is None else app_name, auth)
    path, symbol = app_ref
    if not path.endswith(".py"):
        path, symbol = os.path.abspath("app.py"), "A"
    host = client._create_host(local_file_path=path, no_such_field=1)
    module = runpy.run_path(path)
    target = module[symbol] if symbol else None
    if isinstance(target, IsolatedFunction):
        print("credentials", target.credentials.secret)
    if os.environ.get("FAKE_FAL_FAILS"):
        raise eval(os.environ["FAKE_FAL_FAILS"])
    if hasattr(target, "prepare"):
        target.prepare()
    return Prepared(host, symbol or "only")


def execute_prepared_deployment(prepared):
    host = prepared.host
    options = {"requirements": ["numpy", "./lib"]}
    host._materialize_local_requirements(options)
    host.files_sync([host.local_file_path])
    stub = host._connection.stub
    for result in stub.BuildEnvironment(Message("build")):
        assert result.status.state == 1
    stub.RegisterApplication(Message("register"))
    raise AssertionError("the deployment goes on")
