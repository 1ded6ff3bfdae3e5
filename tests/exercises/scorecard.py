"""Answers to the exercises of lesson 09: a right one for each, and wrong ones with words that name the mistake."""

import numpy as np
from scipy.stats import norm, sem

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told here"


def by_corners(low, high, least, most):
    """By how many ends of the interval lie in the range, and on which side of it the others are."""
    sides = {int(end > most) - int(end < least) for end in (low, high)}
    if sides == {0}:
        return HOLDS
    return FAILS if sides in ({1}, {-1}) else OPEN


def by_middle(low, high, least, most):
    return HOLDS if 2 * least <= low + high <= 2 * most else FAILS


def never_open(*given):
    return {OPEN: FAILS}.get(by_corners(*given), by_corners(*given))


def touching(low, high, least, most):
    return FAILS if low > most or high < least else HOLDS


def lower_end_only(low, high, least, most):
    if low >= least:
        return HOLDS
    return OPEN if high >= least else FAILS


def one_side_out(low, high, least, most, above=False):
    found = by_corners(low, high, least, most)
    return OPEN if found == FAILS and (low > most) == above else found


def both_sides_out(*given):
    return OPEN if by_corners(*given) == FAILS else by_corners(*given)


def without_ends(low, high, least, most):
    return OPEN if by_corners(low, high, least, most) == HOLDS and low == least else by_corners(low, high, least, most)


def not_zero(low, high, least, most):
    return OPEN if low <= 0 <= high else HOLDS


def turned_around(low, high, least, most):
    return by_corners(least, most, low, high)


def counted(differences, draws, outside=50, center=np.mean):
    """By counting: of 2,000 means in order, so many are left out on either side."""
    means = np.sort([center(differences[row]) for row in draws])
    return means[outside], means[-1 - outside]


def flat(differences, draws):
    return np.percentile(np.concatenate([differences[row] for row in draws]), (2.5, 97.5))


def normal(differences, draws):
    return norm.interval(0.95, differences.mean(), max(sem(differences), 1e-12))


def thinned(p, rate, first=1, stop=False, alone=False, strict=False):
    """Claim by claim, from the smallest p value up."""
    order = sorted(range(len(p)), key=lambda claim: p[claim])
    passed = [
        p[claim] < rate * place / len(p) or (not strict and p[claim] == rate * place / len(p))
        for place, claim in enumerate(order, start=first)
    ]
    if alone:
        return np.array([passed[order.index(claim)] for claim in range(len(p))])
    last = (
        passed.index(False)
        if stop and False in passed
        else max((n + 1 for n, ok in enumerate(passed) if ok), default=0)
    )
    stays = set(order[:last])
    return [claim in stays for claim in range(len(p))]


def counting(guesses, verdicts, said=(HOLDS,), told=(HOLDS, FAILS), wrong=((HOLDS, FAILS),)):
    """Pair by pair."""
    misled = among = 0
    for guess, verdict in zip(guesses, verdicts):
        if guess in said and verdict in told:
            among += 1
            misled += (guess, verdict) in wrong
    return misled / among


def reversed_fraction(guesses, verdicts):
    failing = [guess for guess, verdict in zip(guesses, verdicts) if verdict == FAILS]
    return np.mean([guess == HOLDS for guess in failing])


RIGHT = {
    "judge": by_corners,
    "bootstrap_interval": counted,
    "one_misses": 0.64,
    "benjamini_hochberg": thinned,
    "fraction_misled": counting,
}
ANY = (HOLDS, FAILS, OPEN)
WRONG = {
    "judge": [
        ("The middle of the interval decides", by_middle),
        ("there is a third verdict", never_open),
        ("only touches the range", touching),
        ("upper end of the range is not looked at", lower_end_only),
        ("above the range is outside too", lambda *given: one_side_out(*given, above=True)),
        ("below the range is outside too", one_side_out),
        ("one of the two is enough", both_sides_out),
        ("begins where it begins is inside", without_ends),
        ("leaves out 0", not_zero),
        ("Inside is turned around", turned_around),
        ("verdicts in words", lambda *given: by_corners(*given) == HOLDS),
    ],
    "bootstrap_interval": [
        ("leaves 5 % on either side", lambda *given: counted(*given, outside=100)),
        ("smallest and the largest mean", lambda *given: counted(*given, outside=0)),
        ("take the mean of each row of draws first", flat),
        ("The draws are not used", lambda differences, draws: np.percentile(differences, (2.5, 97.5))),
        (
            "wrong axis",
            lambda differences, draws: np.percentile(sum(differences[row] for row in draws) / 2000, (2.5, 97.5)),
        ),
        ("not the median", lambda *given: counted(*given, center=np.median)),
        ("1.96 standard errors", normal),
        ("flipped", lambda *given: counted(*given)[::-1]),
    ],
    "one_misses": [
        ("for one of them", 0.05),
        ("in percent", 64),
        ("how likely is it that none misses?", 1),
        ("that none misses", 0.358),
        ("exactly one", 0.377),
        ("not how many", 20),
        ("too large", 0.7),
    ],
    "benjamini_hochberg": [
        ("without any correction", lambda p, rate: [each <= rate for each in p]),
        ("Bonferroni", lambda p, rate: [each * len(p) <= rate for each in p]),
        ("stops at the first", lambda *given: thinned(*given, stop=True)),
        ("judged by itself", lambda *given: thinned(*given, alone=True)),
        ("in the order of the claims", lambda p, rate: sorted(thinned(p, rate), reverse=True)),
        ("not number 0", lambda *given: thinned(*given, first=0)),
        ("just meets its limit passes", lambda *given: thinned(*given, strict=True)),
        ("the ones that do not stay", lambda *given: np.logical_not(thinned(*given))),
        ("say which", lambda *given: sum(thinned(*given))),
    ],
    "fraction_misled": [
        ("divides by all guesses", lambda guesses, *rest: counting(guesses, *rest, said=ANY, told=ANY)),
        ("leave it out", lambda *given: counting(*given, told=ANY)),
        ("counts as misled", lambda *given: counting(*given, told=ANY, wrong=((HOLDS, FAILS), (HOLDS, OPEN)))),
        ("the other way round", reversed_fraction),
        ("no part of it", lambda *given: counting(*given, said=(HOLDS, FAILS))),
        ("wrong, but not misled", lambda *g: counting(*g, (HOLDS, FAILS), wrong=((HOLDS, FAILS), (FAILS, HOLDS)))),
        ("how often the picture was right", lambda *given: counting(*given, wrong=((HOLDS, HOLDS),))),
        ("which fraction", lambda *given: sum(pair == (HOLDS, FAILS) for pair in zip(*given))),
    ],
}
