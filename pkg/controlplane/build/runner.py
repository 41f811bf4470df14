"""Runs one callable of an app. The one argument is JSON:

    function, setup   {"path", "method"}: a serialized callable, and one whose
                      value it is given
    entrypoint        "module:attribute", instead of a function
    main_thread       the callable expects a running event loop
    offers            keyword arguments, given as far as they are accepted
    taken             a file to make when there are such
    support           folders of packages to use after all others
    result            where to write what came of it; without it, an exception
                      is printed and makes the exit code 1; with it, the process
                      ends at once, whatever threads there are
"""

import asyncio
import difflib
import importlib
import inspect
import json
import os
import pickle
import sys
import traceback


def resolve(entrypoint):
    module, _, attribute = entrypoint.partition(":")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        # One that the module itself imports is named by the traceback.
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise
        raise ModuleNotFoundError(
            "%s: it is not among what the requirements install; add \".\" (the project's own folder) to requirements "
            "if it is not there, and see that its pyproject.toml lists the module (py-modules or packages)" % error,
            name=error.name,
        ) from None
    path = module + ":"
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            reason = why_not(found, name, path.rstrip(":"))
            if reason is None:
                raise
            raise reason from None
        path += name if path.endswith(":") else "." + name
    return found


def why_not(owner, name, path):
    """What to say of an attribute that is not there; None for nothing more than Python does."""
    if inspect.ismodule(owner):
        names = [other for other, value in vars(owner).items() if is_app(value, owner)]
        near = difflib.get_close_matches(name, names, 1)
        near = near or difflib.get_close_matches(name, [n for n in vars(owner) if not n.startswith("_")], 1, 0.75)
        text = "module %r has no attribute %r" % (owner.__name__, name)
        if near:
            text += "; did you mean %s?" % near[0]
        elif names:
            text += "; the apps in it are %s" % ", ".join(sorted(names))
        return AttributeError(text)
    if name not in ("build_metadata", "run_local"):
        return None
    if inspect.isclass(owner):
        return TypeError("%s is not a subclass of fal.App" % path)
    kind = type(owner).__name__
    return TypeError("%s is %s %s, not a subclass of fal.App" % (path, "an" if kind[:1] in "AEIOUaeiou" else "a", kind))


def is_app(value, module):
    return inspect.isclass(value) and value.__module__ == module.__name__ and hasattr(value, "run_local")


def load(stored):
    with open(stored["path"], "rb") as file:
        return importlib.import_module(stored["method"]).loads(file.read())


def accepted(function, offers):
    """Those of the offers that a callable takes as keyword arguments."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    keyword = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = {
        name: value
        for name, value in offers.items()
        if name in parameters and parameters[name].kind in keyword
    }
    if not taken and any(p.kind == inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        # A served function hands its arguments on, and says that it does.
        owner = getattr(function, "__self__", None)
        if getattr(owner, "_supports_local_serve_options", bool)():
            return offers
    return taken


def call(function, arguments, keywords, main_thread):
    # On the main thread always, so that signals reach what handles them.
    if main_thread or getattr(function, "_run_on_main_thread", False):

        async def under_loop():
            value = function(*arguments, **keywords)
            return await value if inspect.isawaitable(value) else value

        return asyncio.run(under_loop())
    value = function(*arguments, **keywords)
    if inspect.isawaitable(value):

        async def awaited():
            return await value

        return asyncio.run(awaited())
    return value


def ours(frame):
    name = frame.tb_frame.f_code.co_filename
    return name == __file__ or name.startswith("<frozen importlib") or os.path.dirname(name) in (
        os.path.dirname(asyncio.__file__),
        os.path.dirname(importlib.__file__),
    )


def describe(error):
    """The traceback of an exception, without the frames that lead to the app."""
    tb = error.__traceback__
    while tb is not None and ours(tb):
        tb = tb.tb_next
    return "".join(traceback.format_exception(type(error), error, tb))


def told(error):
    """The text of an exception, which may fail to have one."""
    try:
        return str(error)
    except Exception:
        return "(its text cannot be made)"


def leave(code):
    """Ends the process, also when the app has left threads that go on."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    os._exit(code)


def run(order):
    if order.get("entrypoint"):
        function = resolve(order["entrypoint"])
    else:
        function = load(order["function"])
    if not callable(function):
        raise TypeError("%s is not callable: it is %r" % (order.get("entrypoint") or "the function", type(function)))
    arguments = []
    if order.get("setup"):
        arguments.append(call(load(order["setup"]), [], {}, False))
    keywords = accepted(function, order.get("offers") or {})
    if keywords and order.get("taken"):
        with open(order["taken"], "wb"):
            pass
    return call(function, arguments, keywords, order.get("main_thread"))


def write(path, value, error=None):
    outcome = {"raised": error is not None}
    if error is not None:
        outcome.update(type=type(error).__name__, message=told(error), traceback=describe(error))
    try:
        definition = pickle.dumps(value)
    except Exception as failure:
        if error is None:
            outcome.update(raised=True, type=type(failure).__name__, traceback=describe(failure))
            outcome["message"] = "the value cannot be serialized: %s" % told(failure)
        definition = pickle.dumps(RuntimeError(outcome["message"]))
    with open(path, "wb") as file:
        file.write(json.dumps(outcome).encode() + b"\n" + definition)


def main():
    order = json.loads(sys.argv[1])
    sys.argv = [order.get("entrypoint") or "app"]
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [os.getcwd()] + [folder for folder in sys.path if os.path.abspath(folder) != here]
    sys.path.extend(order.get("support") or [])
    result = order.get("result")
    if result is not None:
        leave(value_of(order, result))
    try:
        run(order)
    except SystemExit:
        raise
    except KeyboardInterrupt:
        sys.exit(130)
    except BaseException as error:
        sys.stderr.write(describe(error))
        sys.exit(1)


def value_of(order, result):
    """Writes what comes of the callable, and returns the exit code."""
    try:
        value = run(order)
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return (leaving.code or 0) & 0xFF
        sys.stderr.write("%s\n" % (leaving.code,))
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException as error:
        write(result, error, error)
    else:
        write(result, value)
    return 0


if __name__ == "__main__":
    main()
