"""Claims made up for the tests of the ledger and the scorecard: they need no network."""

from types import SimpleNamespace

import numpy as np

from cnnlens import datasets
from cnnlens.ledger import CLAIMS, CannotTell, Claim, Support

SOURCE = {"mnist": "stand-in for MNIST: made up", "cifar10": "CIFAR-10: made up"}


class Toys:
    """Four claims that need no network: one of each verdict, and one that cannot be measured."""

    def __init__(self):
        self.measured = []
        self.stop_at = None
        self.enter("plain", "neurons", Support(0.1), 0.5)
        self.enter("wrong", "neurons", Support(0.1), -0.5)
        self.enter("close", "t-SNE", Support(0.1), 0.1)
        self.enter("<none>", "LIME", Support(-0.1, 0.1), None)

    def enter(self, key, technique, support, shift, statement=None, items=30):
        def measure(context, seed):
            if key == self.stop_at:
                raise KeyboardInterrupt
            self.measured.append(key)
            context.data("cifar10" if technique == "LIME" else "mnist")
            if shift is None:
                raise CannotTell("There are no <elephants> & no lions.")
            noise = np.random.default_rng((seed, 1)).normal(0, 0.1, context.size.items)
            return shift + noise, np.zeros(context.size.items)

        CLAIMS[key] = Claim(
            key=key,
            technique=technique,
            section="7.4",
            statement=statement or f"the claim <{key}>",
            evidence="figure 12",
            value="proportion",
            control="chance",
            support=support,
            why="one in ten",
            items="images",
            design="nested",
            sizes={"quick": {"seeds": 3, "items": items}, "full": {"seeds": 3, "items": 300}},
            measure=measure,
        )


def toys(monkeypatch):
    """The claims of the ledger are these instead, for the time of a test."""
    before = dict(CLAIMS)
    CLAIMS.clear()
    monkeypatch.setattr(datasets, "load", lambda name: SimpleNamespace(source=SOURCE[name]))
    yield Toys()
    CLAIMS.clear()
    CLAIMS.update(before)
