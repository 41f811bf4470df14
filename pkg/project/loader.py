"""Asks the installed fal package what it would send to deploy an app.

The question is JSON on the standard input. The answer goes to what was the
standard output: its length in decimal on a line of its own, then JSON. What
the app prints goes to the standard error. Nothing is sent anywhere: the host
that fal is given records its requests, and has the credentials of nobody.

Much of fal is pickled by value, together with the app. So nothing in it is
changed while something is pickled, and what stands in for its classes pickles
as they do.
"""

import ast
import base64
import collections.abc
import contextlib
import json
import operator
import os
import runpy
import sys
import tokenize
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
    """Finds which of the file's apps is meant, before fal has to choose one."""
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
        return symbol
    choices = apps or functions
    if not choices:
        raise Failure("no apps")
    if len(choices) > 1:
        raise Failure("several", choices=choices)
    return choices[0]


WHOLE = "a whole number"
TEXT = "a string"
TEXTS = "a list of strings"
FLAG = "True or False"
IMAGE = "a ContainerImage"

# What the options of a class or a function are, as far as the wire tells.
WANTED = {
    "keep_alive": WHOLE,
    "min_concurrency": WHOLE,
    "max_concurrency": WHOLE,
    "concurrency_buffer": WHOLE,
    "concurrency_buffer_perc": WHOLE,
    "scaling_delay": WHOLE,
    "max_multiplexing": WHOLE,
    "request_timeout": WHOLE,
    "startup_timeout": WHOLE,
    "termination_grace_period_seconds": WHOLE,
    "num_gpus": WHOLE,
    "exposed_port": WHOLE,
    "metrics_port": WHOLE,
    "machine_type": "a string or a list of strings",
    "requirements": "a list of strings, or a list of lists of strings",
    "regions": TEXTS,
    "secrets": TEXTS,
    "data_mounts": TEXTS,
    "skip_retry_conditions": TEXTS,
    "app_files": TEXTS,
    "app_files_ignore": TEXTS,
    "app_files_context_dir": TEXT,
    "requirements_context_dir": TEXT,
    "image": IMAGE,
    "python_version": TEXT,
    "kind": TEXT,
    "resolver": TEXT,
    "app_name": TEXT,
    "app_auth": TEXT,
    "private_logs": FLAG,
    "_scheduler": TEXT,
    "_scheduler_options": "a dict",
}


def index_of(value):
    """The value as a whole number; None if it is none."""
    try:
        return operator.index(value)
    except Exception:
        return None


def is_text(value):
    return isinstance(value, (str, os.PathLike))


def is_list(value, of):
    if isinstance(value, (str, bytes, bytearray, collections.abc.Mapping)):
        return False
    return isinstance(value, collections.abc.Collection) and all(map(of, value))


def is_wanted(value, wanted):
    if wanted == WHOLE:
        return index_of(value) is not None and not isinstance(value, bool)
    if wanted == FLAG:
        return index_of(value) is not None
    if wanted == IMAGE:
        return isinstance(value, dict) or hasattr(value, "to_dict")
    if wanted == TEXT:
        return is_text(value)
    if wanted == TEXTS:
        return is_list(value, is_text)
    if wanted == WANTED["machine_type"]:
        return is_text(value) or isinstance(value, list) and is_list(value, is_text)
    if wanted == WANTED["requirements"]:
        return is_list(value, lambda one: is_text(one) or is_list(one, is_text))
    return isinstance(value, collections.abc.Mapping)


def kind_of(value):
    known = {
        bool: FLAG,
        int: WHOLE,
        float: "a number with a fraction",
        str: TEXT,
        list: "a list",
        tuple: "a tuple",
        dict: "a dict",
        set: "a set",
    }
    return known.get(type(value)) or "a value of type " + type(value).__name__


def fault_in(value, wanted):
    """What is wrong with a value that is not None; empty for nothing."""
    if is_wanted(value, wanted):
        number = index_of(value) if wanted == WHOLE else 0
        if not -(2**31) <= number < 2**31:
            return "must be from %d to %d, not %d" % (-(2**31), 2**31 - 1, number)
        return ""
    strange = [one for one in value if not is_text(one)] if isinstance(value, list) else []
    if strange and "list" in wanted:
        return "must be %s, and there is %s in it" % (wanted, kind_of(strange[0]))
    return "must be %s, not %s" % (wanted, kind_of(value))


def options_of(target):
    """The options that a class or a function was given."""
    groups = [getattr(target, "host_kwargs", None)]
    options = getattr(target, "options", None)
    groups += [getattr(options, name, None) for name in ("host", "environment", "gateway")]
    if isinstance(target, type):
        # Other attributes of these names are the user's own, such as endpoints.
        app = getattr(sys.modules.get("fal"), "App", None)
        groups.append({key: getattr(target, key, None) for key in WANTED if hasattr(app, key)})
    for group in groups:
        if isinstance(group, dict):
            yield from group.items()


def place_of(tree, names, key):
    """The line where the class or the function, or one above it, says key; that
    where the first of names begins if none does."""
    first = 0
    spelled = (key, "name") if key == "app_name" else (key,)
    for name in names:
        for node in ast.walk(tree):
            if getattr(node, "name", None) != name:
                continue
            first = first or node.lineno
            keywords = list(getattr(node, "keywords", []))
            for decorator in getattr(node, "decorator_list", []):
                keywords += getattr(decorator, "keywords", [])
            for keyword in keywords:
                if keyword.arg in spelled:
                    return keyword.value.lineno
            for line in node.body if isinstance(node, ast.ClassDef) else []:
                targets = getattr(line, "targets", None) or [getattr(line, "target", None)]
                if any(getattr(target, "id", None) in spelled for target in targets):
                    return line.lineno
    return first


def check_options(path, name, target):
    """Tells the options of the app that no release of fal can send: deep in it
    they would be an error that names neither the app nor the option."""
    wrong = {}
    for key, value in options_of(target):
        if key in WANTED and value is not None and key not in wrong:
            fault = fault_in(value, WANTED[key])
            if fault:
                wrong[key] = fault
    if not wrong:
        return
    names = [c.__name__ for c in target.__mro__] if isinstance(target, type) else [name]
    try:
        with tokenize.open(path) as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError):  # it has changed since it was run
        tree = ast.Module(body=[], type_ignores=[])
    raise Failure(
        "options",
        problems=[
            {"key": name + "." + key, "line": place_of(tree, names, key), "message": fault}
            for key, fault in wrong.items()
        ],
    )


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
        name = check_symbol(module, symbol)
        check_options(path, name, module[name])
        return module

    return replaced((runpy, "run_path", run_path))


def summary(error):
    return "".join(traceback.format_exception_only(type(error), error)).strip()


def reasons(error):
    """What an error of fal says, and what it was raised from."""
    said = []
    while error is not None and len(said) < 10:
        text = str(error) or type(error).__name__
        if not any(text in other for other in said):
            said.append(text)
        error = error.__cause__
    return ": ".join(said)


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


def is_library(filename):
    """Whether code is that of a package, or of Python itself."""
    import sysconfig

    if filename.startswith("<"):
        return True
    folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return any(is_below(filename, folder) for folder in folders if folder)


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
        users = users or not all(is_library(frame.filename) for frame in one.stack)
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
        raise Failure("fal", reasons(error), version=version)
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
