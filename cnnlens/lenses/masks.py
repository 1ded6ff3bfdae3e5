"""Which superpixels to show and which to hide: designs of on-off experiments.

A mask is a row of K booleans, one a superpixel. Every design here hands out the *same* masks on average (each is, by
itself, K tosses of a fair coin), so all of them estimate the same weights. They differ in how evenly a few hundred
masks cover the possibilities, and so in how much the estimate moves from seed to seed.
"""

import math

import numpy as np

from ..errors import CnnlensError, unknown


def random(samples, parts, seed):
    """Independent coin tosses: LIME's own sampling, bit for bit (Ribeiro, Singh and Guestrin 2016, section 3.3).

    Parameters
    ----------
    samples : int
        Number of masks; the first shows everything.
    parts : int
        Number of superpixels, K.
    seed : int

    Returns
    -------
    ndarray (samples, K) bool

    Examples
    --------
    The first mask shows everything; the others are tossed:

    >>> random(4, 5, seed=1).astype(int)
    array([[1, 1, 1, 1, 1],
           [1, 1, 1, 1, 0],
           [0, 1, 0, 1, 1],
           [0, 0, 1, 0, 0]])
    """
    masks = np.random.RandomState(seed).randint(0, 2, samples * parts).reshape(samples, parts).astype(bool)
    masks[0] = True
    return masks


def pairs(samples, parts, seed):
    """Each mask is followed by its complement, so what two superpixels do together cancels out of what one does alone.

    Parameters and result as in :func:`random`.

    Examples
    --------
    The whole image, then each mask and its complement:

    >>> pairs(5, 6, seed=0).astype(int)
    array([[1, 1, 1, 1, 1, 1],
           [0, 1, 1, 1, 0, 0],
           [1, 0, 0, 0, 1, 1],
           [0, 0, 0, 0, 0, 1],
           [1, 1, 1, 1, 1, 0]])
    """
    tosses = np.random.default_rng(seed).random((samples // 2, parts)) < 0.5
    return _after_all_on(_folded(tosses), samples)


def hadamard(samples, parts, seed):
    """A folded-over two-level design: superpixels are shown independently of each other *exactly*, not on average.

    In every whole block of masks each pair of superpixels is on-on, on-off, off-on and off-off equally often
    (Plackett and Burman 1946), and each mask is followed by its complement (Box and Wilson 1951), so neither another
    superpixel nor a pair of others can be mistaken for the one being measured. Each block takes its columns and signs
    at random, which makes blocks independent of each other, and each mask by itself a row of fair coin tosses.

    Parameters and result as in :func:`random`.

    Examples
    --------
    Each superpixel is shown in half of the eight masks after the first, and each pair of them in a quarter:

    >>> shown = hadamard(9, 3, seed=0)[1:].astype(int)
    >>> shown.T @ shown
    array([[4, 2, 2],
           [2, 4, 2],
           [2, 2, 4]])
    """
    generator = np.random.default_rng(seed)
    matrix = hadamard_matrix(parts + 1)
    blocks = [_block(matrix, parts, generator) for _ in range(math.ceil(samples / (2 * len(matrix))))]
    return _after_all_on(np.concatenate(blocks), samples)


def block_size(design, parts):
    """Masks after which a design is complete and may stop: they are balanced, and independent of all later ones.

    Examples
    --------
    After a whole block each superpixel was shown exactly half of the time:

    >>> block_size("pairs", 4), block_size("hadamard", 4)
    (10, 16)
    >>> block = hadamard(1 + 16, 4, seed=0)[1:]
    >>> block.mean(0)
    array([0.5, 0.5, 0.5, 0.5])
    """
    return 2 * len(hadamard_matrix(parts + 1)) if design == "hadamard" else 2 * (parts + 1)


DESIGNS = {"hadamard": hadamard, "pairs": pairs, "random": random}


def draw(design, samples, parts, seed):
    """Masks of a design by its name.

    Parameters
    ----------
    design : {"hadamard", "pairs", "random"}
    samples, parts, seed : int
        As in :func:`random`.

    Raises
    ------
    CnnlensError
        If there is no such design or fewer than eight masks are asked for.

    Examples
    --------
    How often each of three superpixels is shown in eight masks: coin tosses are even only on average.

    >>> for design in DESIGNS:
    ...     print(design, draw(design, 9, 3, seed=0)[1:].sum(0))
    hadamard [4 4 4]
    pairs [4 4 4]
    random [3 7 3]
    """
    if design not in DESIGNS:
        raise unknown("sampling design", design, DESIGNS)
    if samples < 8:
        raise CnnlensError(
            f"samples={samples} is too few to explain anything: ask for at least 8, better for 10 a superpixel."
        )
    return DESIGNS[design](samples, parts, seed)


def hadamard_matrix(least):
    """The smallest known-here square matrix of ±1 with orthogonal columns and at least ``least`` rows.

    Paley's construction for orders p + 1 (p prime, 3 modulo 4), and Sylvester's doubling of those and of 1.

    Examples
    --------
    Any two columns agree in half of their rows:

    >>> matrix = hadamard_matrix(3)
    >>> matrix
    array([[ 1,  1,  1,  1],
           [-1,  1,  1, -1],
           [-1, -1,  1,  1],
           [-1,  1, -1,  1]])
    >>> matrix.T @ matrix
    array([[4, 0, 0, 0],
           [0, 4, 0, 0],
           [0, 0, 4, 0],
           [0, 0, 0, 4]])
    """
    order = min(_orders(least))
    doublings = 0
    while not (order == 1 or _is_paley(order)):
        order, doublings = order // 2, doublings + 1
    matrix = _paley(order - 1) if order > 1 else np.ones((1, 1), int)
    for _ in range(doublings):
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def _orders(least):
    bases = [1, *(order for order in range(4, 2 * least + 8, 4) if _is_paley(order))]
    return [next(base << d for d in range(64) if base << d >= least) for base in bases]


def _is_paley(order):
    p = order - 1
    return p > 2 and p % 4 == 3 and all(p % q for q in range(2, math.isqrt(p) + 1))


def _paley(p):
    """Paley's first construction, from the squares modulo a prime p (3 modulo 4): a Hadamard matrix of order p + 1."""
    residue = np.full(p, -1)
    residue[[i * i % p for i in range(1, p)]] = 1
    residue[0] = 0
    matrix = np.ones((p + 1, p + 1), int)
    matrix[1:, 0] = -1
    matrix[1:, 1:] = residue[(np.arange(p)[None] - np.arange(p)[:, None]) % p] + np.eye(p, dtype=int)
    return matrix


def _block(matrix, parts, generator):
    columns = generator.permutation(len(matrix))[:parts]
    signs = generator.choice([-1, 1], parts)
    rows = generator.permutation(len(matrix))
    return _folded((matrix[rows][:, columns] * signs) > 0)


def _folded(masks):
    """Each mask followed by its complement."""
    return np.stack([masks, ~masks], axis=1).reshape(-1, masks.shape[-1])


def _after_all_on(masks, samples):
    """The whole image first, as LIME has it, then the masks."""
    return np.concatenate([np.ones((1, masks.shape[1]), bool), masks])[:samples]
