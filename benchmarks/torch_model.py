"""The same plain model in PyTorch, on the same batches of like length: an optional third column."""

import time

import torch
from recipes import PLAIN
from torch import nn

from s2s_lib import BucketedBatches, CharVocabulary


class Plain(nn.Module):
    """Embeddings, an encoder LSTM, a decoder LSTM started from its states, logits."""

    def __init__(self, num_source_tokens, num_target_tokens):
        super().__init__()
        width, units = PLAIN.embedding_dim, PLAIN.latent_dim
        self.source_embedding = nn.Embedding(num_source_tokens, width)
        self.target_embedding = nn.Embedding(num_target_tokens, width)
        self.encoder = nn.LSTM(width, units, batch_first=True)
        self.decoder = nn.LSTM(width, units, batch_first=True)
        self.logits = nn.Linear(units, num_target_tokens)
        self.dropout = nn.Dropout(PLAIN.dropout)

    def forward(self, source, decoder_input):
        """Return logits ``(batch, target_timesteps, num_target_tokens)``."""
        lengths = (source != 0).sum(dim=1)
        embedded = self.dropout(self.source_embedding(source))
        packed = nn.utils.rnn.pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        _, states = self.encoder(packed)
        hidden, _ = self.decoder(self.dropout(self.target_embedding(decoder_input)), states)
        return self.logits(self.dropout(hidden))


def train_epochs(pairs, *, say, told_to_go_on):
    """Train an epoch, validate, report; until told to stop."""
    parts = {name: pairs[pairs["split"] == name] for name in ("train", "validation")}
    vocabularies = [CharVocabulary.from_texts(parts["train"][side]) for side in ("source", "target")]
    batches = {
        name: BucketedBatches(
            part["source"],
            part["target"],
            *vocabularies,
            batch_size=PLAIN.batch_size * (1 if name == "train" else 8),
        )
        for name, part in parts.items()
    }
    torch.manual_seed(0)
    model = Plain(*map(len, vocabularies))
    optimizer = torch.optim.Adam(model.parameters(), lr=PLAIN.learning_rate / 2)
    cost = nn.CrossEntropyLoss(ignore_index=0, reduction="sum")

    def loss_of(batch):
        (source, decoder_input), target, _ = batch
        logits = model(torch.from_numpy(source).long(), torch.from_numpy(decoder_input).long())
        wanted = torch.from_numpy(target).long()
        return cost(logits.flatten(0, 1), wanted.flatten()), int((wanted != 0).sum())

    while True:
        wall, cpu = time.perf_counter(), time.process_time()
        model.train()
        for i in range(len(batches["train"])):
            optimizer.zero_grad()
            total, count = loss_of(batches["train"][i])
            (total / count).backward()
            nn.utils.clip_grad_norm_(model.parameters(), PLAIN.clipnorm)
            optimizer.step()
        batches["train"].on_epoch_end()
        model.eval()
        with torch.no_grad():
            sums = [loss_of(batches["validation"][i]) for i in range(len(batches["validation"]))]
        say(
            wall_seconds=time.perf_counter() - wall,
            cpu_seconds=time.process_time() - cpu,
            val_real_loss=float(sum(total for total, _ in sums)) / sum(count for _, count in sums),
        )
        if not told_to_go_on():
            return
