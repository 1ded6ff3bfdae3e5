"""Downloads from a server on loopback that stalls, cuts off and lies; files that are written whole or not at all."""

import errno
import hashlib
import http.server
import threading
import time

import numpy as np
import pytest

from cnnlens import files
from cnnlens.__main__ import main
from cnnlens.course.commands import fetch
from cnnlens.errors import CnnlensError

CONTENT = np.random.default_rng(0).integers(0, 256, 700_000, np.uint8).tobytes()
HASH = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
HALF = 4 * files.CHUNK  # bytes that come before a fault


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; ``faults`` says what the next requests get, ``log`` what was asked."""

    faults, log, ranges = [], [], True

    def do_GET(self):
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if self.ranges else 0
        self.log.append(start)
        fault = self.faults.pop(0) if self.faults else None
        body = b"<html>please log in</html>" if fault == "wrong" else CONTENT[start:]
        if fault == "error":
            return self.send_error(503)
        if start >= len(CONTENT):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            if fault in ("stall", "cut"):
                self.wfile.write(body[:HALF])
                self.wfile.flush()
                if fault == "stall":
                    time.sleep(1.5)
                self.connection.close()
                return None
            self.wfile.write(body)
        except OSError:  # the client gave up on a stalled connection, as it should
            pass

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    Server.faults, Server.log, Server.ranges = [], [], True
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()


def get(server, target, **how):
    return files.download(f"{server}/file.bin", target, HASH, progress=False, timeout=0.5, **how)


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_download(server, tmp_path):
    assert get(server, tmp_path / "file.bin").read_bytes() == CONTENT
    assert left(tmp_path) == ["file.bin"]
    get(server, tmp_path / "file.bin")
    assert Server.log == [0], "a file that is there with the right hash is not fetched again"


@pytest.mark.parametrize("fault", ["stall", "cut"])
def test_broken_connection_is_resumed_where_it_stopped(server, tmp_path, fault):
    Server.faults = [fault, fault]
    assert get(server, tmp_path / "file.bin").read_bytes() == CONTENT
    assert Server.log == [0, HALF, 2 * HALF]
    assert left(tmp_path) == ["file.bin"]


def test_a_second_run_goes_on_where_the_first_gave_up(server, tmp_path):
    Server.faults = ["cut"] + ["error"] * 4
    with pytest.raises(CnnlensError, match="could not be downloaded.*run again to go on"):
        get(server, tmp_path / "file.bin")
    assert left(tmp_path) == ["file.bin.part"]
    assert get(server, tmp_path / "file.bin").read_bytes() == CONTENT
    assert Server.log[-1] == HALF


def test_server_without_ranges_starts_over(server, tmp_path):
    Server.faults, Server.ranges = ["cut"], False
    assert get(server, tmp_path / "file.bin").read_bytes() == CONTENT


def test_wrong_file_is_thrown_away(server, tmp_path):
    Server.faults = ["wrong"]
    with pytest.raises(CnnlensError, match="served another file than expected"):
        get(server, tmp_path / "file.bin")
    assert "file.bin" not in left(tmp_path)
    assert get(server, tmp_path / "file.bin").read_bytes() == CONTENT, "and does not spoil the next try"


def test_no_server(tmp_path):
    with pytest.raises(CnnlensError, match="Three ways out|three ways out"):
        files.download("http://127.0.0.1:9/file.bin", tmp_path / "file.bin", HASH, progress=False, timeout=0.5)


def test_fetch_command(server, tmp_path, monkeypatch, capsys):
    """The command itself, pointed at a mirror: what is right is kept, what is wrong fails, and the exit code tells."""
    monkeypatch.setenv("CNNLENS_MIRROR", server)
    monkeypatch.delenv("CNNLENS_OFFLINE")
    known = fetch.catalog()
    assert set(known) == {"mnist", "cifar10", "vgg16", "inception_v3"}
    assert known["mnist"][0] == f"{server}/mnist.npz"
    assert main(["fetch", "mnist", "--timeout", "0.5"]) == 1, "the server's file is not MNIST"
    assert "FAILED  mnist" in capsys.readouterr().out
    monkeypatch.setattr(fetch, "catalog", lambda: {"mnist": (f"{server}/mnist.npz", tmp_path / "mnist.npz", HASH)})
    assert main(["fetch", "mnist"]) == 0
    assert hashlib.sha256(CONTENT).hexdigest() in capsys.readouterr().out


def test_a_fetched_file_must_stay_the_same(tmp_path):
    """MD5 can be forged; the SHA-256 of the first time is remembered."""
    path = tmp_path / "weights.h5"
    path.write_bytes(b"one")
    assert fetch.remembered(path) == hashlib.sha256(b"one").hexdigest() == fetch.remembered(path)
    path.write_bytes(b"two")
    with pytest.raises(CnnlensError, match="weights.h5 is not the file that was fetched first"):
        fetch.remembered(path)


def test_fetch_refuses_when_offline_and_names_the_nearest(capsys):
    assert main(["fetch"]) == 2
    assert "CNNLENS_OFFLINE=1 forbids" in capsys.readouterr().err
    assert main(["fetch", "cifar"]) == 2
    assert "Did you mean 'cifar10'" in capsys.readouterr().err


def test_atomic_writes_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with files.atomic(path) as partial:
        partial.write_text("one")
        assert not path.exists()
    assert path.read_text() == "one"
    with pytest.raises(RuntimeError), files.atomic(path) as partial:
        partial.write_text("tw")
        raise RuntimeError
    assert path.read_text() == "one"
    assert left(path.parent) == ["a.txt"]


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "cannot be written"), (errno.EACCES, "cannot be written")],
)
def test_full_and_readonly_disk(tmp_path, number, reason):
    with pytest.raises(CnnlensError, match=reason), files.atomic(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        raise OSError(number, "no")
    assert left(tmp_path) == []


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CnnlensError, match="cannot be written"), files.atomic(tmp_path / "file" / "a.txt"):
        pass


def test_data_folder_must_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLENS_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(CnnlensError, match="CNNLENS_DATA names .* not a folder"):
        files.data_folder()


def test_offline_is_obeyed_without_a_probe(monkeypatch):
    monkeypatch.setattr(files, "_reachable", lambda: pytest.fail("the network was touched"))
    assert not files.online()


def test_probe_is_short(monkeypatch):
    """No address of the outside is reached: a closed port on this machine stands for a machine without a network."""
    monkeypatch.delenv("CNNLENS_OFFLINE")
    monkeypatch.setattr(files, "PROBED_HOST", ("127.0.0.1", 9))
    files._reachable.cache_clear()
    assert not files.online()
    files._reachable.cache_clear()
