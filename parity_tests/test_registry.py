"""A data set is downloaded once, complete and checked, or not at all; each failure is reported on one line."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import socket
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import numnet.data.download
from numnet.data import SOURCES, Extract, FetchError, Source, fetch
from numnet.data.__main__ import main
from numnet.data.download import PIECE
from numnet.data.registry import OWN, is_complete
from parity_tests.loopback import Loopback, serving
from parity_tests.real_data import REAL
from parity_tests.small import python

pytest.importorskip("pooch", reason="downloads need pooch: pip install 'numnet[examples]'")
DATA = bytes(range(256)) * 2000


def sha256(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.delenv(OWN, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        server.files = {"/a/x.txt": DATA}
        yield server


def table(loopback: Loopback, on_it: str = "/a/x.txt", **fields: Any) -> dict[str, Source]:
    """One source, called x, in the folder f."""
    good = {"path": "f/x.txt", "url": loopback.url + on_it, "what": "bytes", "licence": "none at all"}
    return {"x": Source(**{**good, "sha256": sha256(DATA), **fields})}


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def refusal(tmp_path: Path, sources: dict[str, Source], **options: Any) -> str:
    """What fetch says; in one line, which names the data set and the way by hand."""
    with pytest.raises(FetchError) as error:
        fetch("x", cache=tmp_path, sources=sources, progress=False, **options)
    said = str(error.value)
    assert said.startswith("x: ")
    assert "\n" not in said
    assert f"from {sources['x'].url} as {sources['x'].path} in the folder named by NUMNET_DATA." in said
    return said


def test_it_comes_once(loopback: Loopback, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        path = fetch("x", cache=tmp_path, sources=table(loopback))
        assert path == tmp_path / "f/x.txt"
        assert path.read_bytes() == DATA
    assert loopback.asked == [("/a/x.txt", "")]
    assert everything(tmp_path) == ["f/x.txt"]
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count(f"x: bytes, licence none at all, from {loopback.url}/a/x.txt\n") == 1
    assert "x.txt" in said.err.partition("\n")[2]  # the bar


def test_a_spoilt_file_in_the_cache_comes_again(loopback: Loopback, tmp_path: Path) -> None:
    path = fetch("x", cache=tmp_path, sources=table(loopback), progress=False)
    path.write_bytes(b"spoilt")
    assert fetch("x", cache=tmp_path, sources=table(loopback), progress=False).read_bytes() == DATA


def test_no_bar_unless_it_is_wanted(loopback: Loopback, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fetch("x", cache=tmp_path, sources=table(loopback), progress=False)
    assert capfd.readouterr().err.count("\n") == 1


def test_another_sha_256(loopback: Loopback, tmp_path: Path) -> None:
    loopback.files["/a/x.txt"] = b"changed"
    said = refusal(tmp_path, table(loopback))
    assert (
        f"has the SHA-256 {sha256(b'changed')}, expected {sha256(DATA)}; the file was removed. Download it again"
        in said
    )
    assert everything(tmp_path) == []
    loopback.files["/a/x.txt"] = DATA
    fetch("x", cache=tmp_path, sources=table(loopback))
    assert loopback.asked == [("/a/x.txt", "")] * 2


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_connection_goes_on(loopback: Loopback, tmp_path: Path, ranges: bool) -> None:
    loopback.cut, loopback.ranges = 3 * PIECE + 5, ranges
    said = refusal(tmp_path, table(loopback))
    assert f" after {3 * PIECE:,} bytes of {loopback.url}/a/x.txt. Run it again to resume the download." in said
    assert everything(tmp_path) == ["f/x.txt.part"]
    loopback.cut = None
    assert fetch("x", cache=tmp_path, sources=table(loopback)).read_bytes() == DATA
    assert loopback.asked == [("/a/x.txt", ""), ("/a/x.txt", f"bytes={3 * PIECE}-")]
    assert everything(tmp_path) == ["f/x.txt"]


def test_a_part_as_long_as_the_whole_file_is_downloaded_again(loopback: Loopback, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f/x.txt.part").write_bytes(b"?" * len(DATA))
    assert fetch("x", cache=tmp_path, sources=table(loopback)).read_bytes() == DATA


def test_cut_without_a_sha_256_is_no_whole_file(loopback: Loopback, tmp_path: Path) -> None:
    sources = table(loopback, sha256="")
    for loopback.cut, here in ((9, None), (PIECE, PIECE), (PIECE, 2 * PIECE)):
        said = refusal(tmp_path, sources)
        assert f"{here:,} bytes" in said if here else "no connection to 127.0.0.1" in said
    loopback.cut = None
    assert fetch("x", cache=tmp_path, sources=sources).read_bytes() == DATA


def test_what_is_not_checked_is_said(loopback: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch("x", cache=tmp_path, sources=table(loopback, sha256=""))
    assert "no SHA-256 is known, so the file is not checked" in capsys.readouterr().err


def test_gone(loopback: Loopback, tmp_path: Path) -> None:
    said = refusal(tmp_path, table(loopback, "/b"))
    assert f"the server returned 404 Not Found for {loopback.url}/b. Has the file moved?" in said


def test_no_network(loopback: Loopback, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        said = refusal(tmp_path, table(loopback, url=f"http://{host}/x.txt"))
    assert "http://? is not a valid URL (InvalidURL)." in refusal(tmp_path, table(loopback, url="http://?"))
    assert f"no connection to {host} (ConnectionError). Check the network." in said


def test_a_full_disk(loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(numnet.data.download, "append", full)
    assert "x.txt cannot be written: No space left on device. Free disk space" in refusal(tmp_path, table(loopback))
    monkeypatch.undo()
    monkeypatch.delenv(OWN, raising=False)
    monkeypatch.setattr("shutil.copyfileobj", full)
    loopback.files["/x.zip"] = zipped(x=DATA)
    sources = table(loopback, "/x.zip", member="x")
    assert "x.txt cannot be written: No space left on device. Free disk space" in refusal(tmp_path, sources)
    (tmp_path / "f/x.zip").unlink()
    (tmp_path / "g").write_bytes(b"")
    assert "g/x.txt cannot be written: " in refusal(tmp_path, table(loopback, path="g/x.txt"))


def test_without_pooch(loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    for options in ({}, {"cache": tmp_path}, {"offline": True}):
        with pytest.raises(ImportError, match=r"pooch: pip install 'numnet\[examples\]'$"):
            fetch("x", sources=table(loopback), **options)


def test_without_tqdm(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert fetch("x", cache=tmp_path, sources=table(loopback)).read_bytes() == DATA
    assert "No progress bar without tqdm: pip install 'numnet[examples]'" in capsys.readouterr().err


def test_offline(loopback: Loopback, tmp_path: Path) -> None:
    sources = table(loopback)
    said = refusal(tmp_path, sources, offline=True)
    assert "x.txt is missing. Run it once with a network and without offline. By hand: save x from" in said
    assert loopback.asked == []
    fetch("x", cache=tmp_path, sources=sources)
    assert fetch("x", offline=True, cache=tmp_path, sources=sources).read_bytes() == DATA


def test_a_folder_of_one_s_own(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is taken before the cache, unchecked, and needs no pooch."""
    own, sources = tmp_path / "own", table(loopback, instead=(Extract("f/few.txt", "a few bytes"),))
    (own / "f").mkdir(parents=True)
    monkeypatch.setenv(OWN, str(own))
    (own / "f/few.txt").write_bytes(b"few")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pooch", None)
        assert fetch("x", offline=True, sources=sources) == own / "f/few.txt"
        assert capsys.readouterr().err == f"x: {own / 'f/few.txt'}, a few bytes\n"
        (own / "f/x.txt").write_bytes(b"mine")
        assert fetch("x", sources=sources) == own / "f/x.txt"
    assert (loopback.asked, capsys.readouterr().err) == ([], "")
    (own / "f/few.txt").unlink()
    (own / "f/x.txt").unlink()
    assert fetch("x", cache=tmp_path, sources=sources) == tmp_path / "f/x.txt"
    monkeypatch.setenv(OWN, str(tmp_path / "nowhere"))
    with pytest.raises(FetchError, match=r"NUMNET_DATA is .*nowhere', expected a folder"):
        fetch("x", sources=sources)


