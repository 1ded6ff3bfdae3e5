"""Muon: momentum whose update is made orthogonal before it is taken (Jordan et al. 2024; Liu et al. 2025).

A gradient step moves a weight matrix mostly along its few strongest directions. Muon gives all directions of the update
the same length, so rare directions are learned as fast as common ones. Small networks that see each image only a few
dozen times gain most: VGG4 is as far after one epoch as AdamW is after two.

Keras has a Muon too, but for two-dimensional weights only; the weights that matter here are convolution kernels.
"""

import keras
from keras import ops

SMALLEST = 32  # a kernel thinner than this has too few directions to be worth it: first and last layers stay with AdamW
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # quintic whose iterates push every singular value towards 1 (Jordan et al.)
ROUNDS = 5


@keras.saving.register_keras_serializable("cnnlens")
class Muon(keras.optimizers.AdamW):
    """Muon for convolution and dense kernels, AdamW for biases and thin kernels.

    Parameters
    ----------
    learning_rate : float or schedule
        Step of the orthogonal updates, scaled so that a good AdamW rate is a good Muon rate (Liu et al. 2025, eq. 4).
    adam_ratio : float
        The AdamW part moves with this fraction of the learning rate.
    momentum : float
        Of the averaged gradient, taken with Nesterov's look-ahead.
    **kwargs
        As of ``keras.optimizers.AdamW``.
    """

    def __init__(self, learning_rate=0.003, adam_ratio=0.3, momentum=0.9, name="muon", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.adam_ratio = adam_ratio
        self.momentum = momentum

    def update_step(self, gradient, variable, learning_rate):
        if not _is_wide(variable.shape):
            return super().update_step(gradient, variable, learning_rate * self.adam_ratio)
        average = self._momentums[self._get_variable_index(variable)]
        self.assign(average, average * self.momentum + gradient)
        ahead = gradient + average * self.momentum
        matrix = ops.reshape(ahead, (-1, variable.shape[-1]))
        # An orthogonal matrix has entries of about 1/sqrt(longer side); 0.2 is the usual size of an AdamW step.
        scale = 0.2 * max(matrix.shape) ** 0.5
        self.assign_sub(variable, ops.reshape(orthogonal(matrix), variable.shape) * (learning_rate * scale))

    def _apply_weight_decay(self, variables):
        """Keras's own reads the schedule of the learning rate anew for each variable: a tenth of what tracing took."""
        shrunk = self.learning_rate * self.weight_decay
        for variable in filter(self._use_weight_decay, variables):
            self.assign_sub(variable, variable * shrunk)

    def get_config(self):
        return {**super().get_config(), "adam_ratio": self.adam_ratio, "momentum": self.momentum}


def _is_wide(shape):
    rows = 1
    for side in shape[:-1]:
        rows *= side
    return len(shape) >= 2 and min(rows, shape[-1]) >= SMALLEST


def orthogonal(matrix):
    """The matrix with all its singular values brought near 1 (0.5 to 1.3 unless almost zero), its directions kept.

    Each Newton-Schulz round is ``X ← X (aI + bG + cG²)`` with ``G = XᵀX``. All rounds are polynomials of the first G,
    so they are multiplied up on that small square matrix, and the long matrix is touched only twice.

    Parameters
    ----------
    matrix : Tensor (rows, cols) float32

    Returns
    -------
    Tensor (rows, cols)
    """
    wide = matrix.shape[0] < matrix.shape[1]
    tall = ops.transpose(matrix) if wide else matrix
    tall = tall / (ops.norm(tall) + 1e-7)
    gram = ops.matmul(ops.transpose(tall), tall)
    identity = ops.eye(gram.shape[0], dtype=gram.dtype)
    product = identity
    a, b, c = COEFFICIENTS
    for _ in range(ROUNDS):
        factor = a * identity + b * gram + c * ops.matmul(gram, gram)
        product = ops.matmul(product, factor)
        gram = ops.matmul(factor, ops.matmul(gram, factor))
    tall = ops.matmul(tall, product)
    return ops.transpose(tall) if wide else tall
