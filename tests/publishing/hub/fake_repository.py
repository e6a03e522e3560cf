"""What the fake Hub stores: repositories with commits, branches, tags and large files; accounts with their rights."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# The commit that every new repository begins with; the real list is longer, the rule is the same.
GITATTRIBUTES = b"".join(
    f"{pattern} filter=lfs diff=lfs merge=lfs -text\n".encode()
    for pattern in ("*.safetensors", "*.parquet", "*.arrow", "*.bin", "*.pt", "*.onnx", "*.zip", "*.gz")
)


@dataclass
class Repository:
    """A repository: commits that are never changed, and names that point to them.

    Attributes:
        commits: commit -> path -> content.
        refs: branch, tag or pull request -> commit.
        large: commit -> paths whose content lies in the storage for large files.
        parents: commit -> the commit before it.
        messages: commit -> its first line.
        tags: those of `refs` that are tags.
        private, gated: who may read it; see `Account`.
    """

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    large: dict[str, set[str]] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    private: bool = False
    gated: bool = False

    def commit(
        self, files: Mapping[str, bytes], branch: str = "main", large: Iterable[str] = (), message: str = ""
    ) -> str:
        """Add a commit on a branch that holds exactly these files; returns its name."""
        digest = hashlib.sha1(f"{len(self.commits)}".encode())
        for path in sorted(files):
            digest.update(path.encode() + b"\0" + hashlib.sha1(files[path]).digest())
        name = digest.hexdigest()
        self.commits[name] = dict(files)
        self.large[name] = set(large)
        self.parents[name] = self.refs.get(branch)
        self.messages[name] = message
        self.refs[branch] = name
        return name

    def resolve(self, revision: str) -> str | None:
        """Commit of a branch, a tag or a commit's own name; None where there is none."""
        return self.refs.get(revision, revision if revision in self.commits else None)

    def is_large(self, commit: str | None, path: str, size: int, threshold: int) -> bool:
        """Whether a file of this size goes to the storage for large files: by .gitattributes, or by its size."""
        rules = self.commits[commit].get(".gitattributes", b"") if commit else b""
        patterns = [line.split()[0] for line in rules.decode().splitlines() if "filter=lfs" in line]
        return size > threshold or any(fnmatch.fnmatch(path.rsplit("/", 1)[-1], pattern) for pattern in patterns)

    def entry(self, commit: str, path: str) -> dict[str, object]:
        """What the API says of a file: for a large one, the name of its pointer and the sha256 of its content."""
        content = self.commits[commit][path]
        if path not in self.large[commit]:
            return {"type": "file", "path": path, "size": len(content), "oid": blob_name(content)}
        oid = hashlib.sha256(content).hexdigest()
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()
        lfs = {"oid": oid, "size": len(content), "pointerSize": len(pointer)}
        return {"type": "file", "path": path, "size": len(content), "oid": blob_name(pointer), "lfs": lfs}


@dataclass(frozen=True)
class Account:
    """Who a token belongs to.

    Attributes:
        name: its own namespace.
        write: whether the token may write.
        organisations: further namespaces that it may write to.
        accepted: gated repositories whose conditions it has accepted.
    """

    name: str
    write: bool = True
    organisations: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()

    def belongs_to(self, namespace: str) -> bool:
        return namespace == self.name or namespace in self.organisations


def blob_name(content: bytes) -> str:
    """What git calls this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
