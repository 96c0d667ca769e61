"""The recipes that stand beside the example in ``bench.py``, chosen on validation pairs."""

from s2s_lib import Recipe

# As large as the example's model (within 2 %), the same layers; ids instead of one-hot rows.
PLAIN = Recipe(
    model="embedding", latent_dim=256, embedding_dim=72, batch_size=128, epochs=16, learning_rate=4e-3,
    dropout=0.2,
)  # fmt: skip
# No larger than the example's model; looks back.
ATTENTIVE = Recipe(
    model="attention", latent_dim=240, embedding_dim=64, batch_size=64, epochs=24, learning_rate=2e-3,
    dropout=0.3, fold_typography=True,
)  # fmt: skip
