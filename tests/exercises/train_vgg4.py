"""Answers to the exercises of lesson 02: a right one for each, and wrong ones with words that name the mistake."""

import numpy as np


def indexed(image, down, across, is_mirrored, fold=lambda place, side: (side - 1) - abs((side - 1) - abs(place))):
    """Each pixel is looked up where it comes from."""
    height, width = image.shape[:2]
    rows = [fold(row - down, height) for row in range(height)]
    columns = [fold(column - across, width) for column in range(width)]
    return image[rows][:, columns[::-1] if is_mirrored else columns]


def clipped(place, side):
    return min(max(place, 0), side - 1)


def twice_the_border(place, side):
    place = -1 - place if place < 0 else place
    return 2 * side - 1 - place if place >= side else place


def written_into(image, down, across, is_mirrored):
    image[:] = indexed(image, down, across, is_mirrored)
    return image


def rounds(gradient, count=40, scale=np.linalg.norm):
    step = gradient / scale(gradient)
    for _ in range(count):
        step = step @ (1.5 * np.eye(step.shape[1]) - 0.5 * step.T @ step)
    return step


RIGHT = {
    "parameters": lambda side, channels, filters: side**2 * channels * filters + filters,
    "pixels_seen": np.int64(5),
    "augment": indexed,
    "equal_directions": rounds,
}
WRONG = {
    "parameters": [
        ("bias is forgotten", lambda side, channels, filters: side * side * channels * filters),
        ("kernel for each channel", lambda side, channels, filters: filters * side**2 + filters),
        ("one bias in all", lambda side, channels, filters: filters * channels * (side * side + 1)),
        ("side × side", lambda side, channels, filters: filters * side * channels + filters),
        ("Off by one", lambda side, channels, filters: side**2 * channels * filters + filters - 1),
    ],
    "pixels_seen": [("windows overlap", 9), ("share pixels", 6), ("one convolution sees", 3), ("too small", 4)],
    "augment": [
        ("the other way: positive", lambda image, down, across, turned: indexed(image, -down, -across, turned)),
        ("swapped", lambda image, down, across, turned: indexed(image, across, down, turned)),
        ("comes in on the other", lambda *given: indexed(*given, fold=lambda place, side: place % side)),
        ("repeats the outermost", lambda *given: indexed(*given, fold=clipped)),
        ("comes twice", lambda *given: indexed(*given, fold=twice_the_border)),
        (
            "mirrored first",
            lambda image, down, across, turned: indexed(image[:, ::-1] if turned else image, down, across, False),
        ),
        (
            "upside down",
            lambda image, down, across, turned: (
                np.flipud(indexed(image, down, across, False)) if turned else indexed(image, down, across, False)
            ),
        ),
        ("always, or never", lambda image, down, across, turned: indexed(image, down, across, False)),
        ("changes what it was given (argument 1)", written_into),
    ],
    "equal_directions": [
        ("rounds are missing", lambda gradient: gradient / np.sqrt((gradient**2).sum())),
        ("longest direction", lambda gradient: gradient / np.linalg.svd(gradient)[1][0]),
        ("entry has the same size", lambda gradient: np.where(gradient > 0, 1, -1)),
        ("One round", lambda gradient: rounds(gradient, 1)),
        ("Five rounds", lambda gradient: rounds(gradient, 5)),
        ("Each row", lambda gradient: np.stack([row / np.linalg.norm(row) for row in gradient])),
        ("transposed", lambda gradient: rounds(gradient).T),
        ("inf", lambda gradient: rounds(gradient, 40, lambda step: 0.001)),
    ],
}
