"""A minute of `make fuzz`: files that nobody should trust."""

import subprocess
import sys

import pytest
from fuzz import bundle_case, corpus_case


@pytest.mark.slow
def test_hostile_files_are_read_or_refused_in_one_sentence_in_little_time_and_memory():
    command = [sys.executable, "-m", "tests.fuzz", "--checker", "15000", "--translate", "50"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout
    assert "7,500 cases" in result.stdout and " 0 faults" in result.stdout


def test_a_case_is_made_from_its_number_alone():
    assert bundle_case(7) == bundle_case(7) != bundle_case(8)
    assert [corpus_case(number) for number in (1, 2)] == [corpus_case(number) for number in (1, 2)]
