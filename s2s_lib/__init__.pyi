from . import arguments as arguments, checks as checks, data as data, decoding as decoding, evaluate as evaluate
from . import evaluation as evaluation, example as example, figures as figures, models as models
from . import records as records, training as training, translator as translator
from .data.batches import BucketedBatches as BucketedBatches
from .data.corpus import cache_dir as cache_dir, languages as languages, load_pairs as load_pairs
from .data.gloss import gloss as gloss
from .data.splitting import components as components, multi_reference as multi_reference
from .data.splitting import normalize_sentence as normalize_sentence, reverse_pairs as reverse_pairs
from .data.splitting import running_pair as running_pair, split_hash as split_hash, split_pairs as split_pairs
from .data.splitting import training_subset as training_subset
from .data.vectorization import IdArrays as IdArrays, id_arrays as id_arrays
from .data.vocabulary import CharVocabulary as CharVocabulary
from .decoding import BeamDecoder as BeamDecoder, GreedyDecoder as GreedyDecoder
from .decoding import SamplingDecoder as SamplingDecoder
from .evaluation.challenge import load_challenge as load_challenge, score_challenge as score_challenge
from .evaluation.exposure import bits_per_character as bits_per_character, exposure_bias as exposure_bias
from .example import OneHotArrays as OneHotArrays, build_seq2seq as build_seq2seq
from .example import one_hot_arrays as one_hot_arrays, train_example as train_example
from .models import State as State, register_model as register_model
from .models import build_attention_seq2seq as build_attention_seq2seq
from .models import build_embedding_seq2seq as build_embedding_seq2seq
from .records import load_record as load_record
from .training import Recipe as Recipe, train as train
from .translator import Settings as Settings, Translator as Translator, train_or_load as train_or_load

__version__: str
