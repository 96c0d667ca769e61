"""Sentence pairs arrive whole and in order, or one sentence says which file, which line, and what to do."""

import errno
import hashlib
import http.server
import io
import random
import re
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s_lib.data import corpus
from s2s_lib.data.corpus import cache_dir, languages, load_pairs
from s2s_lib.data.vocabulary import prepare_text

OTTERS = [("The otter sleeps.", "La loutre dort."), ("Dive!", "Plonge\u202f!"), ("Dive!", "Plongez\u202f!")]
TEXT = "".join(f"{source}\t{target}\n" for source, target in OTTERS).encode()
COLUMNS = ["source", "target", "attribution"]
pytestmark = pytest.mark.usefixtures("no_network")


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zip_bytes(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


ARCHIVE = zip_bytes({"_about.txt": "terms", "fra.txt": TEXT})


def pairs_of(frame):
    return list(zip(frame["source"], frame["target"], strict=True))


def error_of(path, kind=ValueError, **options):
    """Load a file that must fail, and return the one line that says why."""
    with pytest.raises(kind) as caught:
        load_pairs(path, **options)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert Path(path).name in message
    return message


# A person's own file


def test_two_columns_give_an_empty_attribution_and_three_columns_give_theirs(tmp_path):
    frame = load_pairs(
        write(tmp_path / "own.tsv", "The otter sleeps.\tLa loutre dort.\nDive!\tPlonge !\tby me\n")
    )
    assert frame.columns.tolist() == COLUMNS
    assert frame.to_numpy().tolist() == [
        ["The otter sleeps.", "La loutre dort.", ""],
        ["Dive!", "Plonge !", "by me"],
    ]


@pytest.mark.parametrize("suffix", [".tsv", ".txt", ".TXT"])
@pytest.mark.parametrize("as_type", [str, Path])
def test_a_path_may_be_a_str_or_a_path_of_any_known_suffix(tmp_path, suffix, as_type):
    assert pairs_of(load_pairs(as_type(write(tmp_path / f"own{suffix}", TEXT)))) == OTTERS


def test_a_bare_file_name_in_the_working_folder_is_a_path(tmp_path, monkeypatch):
    write(tmp_path / "own.tsv", TEXT)
    monkeypatch.chdir(tmp_path)
    assert pairs_of(load_pairs("own.tsv")) == OTTERS


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.rstrip(b"\n"),
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.replace(b"\n", b"\r\n").rstrip(b"\n"),
        b"\xef\xbb\xbf" + TEXT,
        TEXT + b"\n\r\n\n",
    ],
    ids=["no last newline", "CRLF", "CRLF without the last LF", "BOM", "blank lines at the end"],
)
def test_how_lines_end_and_files_begin_changes_no_sentence(tmp_path, raw):
    assert pairs_of(load_pairs(write(tmp_path / "own.txt", raw))) == OTTERS


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x00", '"', "\\"])
def test_no_character_but_newline_ends_a_line_and_none_is_special(tmp_path, character):
    pair = (f"a{character}b", f"{character}c")
    path = write(tmp_path / "own.tsv", f"x\ty\n{pair[0]}\t{pair[1]}\n")
    assert pairs_of(load_pairs(path)) == [("x", "y"), pair]


FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n\x00"), min_size=1)
SENTENCE = FIELD.filter(lambda text: prepare_text(text).strip())


@pytest.mark.filterwarnings("ignore:.*own.tsv")
@given(
    st.lists(st.tuples(SENTENCE, SENTENCE, st.just("") | FIELD.filter(str.strip)), min_size=1),
    st.booleans(),
    st.booleans(),
)
def test_whatever_is_written_as_tab_separated_lines_is_read_back_prepared(tmp_path_factory, rows, bom, crlf):
    lines = ["\t".join(row) if row[2] else "\t".join(row[:2]) for row in rows]
    raw = ("\ufeff" * bom + ("\r\n" if crlf else "\n").join(lines)).encode()
    frame = load_pairs(write(tmp_path_factory.mktemp("own") / "own.tsv", raw))
    expected = [(prepare_text(source), prepare_text(target), other) for source, target, other in rows]
    assert list(frame.itertuples(index=False, name=None)) == expected


