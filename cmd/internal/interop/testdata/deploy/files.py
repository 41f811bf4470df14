import fal

print("what the app prints while it is loaded")


class Files(fal.App):
    app_files = ["assets", "endpoints.py", "files.py"]
    app_files_ignore = [r"\.bin$", r"^assets/deep/hidden"]

    @fal.endpoint("/")
    def run(self) -> dict:
        return {}


class Other(fal.App, name="renamed", _scheduler="other", kind="virtualenv"):
    health_check = None

    @fal.endpoint("/check", health_check=fal.HealthCheck(start_period_seconds=40, timeout_seconds=4, failure_threshold=2, call_regularly=True))
    def check(self) -> dict:
        return {}
