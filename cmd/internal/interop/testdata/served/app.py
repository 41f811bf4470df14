import fal
from pydantic import BaseModel


class In(BaseModel):
    prompt: str


class Out(BaseModel):
    text: str


class Peer(fal.App, name="file"):
    machine_type = "XS"
    app_auth = "public"

    def setup(self):
        self.suffix = " é"

    @fal.endpoint("/")
    def run(self, inp: In) -> Out:
        return Out(text=inp.prompt + self.suffix)
