"""What test files share: the sample, the real corpus where it is at hand, a machine without network."""

import hashlib
import os
import socket
import threading
from pathlib import Path

import hypothesis
import pytest
from servers import TEXT, Server

from s2s_lib.data import corpus
from s2s_lib.data.corpus import load_pairs
from s2s_lib.data.splitting import split_pairs

# A busy machine is no failed property.
hypothesis.settings.register_profile(
    "course", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("course")


@pytest.fixture(scope="session")
def sample_pairs():
    """Return the bundled sample as a DataFrame; copy it before you change it."""
    return load_pairs("sample")


@pytest.fixture(scope="session")
def real_data_dir():
    """Return the folder that holds the real fra-eng.zip: $S2S_DATA_DIR, else ../shared/data."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    for folder in (os.environ.get("S2S_DATA_DIR"), beside):
        if folder and Path(folder, "fra-eng.zip").is_file():
            return Path(folder).resolve()
    pytest.skip("real corpus not at hand: set S2S_DATA_DIR to the folder that holds fra-eng.zip")


@pytest.fixture(scope="session")
def real_pairs(real_data_dir):
    """Return the pinned release of the real corpus as a DataFrame; copy it before you change it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("S2S_DATA_DIR", str(real_data_dir))
        return load_pairs("fra-eng")


@pytest.fixture(scope="session")
def real_split(real_pairs):
    """Return the pinned release with its split; copy it before you change it."""
    return split_pairs(real_pairs)


@pytest.fixture
def no_network(monkeypatch):
    """Let connections reach this machine only; any other address fails as it does with the cable out."""
    connect, look_up, here = (
        socket.socket.connect,
        socket.getaddrinfo,
        ("localhost", "127.0.0.1", "::1", None),
    )

    def connect_here(self, address):
        if isinstance(address, tuple) and address[0] not in here:
            raise OSError(101, f"no network in this test: {address}")
        return connect(self, address)

    def look_up_here(host, *args, **kwargs):
        if host not in here:
            raise socket.gaierror(-3, f"no network in this test: {host}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Stand in for both real servers; the corpora's folder is ``tmp_path / "data"``, and not there yet."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        monkeypatch.setattr(corpus, "LATEST_URL", server.url)
        monkeypatch.setattr(corpus, "PINNED_URL", server.url.format(name="fra-eng"))
        monkeypatch.setattr(corpus, "PINNED_SHA256", hashlib.sha256(TEXT).hexdigest())
        monkeypatch.setenv("S2S_DATA_DIR", str(tmp_path / "data"))
        yield server
        server.shutdown()
