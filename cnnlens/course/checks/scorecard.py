"""The exercises of lesson 09."""

import numpy as np

from ..exercise import exercise

# As the ledger writes them; it is imported only where an answer is checked.
HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told here"


def _intervals():
    return {
        "an interval inside the range": (0.2, 0.4, 0.1, np.inf),
        "an interval below the range": (-0.3, 0.05, 0.1, np.inf),
        "an interval above the range": (0.2, 0.3, -0.1, 0.1),
        "an interval across the lower end": (0.05, 0.4, 0.1, np.inf),
        "an interval across the upper end, whose middle is outside": (0.05, 0.3, -0.1, 0.1),
        "an interval wider than the range": (-0.5, 0.5, -0.1, 0.1),
        "a range without a lower end": (-0.4, -0.2, -np.inf, -0.1),
        "a difference that chance cannot move": (27.0, 27.0, 26.5, 27.5),
        "an interval that begins where the range begins": (0.1, 0.4, 0.1, np.inf),
        "an interval that ends where the range begins": (-0.2, 0.1, 0.1, np.inf),
    }


def _judged(inside, outside=lambda low, high, least, most: high < least or low > most):
    """A judge by what it takes for the whole interval to be inside, and outside, the range."""

    def answer(*given):
        return HOLDS if inside(*given) else FAILS if outside(*given) else OPEN

    return answer


def _within(low, high, least, most):
    return least <= low and high <= most


@exercise(
    _intervals,
    {
        "The middle of the interval decides there: the whole interval must.": lambda low, high, least, most: (
            HOLDS if least <= (low + high) / 2 <= most else FAILS
        ),
        "What is not wholly inside need not be wholly outside: there is a third verdict.": (
            lambda low, high, least, most: HOLDS if _within(low, high, least, most) else FAILS
        ),
        "An interval that only touches the range is not inside it: the whole interval must be.": _judged(
            lambda low, high, least, most: low <= most and high >= least
        ),
        "The upper end of the range is not looked at.": _judged(
            lambda low, high, least, most: low >= least, lambda low, high, least, most: high < least
        ),
        "An interval above the range is outside too.": _judged(_within, lambda low, high, least, most: high < least),
        "An interval below the range is outside too.": _judged(_within, lambda low, high, least, most: low > most),
        "No interval is below the range and above it: one of the two is enough to be outside.": _judged(
            _within, lambda low, high, least, most: high < least and low > most
        ),
        "The ends belong to the range: what begins where it begins is inside.": _judged(
            lambda low, high, least, most: least < low and high < most
        ),
        "The ends belong to the range: what ends where it begins is not outside.": _judged(
            _within, lambda low, high, least, most: high <= least or low >= most
        ),
        "Whether the interval leaves out 0 is another question: compare it with the range.": (
            lambda low, high, least, most: HOLDS if low > 0 or high < 0 else OPEN
        ),
        "Inside is turned around: the interval must lie in the range, not the range in the interval.": _judged(
            lambda low, high, least, most: low <= least and most <= high
        ),
        "Asked is one of three verdicts in words, not whether it holds.": _within,
    },
)
def judge(low, high, least, most):
    """The verdict that the ledger uses."""
    from types import SimpleNamespace

    from ...ledger import Support, settle

    return settle(Support(least, most), SimpleNamespace(low=low, high=high))


def _differences():
    generator = np.random.default_rng(9)

    def drawn(differences):
        return np.asarray(differences, float), generator.integers(len(differences), size=(2000, len(differences)))

    return {
        "forty differences around 20": drawn(generator.normal(20, 15, 40)),
        "twelve differences around 0": drawn(generator.normal(0, 15, 12)),
        "a few large differences among many small ones": drawn(generator.exponential(12, 30)),
        "a difference that never varies": drawn(np.full(9, 4.0)),
    }


def _middle(means):
    return np.quantile(means, [0.025, 0.975])


def _around(differences, reach):
    return differences.mean() + reach * np.array([-1, 1])


