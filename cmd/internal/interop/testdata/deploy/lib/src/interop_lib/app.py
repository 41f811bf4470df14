import fal


class Served(fal.App):
    @fal.endpoint("/")
    def run(self) -> dict:
        return {}
