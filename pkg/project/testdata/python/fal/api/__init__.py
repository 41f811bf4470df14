class IsolatedFunction:
    def __init__(self, function, credentials):
        self.function, self.credentials = function, credentials
