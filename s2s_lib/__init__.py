"""Companion of the course: a character-level encoder–decoder turns short English sentences into French.

The walk of a sentence pair, stage by stage, with the notebook that derives each:

- `s2s_lib.data.corpus`         pairs from the sample, ManyThings, your own file             01_data
- `s2s_lib.data.splitting`      training, validation and test that share no sentence         01_data
- `s2s_lib.data.vocabulary`     characters and ids, text prepared once                       02_vectorization
- `s2s_lib.data.vectorization`  text to padded ids                                           02_vectorization
- `s2s_lib.data.batches`        batches of similar length, which feed ``fit``                02_vectorization
- `s2s_lib.models`              each model whole: layers, encode, step                       03_model
- `s2s_lib.training`            a recipe becomes a fitted model and a record                 04_training
- `s2s_lib.decoding`            greedy decoding, sampling and beam search                    05_inference
- `s2s_lib.translator`          model, vocabularies and settings in one file                 05_inference
- `s2s_lib.evaluation`          metrics, errors, challenge, exposure                         06_error_analysis

Beside the walk stand `s2s_lib.example` (the famous Keras example, whole), `s2s_lib.figures` (every picture)
and `s2s_lib.records` (the runs that every quoted number comes from). Nothing heavy is imported before it is
used: ``__init__.pyi`` lists the public names, and an editor finds their definitions there.
"""

import lazy_loader

from s2s_lib import quiet

__version__ = "0.1.0"
quiet.install()
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
