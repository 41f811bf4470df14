class HostedRunStatus:
    class State:
        @staticmethod
        def Value(name):
            return {"IN_PROGRESS": 0, "SUCCESS": 1}[name]

    def __init__(self, state):
        self.state = state


class BuildEnvironmentResult:
    def __init__(self, status):
        self.status = status
