class Options:
    def __init__(self, host):
        self.host, self.environment = host, {}


class IsolatedFunction:
    def __init__(self, function, credentials, options):
        self.function, self.credentials, self.options = function, credentials, Options(options)
