"""Archives on servers: read once, kept, and read anew when they become other ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from geodes_datalab.cubes.archive import archives
from geodes_datalab.cubes.archive.archives import Archive, members_of_file, members_of_url
from geodes_datalab.cubes.archive.ranges import part
from geodes_datalab.cubes.archive.trouble import Changed
from geodes_datalab.errors import ArchiveError

CONTENT = {"a/b.jp2": b"b" * 90_000, "a/c.xml": b"<c/>"}


def forget_memory() -> None:
    archives._known.clear()


def test_a_directory_is_fetched_once_in_one_request(depot, client, pack) -> None:
    data = pack(CONTENT)
    url = depot.put("x.zip", data, '"v1"')
    assert members_of_url(client, url, len(data)) == tuple(CONTENT)
    assert members_of_url(client, url, len(data)) == tuple(CONTENT)
    forget_memory()  # as in the next process
    assert members_of_url(client, url, len(data)) == tuple(CONTENT)
    assert len(depot.spans) == 1


def test_another_version_of_an_archive_is_noticed(depot, client, pack) -> None:
    data = pack(CONTENT)
    url = depot.put("x.zip", data, '"v1"')
    Archive(client, url, len(data))
    forget_memory()
    depot.put("x.zip", data, '"v2"')
    again = Archive(client, url, len(data))
    with pytest.raises(Changed):
        part(again.file, 0, 10)
    again.forget()
    assert part(Archive(client, url, len(data)).file, 0, 2) == b"PK"


def test_notes_are_of_one_version(depot, client, pack) -> None:
    data = pack(CONTENT)
    url = depot.put("x.zip", data, '"v1"')
    archive = Archive(client, url, len(data))
    archive.keep_note("a/b.jp2", b"tiles")
    assert archive.note("a/b.jp2") == b"tiles"
    assert archive.note("a/c.xml") is None
    depot.put("x.zip", data, '"v2"')
    archive.forget()
    assert Archive(client, url, len(data)).note("a/b.jp2") is None


def test_a_damaged_note_is_read_anew(depot, client, pack) -> None:
    data = pack(CONTENT)
    url = depot.put("x.zip", data)
    Archive(client, url, len(data))
    for path in (Path(client.config.cache_dir) / "archives-known").iterdir():
        path.write_bytes(b"\0" * 100)
    forget_memory()
    assert members_of_url(client, url, len(data)) == tuple(CONTENT)
    assert len(depot.spans) == 2


def test_archives_on_disk(tmp_path: Path, pack) -> None:
    (tmp_path / "x.zip").write_bytes(pack(CONTENT))
    assert members_of_file(tmp_path / "x.zip") == tuple(CONTENT)
    (tmp_path / "y.zip").write_bytes(b"no archive")
    for name in ("y.zip", "absent.zip"):
        with pytest.raises(ArchiveError, match="cannot be read as a zip archive"):
            members_of_file(tmp_path / name)
