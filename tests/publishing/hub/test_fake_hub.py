"""The fake Hub answers `huggingface_hub` as the real one does, as far as it goes."""

import urllib.error
import urllib.request

import pytest


def get(url: str, method: str = "GET"):
    return urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=5)


def test_files_are_found_by_branch_and_commit(hub):
    repository = hub.add_repository("space", "some/metric", {"metric.py": b"first"})
    first = repository.refs["main"]
    repository.commit({"metric.py": b"second"})
    with get(f"{hub.endpoint}/spaces/some/metric/resolve/main/metric.py") as answer:
        assert answer.read() == b"second" and answer.headers["X-Repo-Commit"] == repository.refs["main"] != first
    with get(f"{hub.endpoint}/spaces/some/metric/resolve/{first}/metric.py") as answer:
        assert answer.read() == b"first"
    with get(f"{hub.endpoint}/spaces/some/metric/resolve/main/metric.py", "HEAD") as answer:
        assert answer.headers["Content-Length"] == "6" and answer.read() == b""
    assert [request.status for request in hub.requests] == [200, 200, 200]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("some/metric/resolve/main/metric.py", "RepoNotFound"),  # a space, not a model
        ("spaces/some/other/resolve/main/metric.py", "RepoNotFound"),
        ("spaces/some/metric/resolve/v1/metric.py", "RevisionNotFound"),
        ("spaces/some/metric/resolve/main/other.py", "EntryNotFound"),
    ],
)
def test_what_is_not_there_is_named_in_the_header(hub, path, code):
    hub.add_repository("space", "some/metric", {"metric.py": b""})
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{hub.endpoint}/{path}")
    assert caught.value.code == 404 and caught.value.headers["X-Error-Code"] == code


@pytest.mark.parametrize(
    ("state", "status"), [("missing", 404), ("unauthorised", 401), ("forbidden", 403), ("broken", 500)]
)
def test_bad_days(hub, state, status):
    hub.add_repository("model", "some/model", {"config.json": b"{}"})
    hub.state = state
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{hub.endpoint}/some/model/resolve/main/config.json")
    assert caught.value.code == status == hub.requests[-1].status


def test_connections_are_cut_refused_and_come_back(hub):
    hub.add_repository("model", "some/model", {"config.json": b"{}"})
    url = f"{hub.endpoint}/some/model/resolve/main/config.json"
    hub.state = "cut"
    with pytest.raises(OSError, match="closed|reset"):
        get(url)
    hub.state = "down"
    with pytest.raises(OSError, match="refused"):
        get(url)
    hub.state = "up"
    with get(url) as answer:
        assert answer.read() == b"{}"
    with pytest.raises(ValueError, match="not one of"):
        hub.state = "sleepy"


def test_huggingface_hub_downloads_from_it(hub, tmp_path, monkeypatch):
    from huggingface_hub import HfApi, constants
    from huggingface_hub.utils import RepositoryNotFoundError

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hub.add_repository("dataset", "some/data", {"README.md": b"# Card\n", "data/a.txt": b"content"})
    api = HfApi(endpoint=hub.endpoint, token=False)
    assert [sibling.rfilename for sibling in api.dataset_info("some/data").siblings] == ["README.md", "data/a.txt"]
    path = api.hf_hub_download("some/data", "data/a.txt", repo_type="dataset", cache_dir=tmp_path)
    with open(path, "rb") as file:
        assert file.read() == b"content"
    with pytest.raises(RepositoryNotFoundError):
        api.hf_hub_download("some/other", "a.txt", repo_type="dataset", cache_dir=tmp_path)
