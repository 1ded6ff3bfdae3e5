"""Answers to the exercises of lesson 04: a right one for each, and wrong ones with words that name the mistake."""

import numpy as np


def cosines(noise, power=1, constant=True):
    """One wave after the other, by its own cosine and sine instead of the FFT."""
    height, width = noise.shape
    y, x = np.mgrid[:height, :width]
    made = np.zeros(noise.shape)
    for down in range(height):
        for across in range(width):
            angle = 2 * np.pi * (down * y / height + across * x / width)
            wave = (noise * np.exp(-1j * angle)).sum() * np.exp(1j * angle) / noise.size
            slowest = min(down, height - down) / height, min(across, width - across) / width
            frequency = max(np.sqrt(slowest[0] ** 2 + slowest[1] ** 2), 1 / max(height, width))
            made += wave.real / frequency**power if constant or down or across else 0
    return made


def spectrum(noise):
    down, across = (np.fft.fftfreq(side) for side in noise.shape)
    return np.maximum(np.sqrt(down[:, None] ** 2 + across**2), 1 / max(noise.shape))


def halved(noise):
    """With the frequencies of numpy's rfft for both halves of the list."""
    down, across = (np.arange(side) / side for side in noise.shape)
    frequency = np.maximum(np.sqrt(down[:, None] ** 2 + across**2), 1 / max(noise.shape))
    return np.real(np.fft.ifft2(np.fft.fft2(noise) / frequency))


def shifted(values, down, right):
    """By index, without np.roll."""
    rows, columns = (np.arange(side) for side in values.shape)
    return values[(rows - down) % len(rows)][:, (columns - right) % len(columns)]


def climbed(image, gradient_at, shift, rate, back=-1, power=0.5):
    down, right = shift
    gradient = shifted(gradient_at(shifted(image, down, right)), back * down, back * right)
    return image + rate * gradient / ((gradient * gradient).sum() / gradient.size) ** power


def wandering(image, gradient_at, shift, rate):
    image = shifted(image, *shift)
    gradient = gradient_at(image)
    return image + rate * gradient / np.sqrt((gradient * gradient).mean())


def by_norm(image, gradient_at, shift, rate):
    gradient = climbed(image, gradient_at, shift, rate) - image
    return image + rate * gradient / np.sqrt((gradient**2).sum())


def placed(image, signal, best=np.argmax):
    back = np.zeros_like(image)
    for row in range(signal.shape[0]):
        for column in range(signal.shape[1]):
            block = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            place = np.unravel_index(best(block), (2, 2))
            back[2 * row + place[0], 2 * column + place[1]] = signal[row, column]
    return back


def four_times(image, signal):
    return np.kron(signal, np.ones((2, 2)))


def backward(values, signal, rule, shut=0.0):
    passed = np.ones(values.shape, bool)
    if rule in ("gradient", "guided"):
        passed &= values > shut
    if rule in ("deconvnet", "guided"):
        passed &= signal > 0
    return np.where(passed, signal, 0)


def confused(values, signal, rule):
    return backward(values, signal, {"gradient": "gradient", "deconvnet": "guided", "guided": "guided"}[rule])


RIGHT = {"slow_wave": 16, "one_over_f": cosines, "jittered_step": climbed, "unpool": placed, "relu_back": backward}
WRONG = {
    "slow_wave": [
        ("not the fast one", 0.0625),
        ("the square", 256),
        ("how many pixels", 60),
        ("without scaling", 1.0),
        ("too small", 15),
    ],
    "one_over_f": [
        ("multiplied by its frequency", lambda noise: np.fft.ifft2(np.fft.fft2(noise) * spectrum(noise)).real),
        ("the square", lambda noise: cosines(noise, power=2)),
        ("constant is lost", lambda noise: cosines(noise, constant=False)),
        ("negative frequencies", halved),
        ("go back to pixels", lambda noise: np.real(np.fft.fft2(noise) / spectrum(noise))),
        ("transposed", lambda noise: cosines(noise).T),
    ],
    "jittered_step": [
        ("shift it back", lambda *given: climbed(*given, back=0)),
        ("on instead of back", lambda *given: climbed(*given, back=1)),
        ("kept in [0, 1]", lambda *given: np.minimum(np.maximum(climbed(*given), 0), 1)),
        ("saw the image where it was", lambda image, at, shift, rate: climbed(image, at, (0, 0), rate)),
        ("would wander", wandering),
        ("L2 norm", by_norm),
        ("not normalized", lambda *given: climbed(*given, power=0)),
        ("root is missing", lambda *given: climbed(*given, power=1)),
        ("downhill", lambda image, *given: 2 * image - climbed(image, *given)),
        ("step alone", lambda image, *given: climbed(image, *given) - image),
    ],
    "unpool": [
        ("All four places", four_times),
        ("divided among the four", lambda image, signal: four_times(image, signal) / 4),
        ("smallest", lambda image, signal: placed(image, signal, np.argmin)),
        ("first place", lambda image, signal: placed(image, signal, lambda block: 0)),
        ("Negative signals are lost", lambda image, signal: placed(image, signal * (signal > 0))),
        ("maximum itself", lambda image, signal: np.where(placed(image, signal) != 0, image, 0)),
        ("too few along axis 0 and 1", lambda image, signal: placed(image, signal)[1:, 1:]),
    ],
    "relu_back": [
        ("values are rectified", lambda values, signal, rule: values * (values > 0)),
        ("does not look at the values", confused),
        ("rule is not looked at", lambda values, signal, rule: np.where(values > 0, signal, 0)),
        ("exactly 0", lambda *given: backward(*given, shut=-1e-9)),
        ("value must be positive", lambda v, s, rule: s * (s > 0) if rule == "guided" else backward(v, s, rule)),
        ("negative signals too", lambda v, s, rule: backward(v, s, "guided" if rule == "gradient" else rule)),
    ],
}
