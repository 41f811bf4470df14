"""Calls every method of the official SDK's namespaces, and prints for each call
the record that our client must print too, one JSON object a line."""

import dataclasses
import datetime
import enum
import json
import sys
import time

from fal.api import SyncServerlessClient
from fal.sdk import KeyScope

client = SyncServerlessClient()


def plain(value):
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, datetime.datetime):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def show(ours, result, key=""):
    """ours: the command line that shows the same; key: of the list in its JSON."""
    print(json.dumps({"ours": ours, "key": key, "result": plain(result)}), flush=True)
    sys.stdin.readline()  # until it was compared


def settle(runners):
    while len([r for r in client.apps.runners("sample") if r.state.value in ("IDLE", "RUNNING")]) != runners:
        time.sleep(0.1)
    while len(client.runners.list()) != runners:
        time.sleep(0.1)


show("apps list", client.apps.list(), "apps")
show("apps list --filter amp", client.apps.list(filter="amp"), "apps")
show("apps list --filter other", client.apps.list(filter="other"), "apps")
show("apps runners sample", client.apps.runners("sample"), "runners")
show("apps runners sample --state idle", client.apps.runners("sample", state=["idle"]), "runners")
since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
show("apps runners sample --since 1h", client.apps.runners("sample", since=since), "runners")
show("apps gpus sample", client.apps.gpus("sample"))
client.apps.scale(
    "sample",
    keep_alive=300,
    max_multiplexing=2,
    max_concurrency=10,
    min_concurrency=1,
    concurrency_buffer=1,
    concurrency_buffer_perc=10,
    scaling_delay=5,
    request_timeout=60,
    startup_timeout=61,
    machine_types=["GPU-H100", "GPU-H200"],
    regions=["us-east"],
)
show("apps list", client.apps.list(), "apps")
client.apps.scale("sample", keep_alive=0, min_concurrency=3)
settle(3)
show("apps list", client.apps.list(), "apps")
before = {r.runner_id for r in client.runners.list()}
client.apps.rollout("sample", force=True)
while {r.runner_id for r in client.runners.list()} & before:
    time.sleep(0.1)
settle(3)
show("runners list", client.runners.list(), "runners")
show("runners gpus", client.runners.gpus())
ids = [r.runner_id for r in client.runners.list()]
client.runners.stop(ids[0])
client.runners.kill(ids[1])
while {r.runner_id for r in client.runners.list()} & set(ids[:2]):
    time.sleep(0.1)
settle(3)
show("runners list --since 1h", client.runners.list(since=since), "runners")
key_id, key_secret = client.keys.create(scope=KeyScope.API, description="from the SDK")
assert key_id and key_secret
show("keys list", client.keys.list(), "keys")
client.keys.revoke(key_id)
show("keys list", client.keys.list(), "keys")
client.environments.create("qa", description="words")
show("environments list", client.environments.list(), "environments")
client.secrets.set("API_KEY", "my-secret-value")
client.secrets.set("OTHER", "value", environment_name="qa")
show("secrets list", client.secrets.list(), "secrets")
show("secrets list --env qa", client.secrets.list(environment_name="qa"), "secrets")
show("apps list --env qa", client.apps.list(environment_name="qa"), "apps")
client.secrets.unset("API_KEY")
client.secrets.unset("OTHER", environment_name="qa")
show("secrets list", client.secrets.list(), "secrets")
client.environments.delete("qa")
show("environments list", client.environments.list(), "environments")
