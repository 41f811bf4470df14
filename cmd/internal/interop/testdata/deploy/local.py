import fal


class Local(fal.App):
    requirements = ["./lib[fast]", "numpy"]

    @fal.endpoint("/")
    def run(self) -> dict:
        return {}
