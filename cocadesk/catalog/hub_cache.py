"""What the environment says about the Hugging Face hub, and the layout of the cache that all its tools share.

`huggingface_hub` turns the environment into constants when it is first imported. Here it is read at each call, and
handed to that library's functions as arguments (`endpoint`, `cache_dir`, `token`), which override the constants.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from cocadesk.store import settings

DEFAULT_ENDPOINT = "https://huggingface.co"
BRANCH = "main"

COMMIT = re.compile(r"[0-9a-f]{40}")
HASH = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
"""What the hub names a file's content by: SHA-256 for large files, git's blob SHA-1 for the others."""


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Where the hub is and where its files go.

    Attributes:
        endpoint: Address of the hub, without a slash at the end: `HF_ENDPOINT`.
        cache: The model folder that the user chose; else that of the shared cache: `HF_HUB_CACHE`, else `hub` in
            `HF_HOME`.
        offline: Whether `HF_HUB_OFFLINE` forbids all requests.
        symlinks: Whether snapshots may be links: `HF_HUB_DISABLE_SYMLINKS`.
    """

    endpoint: str
    cache: Path
    offline: bool
    symlinks: bool


def read_hub_settings(cache_dir: str | os.PathLike[str] | None = None) -> HubSettings:
    """The settings as the environment has them now; `cache_dir` in place of the folder that the user chose, if any."""
    if cache_dir is None:
        cache_dir = settings.load().model_folder or shared_cache()
    return HubSettings(
        endpoint=hub_endpoint(),
        cache=_expanded(cache_dir).absolute(),
        offline=is_switched_on("HF_HUB_OFFLINE") or is_switched_on("TRANSFORMERS_OFFLINE"),
        symlinks=not is_switched_on("HF_HUB_DISABLE_SYMLINKS"),
    )


def hub_endpoint() -> str:
    """Address of the hub, without a slash at the end: `HF_ENDPOINT`."""
    return (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")


def shared_cache() -> Path:
    """Folder of the cache that all the hub's tools share: `HF_HUB_CACHE`, else `hub` in `HF_HOME`."""
    chosen = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return _expanded(chosen or hub_home() / "hub")


def hub_home() -> Path:
    """Folder of everything the hub's tools keep: `HF_HOME`."""
    home = os.environ.get("HF_HOME")
    return _expanded(home) if home else _expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"


def token_file() -> Path:
    """Where `hf auth login` stores the token: `HF_TOKEN_PATH`."""
    return _expanded(os.environ.get("HF_TOKEN_PATH") or hub_home() / "token")


def is_switched_on(variable: str) -> bool:
    """Whether an environment variable says yes, in the hub's terms."""
    return os.environ.get(variable, "").upper() in {"1", "ON", "YES", "TRUE"}


def _expanded(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.expandvars(path)).expanduser()


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """The places of one file of one commit in the cache.

    Attributes:
        cache: The cache folder.
        repo: "organisation/name" on the hub.
        commit: 40 hexadecimal digits.
        name: Path of the file in the repository.
        etag: Hash of its content, as the hub gives it.
    """

    cache: Path
    repo: str
    commit: str
    name: str
    etag: str

    @property
    def folder(self) -> Path:
        return repo_folder(self.cache, self.repo)

    @property
    def path(self) -> Path:
        """Where the file is found once it is whole."""
        return self.folder.joinpath("snapshots", self.commit, *self.name.split("/"))

    @property
    def blob(self) -> Path:
        return self.folder / "blobs" / self.etag

    @property
    def part(self) -> Path:
        """What has arrived so far."""
        return self.blob.with_name(f"{self.etag}.incomplete")

    @property
    def lock(self) -> Path:
        """The lock under which the hub's own client downloads this file, too."""
        return self.cache / ".locks" / self.folder.name / f"{self.etag}.lock"


def repo_folder(cache: Path, repo: str) -> Path:
    """The cache's folder of one model repository."""
    return cache / "--".join(("models", *repo.split("/")))


def has_size(path: Path, size: int) -> bool:
    """Whether there is a file of just that many bytes, through links."""
    return path.is_file() and path.stat().st_size == size


def put_in_place(entry: CacheEntry, source: Path, *, symlinks: bool) -> None:
    """Take a whole, checked file, the entry's part or blob, into the cache: it is found at the entry's `path` then.

    Each step is one rename, so nobody ever sees half of a file. Where there can be no links, the file itself goes to
    `path`, as the hub's own client does it; a blob that other commits may point at is copied then.
    """
    entry.path.parent.mkdir(parents=True, exist_ok=True)
    spare = entry.path.with_name(f"{entry.path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        if symlinks and _link(spare, os.path.relpath(entry.blob, entry.path.parent)):
            if source != entry.blob:
                source.replace(entry.blob)
        elif source == entry.blob:
            shutil.copyfile(source, spare)
        else:
            source.replace(spare)
        spare.replace(entry.path)
    finally:
        spare.unlink(missing_ok=True)


def _link(link: Path, target: str) -> bool:
    try:
        link.symlink_to(target)
    except OSError:  # Windows without developer mode, FAT, some network folders
        return False
    return True


def point_branch(cache: Path, repo: str, commit: str) -> None:
    """Make the cached branch "main" that commit, which is what looking a file up without a commit goes by."""
    ref = repo_folder(cache, repo) / "refs" / BRANCH
    if ref.is_file() and ref.read_text(encoding="ascii", errors="replace") == commit:
        return  # a cache that may only be read stays usable
    ref.parent.mkdir(parents=True, exist_ok=True)
    spare = ref.with_name(f"{ref.name}.{uuid.uuid4().hex[:8]}.tmp")
    spare.write_text(commit, encoding="ascii")
    spare.replace(ref)
