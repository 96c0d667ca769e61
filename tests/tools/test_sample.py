"""The bundled sample is what its lexicon and its grammar yield."""

import pytest

from tools import sample


@pytest.mark.slow
def test_the_bundled_sample_is_generated_byte_for_byte():
    from tools.sample.__main__ import SAMPLE
    from tools.sample.patterns import sample as generate

    assert sample.__doc__
    assert generate().encode() == SAMPLE.read_bytes()
