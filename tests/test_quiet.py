"""TensorFlow's start-up lines stay off the screen, and whatever else is said there comes through."""

import os
import subprocess
import sys

import pytest

from s2s_lib import quiet

KNOWN = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795584878.198371    8182 port.cc:153] oneDNN custom operations are on.",
    "I0000 00:00:1795584878.198670    8182 cudart_stub.cc:31] Could not find cuda drivers on your machine.",
]
OTHERS = [
    "E0000 00:00:1795584878.198670    8182 cuda_dnn.cc:31] Unable to register cuDNN factory",
    "I0000 00:00:1795584878.198371    8182 elsewhere.cc:153] something else",
    "a line of yours: WARNING",
]


def test_known_lines_are_dropped_and_all_others_are_written_in_their_order(capfd):
    with quiet.without_known_lines():
        for line in [KNOWN[0], OTHERS[0], KNOWN[1], OTHERS[1], KNOWN[2], OTHERS[2]]:
            os.write(2, f"{line}\n".encode())
    assert capfd.readouterr().err.splitlines() == OTHERS


def test_an_error_inside_passes_on_with_what_was_said_before_it(capfd):
    with pytest.raises(ImportError, match="no such backend"), quiet.without_known_lines():
        os.write(2, b"the cause\n")
        raise ImportError("no such backend")
    assert capfd.readouterr().err == "the cause\n"


@pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="TensorFlow's own lines"
)
def test_a_program_that_imports_the_library_first_starts_in_silence():
    code = "import s2s_lib; s2s_lib.build_embedding_seq2seq(num_source_tokens=9, num_target_tokens=9)"
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
