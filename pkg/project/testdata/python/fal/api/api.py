import os
import threading
from dataclasses import dataclass, field

from fal.api._sdist import materialize_local_paths
from fal.file_sync import FileSync
from fal.sdk import FalServerlessConnection, get_credentials


@dataclass
class FalServerlessHost:
    url: str = "api.example.test"
    local_file_path: str = ""
    credentials: object = field(default_factory=get_credentials)
    environment_name: str = None

    def __post_init__(self):
        self._lock, self._thread_pool = threading.Lock(), None

    @property
    def _connection(self):
        return FalServerlessConnection(self.url, self.credentials)

    def _materialize_local_requirements(self, options, on_progress=None):
        root = os.path.dirname(self.local_file_path)
        options["requirements"] = materialize_local_paths(options["requirements"], root)

    def files_sync(self, options):
        return FileSync().sync_files(options)
