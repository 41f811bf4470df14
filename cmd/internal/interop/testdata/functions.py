"""Compares two serialized functions: what they are when they are loaded, and
the texts that occur in them, but for the ids of classes made in a process."""

import pickle
import pickletools
import re
import sys

import fal  # noqa: F401


def texts(data):
    for opcode, argument, _ in pickletools.genops(data):
        if isinstance(argument, str) and not re.fullmatch("[0-9a-f]{32}", argument):
            # Models of pydantic are named with the address of their class.
            yield re.sub(r":\d{9,}", ":", argument)
        elif isinstance(argument, bytes):
            yield repr(argument)


def shape(function):
    names = [function.__module__, function.__qualname__]
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        names += shape(wrapped)
    for cell in function.__closure__ or ():
        value = cell.cell_contents
        if isinstance(value, type):
            names += [value.__module__, value.__qualname__] + sorted(vars(value))
    return names


def main():
    theirs, ours = (open(name, "rb").read() for name in sys.argv[1:])
    left, right = set(texts(theirs)), set(texts(ours))
    if left != right:
        print("only in theirs:", sorted(left - right)[:20])
        print("only in ours:", sorted(right - left)[:20])
        sys.exit(1)
    left, right = shape(pickle.loads(theirs)), shape(pickle.loads(ours))
    if left != right:
        print("theirs:", left, "ours:", right)
        sys.exit(1)


main()
