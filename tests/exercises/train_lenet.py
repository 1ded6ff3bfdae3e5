"""Answers to the exercises of lesson 01: a right one for each, and wrong ones with words that name the mistake."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import convolve2d, correlate2d


def windows(maps):
    height, width, count = maps.shape
    return maps[: height // 2 * 2, : width // 2 * 2].reshape(height // 2, 2, width // 2, 2, count)


def pooled(maps):
    return windows(maps).max((1, 3))


def shares(scores):
    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True)


def learned(weights, inputs, labels, rate, sign=-1, mean=True):
    moved = weights.copy()
    for image, label in zip(inputs, labels):
        error = shares(image[None] @ weights)[0]
        error[label] -= 1
        moved += sign * rate * np.outer(image, error) / (len(inputs) if mean else 1)
    return moved


def shared_sum(weights, inputs, labels, rate):
    grown = np.exp(inputs @ weights)
    errors = grown / grown.sum()
    errors[range(len(labels)), labels] -= 1
    return weights - rate * inputs.T @ errors / len(inputs)


def written_into(weights, inputs, labels, rate):
    weights[...] = learned(weights, inputs, labels, rate)
    return weights


RIGHT = {
    "dense1_weights": 102_528,
    "convolution": lambda image, kernel: (sliding_window_view(image, kernel.shape) * kernel).sum((2, 3)),
    "max_pool": pooled,
    "learning_step": learned,
}
WRONG = {
    "dense1_weights": [("biases", 102_400), ("32 maps", 3_328), ("too large", 113_386)],
    "convolution": [
        ("flipped", lambda image, kernel: convolve2d(image, kernel, "valid")),
        ("is padded", lambda image, kernel: correlate2d(image, kernel, "same")),
        ("kernel is transposed", lambda image, kernel: correlate2d(image, kernel.T, "valid")),
        (
            "mean of the products",
            lambda image, kernel: (sliding_window_view(image, kernel.shape) * kernel).mean((2, 3)),
        ),
        ("too few along axis", lambda image, kernel: correlate2d(image, kernel, "valid")[:-1, :-1]),
        ("answer is transposed", lambda image, kernel: correlate2d(image, kernel, "valid").T),
    ],
    "max_pool": [
        ("mean of four", lambda maps: windows(maps).mean((1, 3))),
        ("first of four", lambda maps: maps[: len(maps) // 2 * 2 : 2, : maps.shape[1] // 2 * 2 : 2]),
        ("smallest", lambda maps: -pooled(-maps)),
        ("overlap", lambda maps: sliding_window_view(maps, (2, 2), (0, 1)).max((3, 4))),
        ("negative", lambda maps: pooled(np.maximum(maps, 0))),
        ("left over", lambda maps: pooled(np.pad(maps, ((0, 1), (0, 1), (0, 0)), "edge"))),
        ("all maps together", lambda maps: pooled(maps).max(2, keepdims=True).repeat(maps.shape[2], 2)),
    ],
    "learning_step": [
        ("uphill", lambda *given: learned(*given, sign=1)),
        ("summed", lambda *given: learned(*given, mean=False)),
        ("by one sum", shared_sum),
        ("softmax is missing", lambda w, x, y, rate: w - rate * x.T @ (x @ w - np.eye(w.shape[1])[y]) / len(x)),
        (
            "over the images",
            lambda w, x, y, rate: w - rate * x.T @ (shares((x @ w).T).T - np.eye(w.shape[1])[y]) / len(x),
        ),
        ("labels are not taken off", lambda w, x, y, rate: w - rate * x.T @ shares(x @ w) / len(x)),
        ("step alone", lambda w, x, y, rate: learned(w, x, y, rate) - w),
        ("changes what it was given (argument 1)", written_into),
    ],
}
