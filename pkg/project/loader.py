"""Asks the installed fal package what it would send to deploy an app.

The question is JSON on the standard input. The answer goes to what was the
standard output: its length in decimal on a line of its own, then JSON. What
the app prints goes to the standard error. Nothing is sent anywhere: the host
that fal is given records its requests, and has the credentials of nobody.

Much of fal is pickled by value, together with the app. So nothing in it is
changed while something is pickled, and what stands in for its classes pickles
as they do.
"""

import base64
import contextlib
import json
import os
import runpy
import sys
import traceback

NOBODY = "loader"


class Failure(BaseException):
    """What the answer says instead of an app."""

    def __init__(self, kind, message="", **more):
        super().__init__(message)
        self.answer = dict(kind=kind, message=message, **more)


class Recorded(BaseException):
    """The request that ends a deployment has been made."""


@contextlib.contextmanager
def replaced(*places):
    """Sets attributes, each (object, name, value), for a while."""
    before = [(place, name, getattr(place, name)) for place, name, _ in places]
    try:
        for place, name, value in places:
            setattr(place, name, value)
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)


@contextlib.contextmanager
def variables(**values):
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def installed_version():
    from importlib import metadata

    try:
        return metadata.version("fal")
    except metadata.PackageNotFoundError:
        raise Failure("missing")


def release(version):
    """The first two numbers of a version."""
    numbers = []
    for part in version.split(".")[:2]:
        digits = "".join(c for c in part if c.isdigit())
        numbers.append(int(digits or 0))
    return tuple(numbers)


def import_fal(oldest):
    version = installed_version()
    if release(version) < release(oldest):
        raise Failure("version", version=version)
    # It makes hosts with somebody's credentials already when it is imported,
    # and for a key with a team it would ask the service whose key it is.
    with variables(FAL_KEY=NOBODY + ":" + NOBODY, FAL_CONFIG_PATH=os.devnull):
        try:
            import fal  # noqa: F401
            import fal.api.api
            import fal.api.deploy
            import fal.file_sync
            import fal.sdk
        except ModuleNotFoundError as error:
            if error.name == "fal":
                raise Failure("missing")
            raise Failure("import", str(error), version=version)
        except Exception as error:
            raise Failure("import", "%s: %s" % (type(error).__name__, error), version=version)
    return version


class Recorder:
    """Stands for the service. It remembers the messages, and has the end of
    the deployment raise Recorded."""

    def __init__(self):
        self.register = None
        self.build = None
        self.files = []
        self.requirements_dir = None

    def BuildEnvironment(self, request, *_, **__):
        import isolate_proto

        self.build = request.SerializeToString()
        status = isolate_proto.HostedRunStatus(
            state=isolate_proto.HostedRunStatus.State.Value("SUCCESS")
        )
        return iter([isolate_proto.BuildEnvironmentResult(status=status)])

    def RegisterApplication(self, request, *_, **__):
        self.register = request.SerializeToString()
        raise Recorded


def recording_host(recorder):
    import fal.api.api as api
    import fal.file_sync as file_sync
    from fal.api import _sdist
    from fal.sdk import FalServerlessConnection, FalServerlessKeyCredentials

    class RecordingHost(api.FalServerlessHost):
        @property
        def _connection(self):
            connection = FalServerlessConnection(self.url, self.credentials)
            connection._stub = recorder
            return connection

        def __reduce_ex__(self, protocol):
            plain = api.FalServerlessHost(self.url, credentials=self.credentials)
            state = dict(self.__dict__)
            state.update(_lock=plain._lock, _thread_pool=plain._thread_pool)
            plain.__dict__.update(state)
            return plain.__reduce_ex__(protocol)

        def files_sync(self, options):
            # What the service calls a file is computed by those who send it.
            def by_name(path, mode):
                return "%s:%s" % (mode, path)

            def nothing(_, hashes):
                return []

            seen = recorder.files
            original = file_sync.FileMetadata.from_path.__func__

            def remember(cls, path, *args, **kwargs):
                found = original(cls, path, *args, **kwargs)
                seen.append(found)
                return found

            seen.clear()
            kept = file_sync.FileMetadata.__dict__["from_path"]
            file_sync.FileMetadata.from_path = classmethod(remember)
            try:
                with replaced(
                    (file_sync, "compute_hash", by_name),
                    (file_sync.FileSync, "check_hashes_on_server", nothing),
                ):
                    return super().files_sync(options)
            finally:
                file_sync.FileMetadata.from_path = kept

        def _materialize_local_requirements(self, *args, **kwargs):
            def leave(requirements, root, *_, **__):
                if recorder.requirements_dir is None:
                    recorder.requirements_dir = str(root)
                return requirements

            places = [
                (module, "materialize_local_paths", leave)
                for module in (_sdist, api)
                if hasattr(module, "materialize_local_paths")
            ]
            with replaced(*places):
                super()._materialize_local_requirements(*args, **kwargs)

    def make(**given):
        fields = api.FalServerlessHost.__dataclass_fields__
        given = {name: value for name, value in given.items() if name in fields}
        return RecordingHost(
            credentials=FalServerlessKeyCredentials(NOBODY, NOBODY), **given
        )

    return make