@pytest.mark.filterwarnings("ignore:.*own.(tsv|zip)")
@given(
    raw=st.binary(max_size=200) | st.text("ab\t\n\r", max_size=40).map(str.encode),
    suffix=st.sampled_from(["tsv", "zip"]),
)
def test_whatever_bytes_a_file_holds_it_is_read_or_refused_by_name(tmp_path_factory, raw, suffix):
    path = write(tmp_path_factory.mktemp("own") / f"own.{suffix}", raw)
    try:
        frame = load_pairs(path)
    except ValueError as error:
        assert path.name in str(error)
    else:
        assert len(frame) and frame["source"].str.strip().all() and frame["target"].str.strip().all()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("only one column", "found 1"),
        ("a\tb\tc\td", "found 4"),
        ("\tcible", "the source is empty"),
        (" \u202f\tcible", "the source is empty"),
        ("source\t", "the target is empty"),
        ("source\t\tattribution", "the target is empty"),
    ],
)
def test_a_malformed_line_is_named_by_file_and_number(tmp_path, line, complaint):
    path = write(tmp_path / "own.tsv", f"Dive!\tPlonge !\n{line}\nDive!\tPlonge !\n")
    message = error_of(path)
    assert f"{path}, line 2: " in message and complaint in message


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_another_encoding_is_named_by_line(tmp_path, bom):
    path = write(tmp_path / "own.txt", bom + TEXT + "Summer.\tL'été.\n".encode("latin-1"))
    assert f"{path}, line 4: not UTF-8" in error_of(path)


def test_a_file_in_utf_16_is_refused_as_not_utf_8(tmp_path):
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        message = error_of(write(tmp_path / "own.txt", TEXT.decode().encode(encoding)))
        assert message.endswith("own.txt: not UTF-8, it looks like UTF-16; save the file as UTF-8")


