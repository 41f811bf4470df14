import fal
from pydantic import BaseModel


class In(BaseModel):
    prompt: str


class Out(BaseModel):
    text: str


class Entry(fal.App, name="peer-entry"):
    @fal.endpoint("/")
    def run(self, inp: In) -> Out:
        return Out(text=inp.prompt + " entry")
