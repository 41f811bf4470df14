import fal
from pydantic import BaseModel


class Message(BaseModel):
    text: str


class Live(fal.App, max_multiplexing=4, startup_timeout=120):
    requirements = [["numpy"], ["pillow==10.0.0", "café-lib"]]
    machine_type = ["GPU-H100", "GPU-A100"]
    num_gpus = 2
    regions = ["us-east", "eu-north"]
    min_concurrency = 1
    concurrency_buffer = 2
    concurrency_buffer_perc = 10
    scaling_delay = 30
    request_timeout = 60
    termination_grace_period_seconds = 15
    private_logs = True
    secrets = ["HF_TOKEN"]
    data_mounts = ["/data/models"]
    skip_retry_conditions = ["timeout", "server_error"]
    retry_config = {"timeout": {"retries": 1}, "connection_error": {"retries": 3}}

    @fal.realtime("/realtime")
    def talk(self, message: Message) -> Message:
        return message
