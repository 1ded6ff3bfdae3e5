"""The exercises of lesson 04."""

import numpy as np

from ..exercise import exercise


@exercise(
    mistakes={
        "Asked is how much farther the slow wave moves, not the fast one.": lambda: 1 / 16,
        "Each is scaled by one over its frequency, not over the square of it.": lambda: 256,
        "How many times, not how many pixels more.": lambda: 60,
        "The two move alike only without scaling.": lambda: 1,
    }
)
def slow_wave():
    """Of our Fourier basis: its waves of 64 and of 4 pixels."""
    from ...lenses.neurons import fourier

    frequency, scale = fourier.fourier_basis(64)[1], fourier.scaling(1, 64)[0]
    slow, fast = (scale[np.flatnonzero(frequency == 1 / length)[0]] for length in (64, 4))
    return slow / fast


def _noises():
    generator = np.random.default_rng(3)
    shapes = {"8 × 8 values of noise": (8, 8), "7 × 12 values": (7, 12), "one row of 9": (1, 9)}
    return {name: (generator.normal(1, 1, shape),) for name, shape in shapes.items()}


def _frequency(noise, apart=np.fft.fftfreq, join=np.hypot):
    """How many waves fit into a pixel, for each coefficient of numpy's FFT; the constant counts as the slowest wave."""
    down, across = map(apart, noise.shape)
    return np.maximum(join(np.abs(down)[:, None], np.abs(across)[None]), 1 / max(noise.shape))


def _filtered(noise, factor):
    return np.fft.ifft2(np.fft.fft2(noise) * factor).real


def _one_sided(length):
    return np.arange(length) / length


@exercise(
    _noises,
    {
        "Each wave is multiplied by its frequency: divide by it, so that the slow ones grow.": lambda noise: _filtered(
            noise, _frequency(noise)
        ),
        "Each wave is divided by the square of its frequency.": lambda noise: _filtered(
            noise, 1 / _frequency(noise) ** 2
        ),
        "The constant is lost: it counts as the slowest wave.": lambda noise: one_over_f(noise - noise.mean()),
        "The constant stays as it was: it counts as the slowest wave.": lambda noise: (
            one_over_f(noise - noise.mean()) + noise.mean()
        ),
        "The frequencies down and across are added: the frequency of a wave is √(down² + across²).": lambda noise: (
            _filtered(noise, 1 / _frequency(noise, join=np.add))
        ),
        "The second half of the FFT's list holds the negative frequencies: ask np.fft.fftfreq.": lambda noise: (
            _filtered(noise, 1 / _frequency(noise, apart=_one_sided))
        ),
        "Those are the coefficients: go back to pixels with np.fft.ifft2.": lambda noise: (
            (np.fft.fft2(noise) / _frequency(noise)).real
        ),
    },
    tolerance=1e-4,
)
def one_over_f(noise):
    """By our Fourier basis, real waves instead of complex ones."""
    from ...lenses.neurons import fourier

    (down, _), (across, _) = map(fourier.fourier_basis, noise.shape)
    return down @ ((down.T @ noise @ across) * fourier.scaling(*noise.shape)) @ across.T


def _jitters():
    generator = np.random.default_rng(4)

    def case(shape, shift, rate, strength=1.0):
        image, pattern = generator.normal(size=(2, *shape))
        return image, lambda seen: strength * (pattern - seen), shift, rate

    return {
        "a 5 × 7 image, 1 down and 2 to the right": case((5, 7), (1, 2), 0.5),
        "a 6 × 6 image, 2 up and 1 to the right": case((6, 6), (-2, 1), 0.1),
        "a gradient a thousand times as long, which must not matter": case((4, 9), (1, -3), 0.5, 1000.0),
    }


def _moved(values, shift, sign=1):
    return np.roll(values, [sign * by for by in shift], (0, 1))


def _rms(gradient):
    return np.sqrt(np.mean(gradient**2))


def _step(gradient_at, seen, rate, shift=(0, 0), sign=-1, size=_rms):
    gradient = _moved(gradient_at(seen), shift, sign)
    return rate * gradient / size(gradient)


