"""The straight way from a baseline to an image, and the integral of the gradient along it."""

import numpy as np


class Path:
    """Points on the straight way between two images, with the score and its slopes at each.

    Parameters
    ----------
    look : Look
        Asked for scores and slopes (:mod:`.looking`).
    start, end : ndarray (H, W, C)
    label : int
        The class.
    points : int
        To begin with, evenly spaced; the two ends are among them.

    Attributes
    ----------
    alphas : ndarray (K,)
        Where the points lie, from 0 (start) to 1 (end), in order.
    scores : ndarray (K,)
    slopes : list of K ndarray (H, W, C)

    Examples
    --------
    The score is x² of a single pixel, which rises by 1 from 0 to 1; three points of the path are enough:

    >>> from cnnlens.lenses.attribution.looking import Look, Seen
    >>> def look(images, label):
    ...     return Seen(images, label, images.reshape(-1, 1) ** 2, 2 * images)
    >>> path = Path(look, np.zeros((1, 1, 1)), np.ones((1, 1, 1)), label=0, points=3)
    >>> path.parts(), round(float(path.gap), 6)
    (array([[[1.]]]), 0.0)
    """

    def __init__(self, look, start, end, label, points):
        self._look, self._start, self._way, self._label = look, start, end - start, label
        self.alphas, self.scores, self.slopes = np.empty(0), np.empty(0), []
        self.visit(np.linspace(0, 1, points))

    def visit(self, alphas):
        """Look at more points of the way."""
        seen = self._look(self._start + np.float32(alphas)[:, None, None, None] * self._way, self._label)
        found = [*self.slopes, *seen.slopes]
        self.alphas = np.concatenate([self.alphas, alphas])
        self.scores = np.concatenate([self.scores, seen.scores[:, self._label]])
        order = np.argsort(self.alphas)
        self.alphas, self.scores, self.slopes = self.alphas[order], self.scores[order], [found[i] for i in order]

    @property
    def misses(self):
        """Of each piece, (K − 1,): its integral by the trapezoid rule, less the rise of the score."""
        rises = np.array([np.vdot(slope, self._way) for slope in self.slopes])
        return (rises[1:] + rises[:-1]) / 2 * np.diff(self.alphas) - np.diff(self.scores)

    @property
    def gap(self):
        """How much the integral misses the rise of the score from start to end, as a fraction of that rise."""
        return abs(self.misses.sum()) / max(abs(self.scores[-1] - self.scores[0]), 1e-6)

    def refine(self, pieces):
        """Halve so many pieces, those that miss most: the gradient jumps there."""
        worst = np.argsort(-np.abs(self.misses), kind="stable")[:pieces]
        self.visit((self.alphas[worst] + self.alphas[worst + 1]) / 2)

    def parts(self):
        """The way times the integral of the slopes, (H, W, C), by the trapezoid rule: each pixel's part of the rise."""
        widths = np.diff(self.alphas)
        weights = (np.append(widths, 0) + np.append(0, widths)) / 2
        return self._way * sum(np.float32(weight) * slope for weight, slope in zip(weights, self.slopes))