@exercise(
    _differences,
    {
        "That leaves 5 % on either side, so that 90 % are between: leave 2.5 %.": lambda differences, draws: (
            np.quantile(differences[draws].mean(1), [0.05, 0.95])
        ),
        "Those are the smallest and the largest mean: leave 2.5 % on either side.": lambda differences, draws: (
            np.quantile(differences[draws].mean(1), [0, 1])
        ),
        "That is where the single differences lie: take the mean of each row of draws first.": (
            lambda differences, draws: _middle(differences[draws])
        ),
        "The draws are not used: that is where the single differences lie.": lambda differences, draws: _middle(
            differences
        ),
        "The mean goes over the wrong axis: each row is one draw.": lambda differences, draws: _middle(
            differences[draws].mean(0)
        ),
        "Take the mean of each row, not the median.": lambda differences, draws: _middle(
            np.median(differences[draws], 1)
        ),
        "That is the mean and 1.96 standard errors to either side, as if it were even: take quantiles of the draws.": (
            lambda differences, draws: _around(differences, 1.96 * differences.std(ddof=1) / len(differences) ** 0.5)
        ),
        "That is how far single differences scatter, not how far their mean does.": lambda differences, draws: _around(
            differences, 1.96 * differences.std()
        ),
    },
    tolerance=0.01,
)
def bootstrap_interval(differences, draws):
    """From numpy's quantiles."""
    return _middle(differences[draws].mean(1))


@exercise(
    mistakes={
        "That is for one of them.": lambda: 0.05,
        "Chances add only where two cannot happen at once: how likely is it that none misses?": lambda: 1.0,
        "That is how likely it is that none misses.": lambda: 0.95**20,
        "That is exactly one; two and more count as well.": lambda: 20 * 0.05 * 0.95**19,
        "How likely, not how many.": lambda: 20,
        "That is in percent: give it as a number from 0 to 1.": lambda: 100 * (1 - 0.95**20),
    },
    tolerance=0.005,
)
def one_misses():
    """Of twenty independent intervals of 95 %, by SciPy's binomial distribution."""
    from scipy.stats import binom

    return binom.sf(0, 20, 0.05)


def _risks():
    generator = np.random.default_rng(4)
    return {
        "seven claims": (np.array([0.001, 0.2, 0.012, 0.6, 0.03, 0.027, 0.9]), 0.05),
        "a claim that is saved by a later one": (np.array([0.04, 0.03, 0.5, 0.035, 0.02]), 0.05),
        "claims of which none stays": (np.array([0.03, 0.4, 0.045, 0.7]), 0.05),
        "claims of which all stay": (np.array([0.01, 0.04, 0.002]), 0.05),
        "a limit that is just met": (np.array([0.5, 0.125, 0.0625, 0.75]), 0.25),
        "twenty claims, one in ten may be wrong": (generator.beta(0.4, 2, 20), 0.1),
    }


def _ranked(p, rate, passes):
    """In the order of the claims, what passes by its p value in order and its place in it, from 1."""
    order = np.argsort(p)
    kept = np.zeros(len(p), bool)
    kept[order] = passes(p[order], np.arange(1, len(p) + 1))
    return kept


def _to_the_last(passed):
    """All up to the last that passes."""
    return np.logical_or.accumulate(passed[::-1])[::-1]


@exercise(
    _risks,
    {
        "That is without any correction: each is compared with the rate itself.": lambda p, rate: p <= rate,
        "That is Bonferroni's correction, each against rate / m: the k-th smallest may be as large as rate · k / m.": (
            lambda p, rate: p <= rate / len(p)
        ),
        "It stops at the first that is too large: look for the last that is not.": lambda p, rate: _ranked(
            p, rate, lambda sorted, k: np.logical_and.accumulate(sorted <= rate * k / len(p))
        ),
        "Each is judged by itself: all before the last that passes stay, even where they miss their own limit.": (
            lambda p, rate: _ranked(p, rate, lambda sorted, k: sorted <= rate * k / len(p))
        ),
        "The answer is in the order of size: give it in the order of the claims.": lambda p, rate: benjamini_hochberg(
            np.sort(p), rate
        ),
        "Off by one: the smallest is number 1, not number 0.": lambda p, rate: _ranked(
            p, rate, lambda sorted, k: _to_the_last(sorted <= rate * (k - 1) / len(p))
        ),
        "A p value that just meets its limit passes.": lambda p, rate: _ranked(
            p, rate, lambda sorted, k: _to_the_last(sorted < rate * k / len(p))
        ),
        "They are sorted the wrong way round: the smallest comes first.": lambda p, rate: _ranked(
            p, rate, lambda sorted, k: _to_the_last(sorted <= rate * k[::-1] / len(p))
        ),
        "Those are the ones that do not stay.": lambda p, rate: ~benjamini_hochberg(p, rate),
        "That is how many stay: say which.": lambda p, rate: benjamini_hochberg(p, rate).sum(),
    },
)
def benjamini_hochberg(p, rate):
    """By SciPy's adjusted p values."""
    from scipy.stats import false_discovery_control

    return false_discovery_control(p) <= rate


