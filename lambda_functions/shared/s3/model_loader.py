"""Loads botocore's service models faster than botocore does; what is loaded is the same.

A client is made from JSON files of up to a megabyte. botocore makes an OrderedDict of every object in them, though a
dict keeps its order as well since Python 3.7, and opens the folders of all 400 services to know whether there is the one
that is asked for. That is most of what a client costs at a Lambda's cold start.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session

_UNPACK: dict[str, Callable[[bytes], bytes]] = {".json": bytes, ".json.gz": gzip.decompress}


class _FastFileLoader(JSONFileLoader):  # type: ignore[misc]
    """Reads one JSON file, compressed or not, into dicts."""

    def load_file(self, file_path: str) -> Any:
        """Return what is in a file, None where there is no such file; the path is without the suffix."""
        for suffix, unpack in _UNPACK.items():
            with suppress(FileNotFoundError, NotADirectoryError):
                return json.loads(unpack(Path(file_path + suffix).read_bytes()))
        return None


class _FastLoader(Loader):  # type: ignore[misc]
    """Finds the files in the same folders as another loader does."""

    def __init__(self, usual: Loader) -> None:
        super().__init__(usual.search_paths, _FastFileLoader(), include_default_search_paths=False)

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the services that have a folder; one without a file of this type is found out when that is read."""
        return self._folders

    @cached_property
    def _folders(self) -> list[str]:
        folders = [Path(path) for path in self.search_paths if Path(path).is_dir()]
        return sorted({service.name for folder in folders for service in folder.iterdir()})


def use_fast_loader(session: Session) -> None:
    """Let a session load service models in this way; to be called before its first client is made."""
    session.register_component("data_loader", _FastLoader(session.get_component("data_loader")))
