import os


def compute_hash(path, mode):
    raise AssertionError("a file is hashed")


class FileMetadata:
    @classmethod
    def from_path(cls, path, *, relative, absolute):
        self = cls()
        self.hash = compute_hash(path, 0o100644)
        self.relative_path, self.absolute_path = relative, absolute
        return self


class FileSync:
    def check_hashes_on_server(self, hashes):
        raise AssertionError("the service is asked")

    def sync_files(self, paths):
        found = [
            FileMetadata.from_path(p, relative=os.path.basename(p), absolute=p) for p in paths
        ]
        assert self.check_hashes_on_server([f.hash for f in found]) == []
        return found