def test_a_file_of_a_zip(loopback: Loopback, tmp_path: Path) -> None:
    """Found by its name; the zip stays, for its other files."""
    loopback.files["/a/all.zip"] = zipped(**{"top/x.txt": DATA, "top/y.txt": b"y", "__MACOSX/top/._x.txt": b"?"})
    sources = table(loopback, "/a/all.zip", member="x.txt")
    sources["y"] = sources["x"]._replace(path="f/y.txt", member="y.txt", sha256="")
    assert fetch("x", cache=tmp_path, sources=sources).read_bytes() == DATA
    assert fetch("y", cache=tmp_path, sources=sources).read_bytes() == b"y"
    assert loopback.asked == [("/a/all.zip", "")]
    assert everything(tmp_path) == ["f/all.zip", "f/x.txt", "f/y.txt"]


def test_a_zip_writes_nowhere_else(loopback: Loopback, tmp_path: Path) -> None:
    cache = tmp_path / "deep/cache"
    outside = ["../../x.txt", "/x.txt", "C:\\y.txt", str(tmp_path / "z.txt"), "../f/../../q.txt"]
    loopback.files["/bad.zip"] = zipped(**{name: DATA for name in outside if name != "/x.txt"})
    sources = table(loopback, "/bad.zip", member="x.txt")
    assert fetch("x", cache=cache, sources=sources) == cache / "f/x.txt"
    assert everything(tmp_path) == ["deep/cache/f/bad.zip", "deep/cache/f/x.txt"]
    assert not Path("/x.txt").exists()