@exercise(
    _jitters,
    {
        "The gradient belongs to the shifted image: shift it back before you add it.": lambda image, at, shift, rate: (
            image + _step(at, _moved(image, shift), rate)
        ),
        "The gradient is shifted on instead of back.": lambda image, at, shift, rate: (
            image + _step(at, _moved(image, shift), rate, shift, 1)
        ),
        "The network saw the image where it was: shift it before you ask for the gradient.": (
            lambda image, at, shift, rate: image + _step(at, image, rate)
        ),
        "The image that is kept is shifted too: it would wander from step to step.": lambda image, at, shift, rate: (
            _moved(image, shift) + _step(at, _moved(image, shift), rate)
        ),
        "The gradient is divided by its L2 norm: the RMS is the root of the mean of the squares, not of their sum.": (
            lambda image, at, shift, rate: (
                image + _step(at, _moved(image, shift), rate, shift, size=lambda gradient: np.linalg.norm(gradient))
            )
        ),
        "The gradient is not normalized.": lambda image, at, shift, rate: (
            image + _step(at, _moved(image, shift), rate, shift, size=lambda gradient: 1)
        ),
        "The gradient is divided by the mean of its squares: the root is missing.": lambda image, at, shift, rate: (
            image + _step(at, _moved(image, shift), rate, shift, size=lambda gradient: np.mean(gradient**2))
        ),
        "The result is kept in [0, 1]: here the values of the image may go wherever the step takes them.": (
            lambda image, at, shift, rate: np.clip(jittered_step(image, at, shift, rate), 0, 1)
        ),
        "That step goes downhill.": lambda image, at, shift, rate: jittered_step(image, at, shift, -rate),
        "That is the step alone: add it to the image.": lambda image, at, shift, rate: (
            jittered_step(image, at, shift, rate) - image
        ),
    },
)
def jittered_step(image, gradient_at, shift, rate):
    """The way back through the shift by TensorFlow's own gradient."""
    import tensorflow as tf

    pixels = tf.Variable(image)
    with tf.GradientTape() as tape:
        seen = tf.roll(pixels, shift, (0, 1))
    gradient = tape.gradient(seen, pixels, output_gradients=tf.constant(gradient_at(seen.numpy())))
    return (pixels + rate * gradient / tf.sqrt(tf.reduce_mean(gradient**2))).numpy()


def _images_and_signals():
    generator = np.random.default_rng(0)

    def draw(height, width):
        shapes = (height, width), (height // 2, width // 2)
        return tuple(generator.normal(size=shape).astype(np.float32) for shape in shapes)

    return {"one block of 2 × 2": draw(2, 2), "a 4 × 4 image": draw(4, 4), "a 6 × 10 image": draw(6, 10)}


def _spread(signal):
    return signal.repeat(2, 0).repeat(2, 1)


def _first(image, signal):
    back = np.zeros_like(image)
    back[::2, ::2] = signal
    return back


@exercise(
    _images_and_signals,
    {
        "All four places of a block get the signal: only that of the maximum does.": lambda image, signal: _spread(
            signal
        ),
        "The signal is divided among the four places: that is the way back through a mean.": lambda image, signal: (
            _spread(signal) / 4
        ),
        "The signal goes to the smallest value of each block.": lambda image, signal: unpool(-image, signal),
        "The signal goes to the first place of each block, wherever the maximum stood.": _first,
        "Negative signals are lost: pooling has no ReLU.": lambda image, signal: unpool(image, np.maximum(signal, 0)),
        "The maximum itself is put back: what comes back is the signal.": lambda image, signal: (
            image * unpool(image, np.ones_like(signal))
        ),
        "The signal is multiplied by the maximum: it only tells the place.": lambda image, signal: (
            image * unpool(image, signal)
        ),
        "The signal goes to the one largest value of the whole image, not of each block.": lambda image, signal: (
            _spread(signal) * (image == image.max())
        ),
    },
)
def unpool(image, signal):
    """The gradient of TensorFlow's max pooling."""
    import tensorflow as tf

    pixels = tf.constant(image[None, :, :, None])
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        pooled = tf.nn.max_pool2d(pixels, 2, 2, "VALID")
    return tape.gradient(pooled, pixels, output_gradients=tf.constant(signal[None, :, :, None])).numpy()[0, :, :, 0]


def _signals():
    generator = np.random.default_rng(5)
    values, signal = generator.normal(size=(2, 4, 6))
    values[0] = 0  # as over black, where a unit without bias gives exactly nothing
    return {
        f"the rule {rule!r} on {words}": (*given, rule)
        for words, given in {"4 × 6 values": (values, signal), "a list of 9": generator.normal(size=(2, 9))}.items()
        for rule in ("gradient", "deconvnet", "guided")
    }


def _with(rule, other):
    """The mistake of taking one rule for another."""
    return lambda values, signal, asked: relu_back(values, signal, other if asked == rule else asked)


@exercise(
    _signals,
    {
        "The values are rectified: what comes back is the signal.": lambda values, signal, rule: np.maximum(values, 0),
        "A deconvnet does not look at the values, only at the sign of the signal.": _with("deconvnet", "gradient"),
        "A deconvnet does not look at the values: that is the guided rule.": _with("deconvnet", "guided"),
        "The gradient passes negative signals too: only the values decide.": _with("gradient", "guided"),
        "Guided asks for both: the value must be positive as well.": _with("guided", "deconvnet"),
        "Guided asks for both: the signal must be positive as well.": _with("guided", "gradient"),
        "The rule is not looked at: that is the plain gradient each time.": lambda values, signal, rule: relu_back(
            values, signal, "gradient"
        ),
        "Where a value is exactly 0, the ReLU is shut.": lambda values, signal, rule: relu_back(
            values + (values == 0), signal, rule
        ),
    },
)
def relu_back(values, signal, rule):
    """By the gradient of TensorFlow's ReLU, and a ReLU on the way back."""
    import tensorflow as tf

    inputs, back = tf.Variable(values), tf.constant(signal)
    if rule != "deconvnet":
        with tf.GradientTape() as tape:
            passed = tf.nn.relu(inputs)
        back = tape.gradient(passed, inputs, output_gradients=back)
    return (back if rule == "gradient" else tf.nn.relu(back)).numpy()
