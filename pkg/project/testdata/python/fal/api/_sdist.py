def materialize_local_paths(requirements, root, on_progress=None):
    raise AssertionError("a distribution is built and uploaded")