@pytest.mark.parametrize("raw", [b"", b"\n\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_called_empty(tmp_path, raw):
    assert "the file is empty" in error_of(write(tmp_path / "own.tsv", raw))


def test_a_missing_file_and_a_directory_are_named(tmp_path):
    error_of(tmp_path / "none.tsv", FileNotFoundError)
    error_of(tmp_path, OSError)
    error_of(f"{tmp_path}/", OSError)


def test_another_suffix_is_refused_with_those_that_are_read(tmp_path):
    assert ".tsv, .txt, .zip" in error_of(write(tmp_path / "own.csv", "a,b\n"))


# Archives


def test_the_one_text_of_an_archive_is_read_whatever_lies_beside_it(tmp_path):
    beside = {"_about.txt": "t", "__MACOSX/._own.txt": "m", "a/.own.txt": "h", "x.png": "p", "b.txt/": ""}
    path = write(tmp_path / "own.zip", zip_bytes({**beside, "a/own.TSV": TEXT}))
    assert pairs_of(load_pairs(path)) == OTTERS
    assert [file.name for file in tmp_path.iterdir()] == ["own.zip"]


def test_a_member_is_never_extracted_to_the_path_it_names(tmp_path):
    path = write(tmp_path / "own.zip", zip_bytes({"../../evil.txt": TEXT}))
    assert pairs_of(load_pairs(path)) == OTTERS
    assert not list(tmp_path.parent.rglob("evil.txt"))


def test_an_archive_with_several_texts_or_none_lists_what_it_found(tmp_path):
    message = error_of(write(tmp_path / "two.zip", zip_bytes({"a.txt": TEXT, "b.tsv": TEXT})))
    assert "found 2: 'a.txt', 'b.tsv'" in message
    assert "found 0: none" in error_of(write(tmp_path / "none.zip", zip_bytes({"_about.txt": "terms"})))


def test_a_malformed_line_inside_an_archive_is_named_by_archive_member_and_number(tmp_path):
    path = write(tmp_path / "own.zip", zip_bytes({"a/b.txt": TEXT + b"oops\n"}))
    assert f"{path} (a/b.txt), line 4: " in error_of(path)


@pytest.mark.parametrize(
    "raw", [b"<html>", ARCHIVE[:-30], ARCHIVE[:20]], ids=["a web page", "cut short", "a header only"]
)
def test_what_is_no_whole_archive_is_refused(tmp_path, raw):
    assert "not a readable zip archive" in error_of(write(tmp_path / "own.zip", raw))


@settings(max_examples=150)
@given(st.integers(0, len(ARCHIVE) - 1), st.integers(1, 255))
def test_a_flipped_byte_in_an_archive_never_gives_other_sentences(tmp_path_factory, position, flip):
    raw = bytearray(ARCHIVE)
    raw[position] ^= flip
    path = write(tmp_path_factory.mktemp("own") / "own.zip", bytes(raw))
    try:
        assert pairs_of(load_pairs(path)) == OTTERS
    except ValueError as error:
        assert path.name in str(error)


def test_an_encrypted_archive_says_so(tmp_path):
    raw = bytearray(zip_bytes({"a.txt": TEXT}))
    raw[6] |= 1  # the flag in the member's own header, then in the directory at the end
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in error_of(write(tmp_path / "own.zip", bytes(raw)))


def test_a_member_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "MAX_MEMBER_BYTES", 10)
    assert "more than 10 bytes" in error_of(write(tmp_path / "own.zip", ARCHIVE))


# Arguments


def test_num_samples_takes_the_first_lines_in_file_order(tmp_path):
    path = write(tmp_path / "own.tsv", TEXT)
    assert pairs_of(load_pairs(path, num_samples=2)) == OTTERS[:2]
    assert pairs_of(load_pairs(path, num_samples=np.int64(3))) == OTTERS


@pytest.mark.parametrize("asked", [1000, 10**20])
def test_more_samples_than_there_are_gives_all_with_a_warning_that_names_both_numbers(tmp_path, asked):
    with pytest.warns(UserWarning, match=rf"asked for {asked:,} pairs, .*own\.tsv has only 3$"):
        frame = load_pairs(write(tmp_path / "own.tsv", TEXT), num_samples=asked)
    assert pairs_of(frame) == OTTERS


@pytest.mark.parametrize("num_samples", [0, -1])
def test_num_samples_below_one_is_a_value_error(num_samples):
    with pytest.raises(ValueError, match=f"at least 1, not {num_samples}"):
        load_pairs(num_samples=num_samples)


@pytest.mark.parametrize("num_samples", [True, 2.0, "2"])
def test_num_samples_that_is_no_integer_is_a_type_error(num_samples):
    with pytest.raises(TypeError, match=re.escape(repr(num_samples))):
        load_pairs(num_samples=num_samples)


@pytest.mark.parametrize(
    "name", ["fra", "Fra-eng", "eng-fra", "fra-eng\n", "samples", "", None, 5, b"fra-eng"]
)
def test_an_unknown_corpus_is_answered_with_what_there_is(name):
    with pytest.raises(
        ValueError, match=r'unknown corpus .*"sample".*"fra-eng".*path of a \.tsv, \.txt, \.zip'
    ):
        load_pairs(name)


def test_the_sample_is_str_throughout_and_sorted_as_manythings_files_are(sample_pairs):
    assert sample_pairs.columns.tolist() == COLUMNS
    assert all(pd.api.types.is_string_dtype(dtype) for dtype in sample_pairs.dtypes)
    assert sample_pairs["source"].str.len().is_monotonic_increasing


def test_the_cache_is_where_the_environment_says_else_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("S2S_CACHE_DIR", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.setenv("S2S_CACHE_DIR", "")
    assert cache_dir().name == "s2s_lib" and cache_dir().is_absolute()


# Downloads, from a server on this machine


class Server(http.server.ThreadingHTTPServer):
    """Serves ``body``; ``status``, ``claimed_length``, ``hold`` change how. ``agents`` holds who asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.status, self.claimed_length, self.hold, self.agents = ARCHIVE, 200, None, None, []
        self.url = f"http://127.0.0.1:{self.server_port}/{{name}}.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, agent = self.server, self.headers["User-Agent"]
        server.agents.append(agent)
        if server.hold:
            server.hold.wait(timeout=30)
        self.send_response(406 if agent.startswith(("python", "Python")) else server.status)
        self.send_header("Content-Length", str(server.claimed_length or len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *args):
        pass


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


def left_behind(tmp_path):
    return sorted(file.name for file in (tmp_path / "data").iterdir())


@pytest.mark.parametrize("name", ["fra-eng", "deu-eng"])
def test_a_corpus_is_downloaded_once_under_its_own_user_agent(server, tmp_path, capsys, name):
    for _ in range(2):
        assert pairs_of(load_pairs(name)) == OTTERS
    assert left_behind(tmp_path) == [f"{name}.zip"]
    assert len(server.agents) == 1 and "s2s_lib" in server.agents[0]
    assert "%" in capsys.readouterr().err  # the progress bar


def test_without_a_data_folder_downloads_go_to_the_cache(server, tmp_path, monkeypatch):
    monkeypatch.delenv("S2S_DATA_DIR")
    monkeypatch.setenv("S2S_CACHE_DIR", str(tmp_path / "cache"))
    load_pairs("fra-eng")
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["fra-eng.zip"]


def test_a_refused_user_agent_is_reported_with_its_status(server, tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "USER_AGENT", "python-requests/2.32")
    with pytest.raises(ConnectionError, match=r"deu-eng\.zip \(HTTP 406\)"):
        load_pairs("deu-eng")
    assert left_behind(tmp_path) == []


def test_a_language_pair_that_is_not_there_is_reported_with_its_status(server):
    server.status = 404
    with pytest.raises(ConnectionError, match=r"xyz-eng\.zip \(HTTP 404\)"):
        load_pairs("xyz-eng")


def test_offline_one_sentence_names_both_ways_out_and_no_chain_of_causes(server, tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "PINNED_URL", "https://storage.googleapis.com/fra-eng.zip")
    with pytest.raises(ConnectionError) as caught:
        load_pairs("fra-eng")
    message = str(caught.value)
    assert "S2S_DATA_DIR" in message and 'corpus="sample"' in message and len(message.splitlines()) == 1
    assert caught.value.__suppress_context__
    assert left_behind(tmp_path) == []


def test_a_connection_cut_in_mid_file_leaves_nothing_behind(server, tmp_path):
    server.claimed_length = len(ARCHIVE) + 1000
    with pytest.raises(ConnectionError, match="cannot download"):
        load_pairs("fra-eng")
    assert left_behind(tmp_path) == []
    server.claimed_length = None
    assert pairs_of(load_pairs("fra-eng")) == OTTERS


def test_a_download_cut_anywhere_is_not_kept_and_the_next_one_succeeds(server, tmp_path):
    for size in random.Random(0).sample(range(len(ARCHIVE)), 20):
        server.body = ARCHIVE[:size]
        for server.claimed_length, kind in ((len(ARCHIVE), ConnectionError), (None, ValueError)):
            with pytest.raises(kind, match=r"fra-eng\.zip"):
                load_pairs("fra-eng")
            assert left_behind(tmp_path) == [], size
    server.body = ARCHIVE
    assert pairs_of(load_pairs("fra-eng")) == OTTERS


@pytest.mark.parametrize("body", [b"<html>Please log in to this wireless network</html>", ARCHIVE[:-40], b""])
def test_a_download_that_is_no_archive_is_not_kept(server, tmp_path, body):
    server.body = body
    for name in ("fra-eng", "deu-eng"):  # with a pinned hash, and without
        with pytest.raises(ValueError, match=rf"http://.*{name}\.zip: not a readable zip archive"):
            load_pairs(name)
    assert left_behind(tmp_path) == []


def test_a_download_with_a_malformed_line_is_not_kept(server, tmp_path):
    server.body = zip_bytes({"deu.txt": TEXT + b"oops\n"})
    with pytest.raises(ValueError, match=r"deu-eng\.zip \(deu\.txt\), line 4: "):
        load_pairs("deu-eng")
    assert left_behind(tmp_path) == []


def test_a_download_of_another_release_is_not_kept(server, tmp_path):
    server.body = zip_bytes({"fra.txt": TEXT + TEXT})
    with pytest.raises(ValueError, match="is not the release of 2019-04-07"):
        load_pairs("fra-eng")
    assert left_behind(tmp_path) == []


def test_a_file_of_another_release_is_named_with_both_hashes_and_left_alone(server, tmp_path):
    (tmp_path / "data").mkdir()
    path = write(tmp_path / "data" / "fra-eng.zip", zip_bytes({"fra.txt": TEXT + TEXT}))
    with pytest.raises(ValueError) as caught:
        load_pairs("fra-eng")
    hashes = corpus.PINNED_SHA256, hashlib.sha256(TEXT + TEXT).hexdigest()
    for part in (str(path), *hashes, "delete", "give its path as the corpus"):
        assert part in str(caught.value)
    assert server.agents == [] and path.exists()


def test_a_broken_file_in_the_folder_is_named_and_nothing_is_downloaded_over_it(server, tmp_path):
    (tmp_path / "data").mkdir()
    path = write(tmp_path / "data" / "fra-eng.zip", ARCHIVE[:50])
    with pytest.raises(ValueError, match=re.escape(f"{path}: not a readable zip archive")):
        load_pairs("fra-eng")
    assert server.agents == []


def test_archives_of_one_release_may_differ_in_their_bytes(server, tmp_path):
    server.body = zip_bytes({"fra.txt": TEXT})
    assert server.body != ARCHIVE
    assert pairs_of(load_pairs("fra-eng")) == OTTERS


def test_a_full_disk_is_reported_with_the_file_and_leaves_nothing_behind(server, tmp_path, monkeypatch):
    class FullDisk(io.FileIO):
        def write(self, data):
            super().write(data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pooch.downloaders.open", lambda name, mode: FullDisk(name, "w+"), raising=False)
    with pytest.raises(OSError, match=r"No space left on device: .*fra-eng\.zip") as caught:
        load_pairs("fra-eng")
    assert caught.value.errno == errno.ENOSPC
    assert left_behind(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path, monkeypatch):
    monkeypatch.setenv("S2S_DATA_DIR", str(write(tmp_path / "a_file", b"")))
    with pytest.raises(OSError, match="a_file"):
        load_pairs("fra-eng")


def test_an_interrupt_leaves_nothing_behind(server, tmp_path, monkeypatch):
    def interrupt(source, target):
        assert Path(source).exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(corpus.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_pairs("fra-eng")
    assert left_behind(tmp_path) == []


def test_the_final_name_holds_nothing_until_the_archive_is_whole(server, tmp_path):
    server.hold = threading.Event()
    loader = threading.Thread(target=load_pairs, args=["fra-eng"])
    loader.start()
    deadline = time.monotonic() + 30
    while not server.agents and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "fra-eng.zip" not in left_behind(tmp_path)
    server.hold.set()
    loader.join(timeout=30)
    assert left_behind(tmp_path) == ["fra-eng.zip"]


def test_two_downloads_at_once_both_succeed(server, tmp_path):
    server.hold = threading.Barrier(2)  # neither is answered before both have asked
    with ThreadPoolExecutor() as pool:
        frames = list(pool.map(load_pairs, ["deu-eng", "deu-eng"]))
    assert [pairs_of(frame) for frame in frames] == [OTTERS, OTTERS]
    assert len(server.agents) == 2
    assert left_behind(tmp_path) == ["deu-eng.zip"]


# Languages


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("sample", ("English", "French")),
        ("fra-eng", ("English", "French")),
        ("deu-eng", ("English", "German")),
        ("corpora/fra-eng.zip", ("English", "French")),
        (Path("fra-eng-latest.zip"), ("English", "French")),
        ("deu.txt", ("English", "German")),
        ("own.tsv", ("the source language", "the target language")),
        ("xyz-eng", ("the source language", "the target language")),
    ],
)
def test_a_corpus_name_tells_its_languages_in_the_order_of_the_file(name, names):
    assert languages(name) == names
    assert languages(name, reverse=True) == names[::-1]


def test_every_language_has_one_code_of_three_letters_and_one_name():
    folder = Path(corpus.__file__).parents[1] / "resources"
    rows = [line.split("\t") for line in (folder / "languages.tsv").read_text("utf-8").splitlines()]
    for code, name in rows:
        assert re.fullmatch("[a-z]{3}", code)
        assert languages(f"{code}-eng") == ("English", name)
    assert len({code for code, _ in rows}) == len({name for _, name in rows}) == len(rows)


# The real corpus


def test_the_pinned_release_is_read_whole(real_pairs, real_data_dir):
    with zipfile.ZipFile(real_data_dir / "fra-eng.zip") as archive:
        raw = archive.read("fra.txt")
    assert len(real_pairs) == 167_130
    assert "".join(f"{s}\t{t}\n" for s, t in pairs_of(real_pairs)).encode() == raw
    assert (real_pairs["attribution"] == "").all()


def test_the_first_ten_thousand_real_pairs_have_the_published_sizes(real_pairs):
    first = real_pairs.head(10_000)
    targets = "\t" + first["target"] + "\n"
    assert len(set("".join(first["source"]))) == 70 and len(set("".join(targets))) == 93
    assert first["source"].str.len().max() == 16 and targets.str.len().max() == 59


def test_the_real_corpus_is_read_within_seconds(real_data_dir, monkeypatch):
    monkeypatch.setenv("S2S_DATA_DIR", str(real_data_dir))
    start = time.process_time()
    load_pairs("fra-eng")
    assert time.process_time() - start < 3
