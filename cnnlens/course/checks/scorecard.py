"""Checks of the exercises of lesson 09."""

import numpy as np

from ..exercise import Verdict, compare, exercise


@exercise("judge")
def judge(answer):
    """A function (low, high, least, most) -> one of three verdicts, against the one that the ledger uses."""
    from types import SimpleNamespace

    from ...ledger import VERDICTS, Support, settle

    cases = {
        "an interval inside the range": (0.2, 0.4, 0.1, np.inf),
        "an interval below the range": (-0.3, 0.05, 0.1, np.inf),
        "an interval above the range": (0.2, 0.3, -0.1, 0.1),
        "an interval across the lower end": (0.05, 0.4, 0.1, np.inf),
        "an interval across the upper end": (0.05, 0.15, -0.1, 0.1),
        "an interval wider than the range": (-0.5, 0.5, -0.1, 0.1),
        "a range without a lower end": (-0.4, -0.2, -np.inf, -0.1),
        "a difference that chance cannot move": (27.0, 27.0, 26.5, 27.5),
        "an interval that begins where the range begins": (0.1, 0.4, 0.1, np.inf),
    }
    for description, (low, high, least, most) in cases.items():
        try:
            came = answer(low, high, least, most)
        except Exception as error:  # whatever a learner's function does, the lesson goes on
            return Verdict("failed", f"For {description} your function raised {type(error).__name__}: {error}.")
        if came is None:
            return Verdict("pending", "The function returns nothing yet: replace its body, then run this cell again.")
        expected = settle(Support(least, most), SimpleNamespace(low=low, high=high))
        if came != expected:
            hint = "" if came in VERDICTS else f" The verdicts are {', '.join(map(repr, VERDICTS))}."
            case = f"{description} ({low} to {high}, support {least} to {most})"
            return Verdict("failed", f"For {case} expected {expected!r}, got {came!r}.{hint}")
    return Verdict("passed", f"Equal to the ledger's own verdict in all {len(cases)} cases.")


@exercise("bootstrap_interval")
def bootstrap_interval(answer):
    """A function (differences (n,), draws (B, n)) -> the ends of a 95 % bootstrap interval, against numpy's."""

    def reference(differences, draws):
        return np.quantile(differences[draws].mean(1), [0.025, 0.975])

    generator = np.random.default_rng(9)

    def case(differences):
        return np.asarray(differences, float), generator.integers(len(differences), size=(2000, len(differences)))

    cases = [
        ("forty differences around 20", case(generator.normal(20, 15, 40))),
        ("twelve differences around 0", case(generator.normal(0, 15, 12))),
        ("a few large differences among many small ones", case(generator.exponential(12, 30))),
        ("a difference that never varies", case(np.full(9, 4.0))),
    ]
    return compare(answer, reference, cases, tolerance=0.02)