def _said_and_measured():
    generator = np.random.default_rng(6)
    verdicts = [HOLDS, FAILS, OPEN]

    def case(count, guesses, measured):
        return tuple(generator.choice(verdicts, count, p=p).tolist() for p in (guesses, measured))

    return {
        "thirty guesses of all kinds": case(30, (0.6, 0.25, 0.15), (0.4, 0.3, 0.3)),
        "an author, who takes each claim to hold": case(20, (1, 0, 0), (0.3, 0.3, 0.4)),
        "a doubter": case(25, (0.3, 0.6, 0.1), (0.4, 0.4, 0.2)),
        "one that could always be told": case(12, (0.5, 0.5, 0), (0.5, 0.5, 0)),
    }


def _pairs(guesses, verdicts, *told):
    return sum(pair in told for pair in zip(guesses, verdicts))


def _fraction(guesses, verdicts, among, misled=((HOLDS, FAILS),)):
    return _pairs(guesses, verdicts, *misled) / among(guesses, verdicts)


def _told(guesses, verdicts):
    return _pairs(guesses, verdicts, (HOLDS, HOLDS), (HOLDS, FAILS))


def _told_either_way(guesses, verdicts):
    return _told(guesses, verdicts) + _pairs(guesses, verdicts, (FAILS, HOLDS), (FAILS, FAILS))


@exercise(
    _said_and_measured,
    {
        "That divides by all guesses: only those count that said holds, and could be told.": (
            lambda guesses, verdicts: _fraction(guesses, verdicts, lambda guesses, verdicts: len(guesses))
        ),
        "What cannot be told is no misleading, and no agreement either: leave it out.": (
            lambda guesses, verdicts: _fraction(guesses, verdicts, lambda guesses, verdicts: guesses.count(HOLDS))
        ),
        "What cannot be told counts as misled there: leave it out.": lambda guesses, verdicts: _fraction(
            guesses, verdicts, lambda guesses, verdicts: guesses.count(HOLDS), ((HOLDS, FAILS), (HOLDS, OPEN))
        ),
        "That is the other way round: of what does not hold, how much was said to hold.": (
            lambda guesses, verdicts: _fraction(guesses, verdicts, lambda guesses, verdicts: verdicts.count(FAILS))
        ),
        "Guesses that a claim does not hold are no part of it.": lambda guesses, verdicts: _fraction(
            guesses, verdicts, _told_either_way
        ),
        "Those who doubt what holds are wrong, but not misled: only what was said to hold counts.": (
            lambda guesses, verdicts: _fraction(guesses, verdicts, _told_either_way, ((HOLDS, FAILS), (FAILS, HOLDS)))
        ),
        "That is how often the picture was right.": lambda guesses, verdicts: 1 - fraction_misled(guesses, verdicts),
        "That is how many, not which fraction.": lambda guesses, verdicts: _pairs(guesses, verdicts, (HOLDS, FAILS)),
    },
)
def fraction_misled(guesses, verdicts):
    """From the kinds that the ledger's own tally has."""
    from ...ledger.guesses import MISLED, RIGHT, Guess

    kinds = [Guess("", "", "", *pair).kind for pair in zip(guesses, verdicts) if pair[0] == HOLDS]
    return kinds.count(MISLED) / (kinds.count(MISLED) + kinds.count(RIGHT))