def test_a_zip_without_the_file_or_with_two(loopback: Loopback, tmp_path: Path) -> None:
    loopback.files = {"/none.zip": zipped(a=b"a"), "/two.zip": zipped(**{"a/x": b"", "b/x": b""})}
    for name, count, holds in (("none", 0, "a"), ("two", 2, "a/x, b/x")):
        said = refusal(tmp_path, table(loopback, f"/{name}.zip", member="x"))
        assert f"{name}.zip has {count} files named x, expected one; its files: {holds}." in said


def test_a_file_of_a_zip_with_another_sha_256(loopback: Loopback, tmp_path: Path) -> None:
    loopback.files["/x.zip"] = zipped(x=b"changed")
    said = refusal(tmp_path, table(loopback, "/x.zip", member="x"))
    assert f"x in x.zip has the SHA-256 {sha256(b'changed')}, expected {sha256(DATA)}" in said
    assert everything(tmp_path) == []


def test_a_spoilt_zip_is_removed(loopback: Loopback, tmp_path: Path) -> None:
    good = zipped(x=DATA)
    for spoilt in (b"<html>", good[: len(good) // 2], good.replace(good[60:70], b"?" * 10, 1)):
        loopback.files["/x.zip"] = spoilt
        said = refusal(tmp_path, table(loopback, "/x.zip", member="x", sha256=""))
        assert "x.zip is not a readable zip: " in said
        assert "f/x.txt" not in everything(tmp_path)
    loopback.files["/x.zip"] = good
    assert fetch("x", cache=tmp_path, sources=table(loopback, "/x.zip", member="x")).read_bytes() == DATA


def test_a_folder_comes_whole_or_not(loopback: Loopback, tmp_path: Path) -> None:
    loopback.files = {"/n/a%20b.txt": b"one", "/n/c.txt": DATA}
    parts = ("a b.txt", "c.txt")
    sources = table(loopback, "/n/", path="n", parts=parts, sha256=sha256(b"one", DATA))
    loopback.cut = PIECE
    refusal(tmp_path, sources)
    assert not (tmp_path / "n").exists()
    loopback.cut = None
    assert fetch("x", cache=tmp_path, sources=sources) == tmp_path / "n"
    assert everything(tmp_path) == ["n/a b.txt", "n/c.txt"]
    assert loopback.asked == [("/n/a%20b.txt", ""), ("/n/c.txt", ""), ("/n/c.txt", f"bytes={PIECE}-")]
    (tmp_path / "n/c.txt").write_bytes(b"spoilt")
    loopback.files["/n/c.txt"] = b"changed"
    said = refusal(tmp_path, sources)
    expected = sha256(b"one", DATA)
    assert f"together have the SHA-256 {sha256(b'one', b'changed')}, expected {expected}; they were removed." in said
    loopback.files["/n/c.txt"] = DATA
    assert (fetch("x", cache=tmp_path, sources=sources) / "c.txt").read_bytes() == DATA


def test_a_folder_in_place_of_a_file_and_a_file_in_place_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMNET_DATA", str(tmp_path))
    (tmp_path / "names").write_text("x")
    (tmp_path / "timemachine" / "timemachine.txt").mkdir(parents=True)
    with pytest.raises(FetchError, match=r"names: .*names is a file, expected a folder\. Move it away, or unset"):
        fetch("names", offline=True)
    with pytest.raises(FetchError, match=r"timemachine: .*txt is a folder, expected a file\."):
        fetch("timemachine", offline=True)
    monkeypatch.delenv("NUMNET_DATA")
    with pytest.raises(FetchError, match=r"timemachine: .*txt is a folder, expected a file\."):
        fetch("timemachine", offline=True, cache=tmp_path)


def test_a_table_of_other_things() -> None:
    with pytest.raises(TypeError, match=r"fetch: sources\['mine'\] is a str, expected a Source"):
        fetch("mine", sources={"mine": "https://example.org/x"})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="fetch: sources is None, expected a dictionary"):
        fetch("mine", sources=None)  # type: ignore[arg-type]


def test_an_unknown_name() -> None:
    with pytest.raises(ValueError, match=r"no data set is called 'ewt_train', .* Did you mean ewt-train"):
        fetch("ewt_train")
    with pytest.raises(ValueError, match=r"no data set is called 'ewt', expected one of tinyshakespeare, .*names\."):
        fetch("ewt")


def test_the_table_of_the_command(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = table(loopback, instead=(Extract("few", "a few"),))
    sources["y"] = sources["x"]._replace(path="y", what="many more", sha256="")
    cache = ["--cache", str(tmp_path / "cache")]
    assert main(cache, sources) == 0
    assert capsys.readouterr().out.splitlines() == [
        "name  what       licence      where",
        "x     bytes      none at all  not here",
        "y     many more  none at all  not here",
    ]
    assert main(["x", "y", *cache], sources) == 0
    paths = [str(tmp_path / "cache" / name) for name in ("f/x.txt", "y")]
    assert capsys.readouterr().out.splitlines() == paths
    monkeypatch.setenv(OWN, str(tmp_path))
    assert main(["--check", *cache], sources) == 0
    shown = [line.partition("all  ")[2] for line in capsys.readouterr().out.splitlines()[1:]]
    assert shown == [f"{paths[0]}, as listed", f"{paths[1]}, no SHA-256 is known"]
    (tmp_path / "few").write_bytes(b"few")
    Path(paths[0]).write_bytes(b"spoilt")
    assert main(["--check", *cache], sources) == 0
    assert f"{tmp_path / 'few'}, a few, no SHA-256 is known" in capsys.readouterr().out
    (tmp_path / "few").unlink()
    assert main(["--check", *cache], sources) == 0
    assert f"{paths[0]}, DIFFERS from the list" in capsys.readouterr().out


def test_the_command_s_errors_are_one_line(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = table(loopback)
    assert main(["--offline", "x", "--cache", str(tmp_path)], sources) == 1
    assert " is missing. Run it once with a network" in (said := capsys.readouterr().err)
    assert said.startswith("numnet.data: x: ")
    assert main(["z"], sources) == 1
    assert capsys.readouterr().err == "numnet.data: fetch: no data set is called 'z', expected one of x.\n"
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert main([], sources) == 0
    assert capsys.readouterr().err == "numnet.data: Data sets are downloaded by pooch: pip install 'numnet[examples]'\n"


def test_the_module_is_a_command() -> None:
    shown = python("-m", "numnet.data", NUMNET_DATA="").stdout
    assert [line.split()[0] for line in shown.splitlines()] == ["name", *SOURCES]


def test_the_list_can_be_used() -> None:
    assert len({source.path for source in SOURCES.values()}) == len(SOURCES)
    for name, source in SOURCES.items():
        assert source.url.startswith(("https://", "http://www.manythings.org/")), name
        assert source.url.endswith("/") == bool(source.parts), name
        assert source.url.endswith(".zip") == bool(source.member), name
        assert source.licence, name
        for kind in source.kinds():
            assert len(kind.sha256) in (0, 64), name
            assert not Path(kind.path).is_absolute(), name


def test_what_is_at_hand_is_what_is_listed() -> None:
    kinds = [kind for source in SOURCES.values() for kind in source.kinds()]
    here = [kind for kind in kinds if (REAL / kind.path).exists()]
    if not here:
        pytest.skip("nothing of the list in ../shared/data, nor in the folder that NUMNET_DATA names")
    for kind in here:
        assert is_complete(REAL / kind.path, kind), kind.path