class Client:
    """What fal's functions need of its client: a host."""

    def __init__(self, make):
        self._create_host = make


def check_symbol(module, symbol):
    """Says which of the file's apps is meant, before fal has to choose one."""
    import fal
    from fal.api import IsolatedFunction

    apps = [
        name
        for name, value in module.items()
        if isinstance(value, type) and issubclass(value, fal.App) and value is not fal.App
    ]
    functions = [
        name for name, value in module.items() if isinstance(value, IsolatedFunction)
    ]
    if symbol:
        if symbol not in module:
            raise Failure("no symbol", symbol, choices=apps + functions)
        if symbol not in apps + functions and module[symbol] is not fal.App:
            raise Failure("no app", symbol, choices=apps + functions)
        return
    choices = apps or functions
    if not choices:
        raise Failure("no apps")
    if len(choices) > 1:
        raise Failure("several", choices=choices)


def running_the_file(symbol):
    """Has the user's file run without credentials, and its errors be told from
    those of fal."""
    import fal.sdk as sdk

    def nobodys(team=None, key=None, profile=None):
        return FalServerlessKeyCredentials("loader", "loader")  # noqa: F821

    original = runpy.run_path

    def run_path(path, *args, **kwargs):
        # The function is the default of dataclasses, so its name is not where
        # they look for it.
        code = sdk.get_credentials.__code__, sdk.get_credentials.__defaults__
        sdk.get_credentials.__code__ = nobodys.__code__
        sdk.get_credentials.__defaults__ = nobodys.__defaults__
        try:
            module = original(path, *args, **kwargs)
        except Failure:
            raise
        except SystemExit as error:
            raise Failure("exit", str(error.code), traceback=excerpt(error))
        except BaseException as error:
            raise Failure("user", summary(error), traceback=excerpt(error))
        finally:
            sdk.get_credentials.__code__, sdk.get_credentials.__defaults__ = code
        check_symbol(module, symbol)
        return module

    return replaced((runpy, "run_path", run_path))


def summary(error):
    return "".join(traceback.format_exception_only(type(error), error)).strip()


def is_ours(filename):
    import importlib.util

    if filename == __file__ or filename.startswith("<frozen"):
        return True
    if filename == getattr(runpy, "__file__", None):
        return True
    spec = importlib.util.find_spec("fal")
    return bool(spec and spec.origin and is_below(filename, os.path.dirname(spec.origin)))


def is_below(filename, folder):
    return os.path.normcase(filename).startswith(os.path.normcase(folder) + os.sep)


def excerpt(error):
    """The traceback from where the user's code begins; empty if it does not
    occur there."""
    whole = traceback.TracebackException(type(error), error, error.__traceback__)
    users = isinstance(error, SyntaxError)
    pending, seen = [whole], set()
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        while one.stack and is_ours(one.stack[0].filename):
            del one.stack[0]
        users = users or bool(one.stack)
        pending += [one.__cause__, one.__context__]
        pending += getattr(one, "exceptions", None) or []
    return "".join(whole.format()) if users else ""


def load(question):
    version = import_fal(question["oldest"])
    from fal.api import deploy

    recorder = Recorder()
    symbol = question.get("symbol") or None
    path = question["file"]
    reference = (question["app"], None) if question.get("app") else (path, symbol)
    try:
        client = Client(recording_host(recorder))
        with running_the_file(symbol):
            prepared = deploy.prepare_deployment(
                client,
                reference,
                app_name=question.get("name") or None,
                auth=question.get("auth") or None,
            )
        deploy.execute_prepared_deployment(prepared)
    except Recorded:
        pass
    except Failure as failure:
        failure.answer.setdefault("version", version)
        raise
    except (AttributeError, ImportError, TypeError, NameError) as error:
        told = excerpt(error)
        if told:
            raise Failure("user", summary(error), traceback=told, version=version)
        raise Failure("internals", summary(error), version=version)
    except Exception as error:
        told = excerpt(error)
        if told:
            raise Failure("user", summary(error), traceback=told, version=version)
        raise Failure("fal", str(error) or summary(error), version=version)
    if recorder.register is None:
        raise Failure("internals", "it made no request", version=version)
    return {
        "version": version,
        "register": base64.b64encode(recorder.register).decode("ascii"),
        "build": base64.b64encode(recorder.build or b"").decode("ascii"),
        "files": [
            {"hash": f.hash, "path": f.relative_path, "from": f.absolute_path}
            for f in recorder.files
        ],
        "requirements_dir": recorder.requirements_dir or "",
        "class": prepared.display_name,
    }


def main():
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    question = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    # What the app prints is to be seen when it prints it.
    sys.stdout.reconfigure(line_buffering=True)
    # The folder of this file is not one of the app's.
    if sys.path and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]
    sys.argv = ["fal", "deploy"]
    try:
        answer = load(question)
    except Failure as failure:
        answer = {"failure": failure.answer}
    except BaseException as error:
        answer = {"failure": {"kind": "internals", "message": summary(error)}}
    text = json.dumps(answer).encode("ascii")
    answers.write(b"%d\n" % len(text) + text)
    answers.close()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that the app started would keep the process alive.
    os._exit(0)


if __name__ == "__main__":
    main()
