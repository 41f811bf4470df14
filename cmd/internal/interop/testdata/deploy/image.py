import fal
from fal.container import ContainerImage

DOCKERFILE = """
FROM python:3.11-slim
RUN apt-get update
COPY --chown=1:1 assets /srv/assets
COPY --from=other /a /b
ADD https://example.test/x.tar.gz /x
ADD ["endpoints.py", "/srv/"]
COPY \\
    files.py \\
    function.py /srv/
"""


class Boxed(fal.App, kind="container"):
    image = ContainerImage.from_dockerfile_str(
        DOCKERFILE,
        build_args={"A": "1"},
        secrets={"S": "s3cr3t"},
        registries={"registry.example.test": {"username": "bob", "password": "hunter2"}},
        context_dir=__import__("os").path.dirname(__import__("os").path.abspath(__file__)),
    )

    @fal.endpoint("/")
    def run(self) -> dict:
        return {}
