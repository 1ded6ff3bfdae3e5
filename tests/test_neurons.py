import keras
import numpy as np
import pytest
import tensorflow as tf

from cnnlens import Network, exemplars, explore, neurons, scores, zoo
from cnnlens.__main__ import main
from cnnlens.course import verdict
from cnnlens.errors import CnnlensError
from cnnlens.figures import neurons as figures
from cnnlens.ledger import pictures
from cnnlens.lenses.neurons import batches, colors, fourier, framing, gates

kl = keras.layers


@pytest.fixture(scope="module")
def lenet():
    return zoo.load("lenet", weights="random")


@pytest.fixture(scope="module")
def color():
    """Two blocks as VGG16 has them, any size, with a classifier behind."""
    keras.utils.set_random_seed(1)
    layers = [
        kl.Conv2D(8, 3, padding="same", activation="relu", name="one"),
        kl.MaxPooling2D(2, name="pool"),
        kl.Conv2D(12, 3, padding="same", activation="relu", name="two"),
        kl.GlobalAveragePooling2D(name="mean"),
        kl.Dense(4, activation="softmax", name="head"),
    ]
    return Network(
        keras.Sequential([keras.Input((None, None, 3)), *layers]), "color", classes=("ant", "bee", "cat", "dog")
    )


# --- the Fourier basis ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [7, 28, 32])
def test_the_basis_is_orthonormal_and_has_the_frequencies_of_fourier(length):
    basis, frequency = fourier.fourier_basis(length)
    np.testing.assert_allclose(basis.T @ basis, np.eye(length), atol=1e-5)
    for column, expected in zip(basis.T, frequency):
        spectrum = np.abs(np.fft.rfft(column))
        assert np.fft.rfftfreq(length)[spectrum.argmax()] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("channels, number", [(1, 2), (3, 28)])
def test_initial_colors_are_drawn_as_plain_colors(channels, number):
    plain = colors.plain_colors(channels)
    assert plain.shape == (number, channels) and 0 < plain.min() and plain.max() < 1
    start = fourier.start([(0, i) for i in range(number)], 20, 24, channels, noise=0.0)
    images = fourier.draw(colors.begun_on(start, plain)).numpy()
    np.testing.assert_allclose(images, np.broadcast_to(plain[:, None, None], images.shape), atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_lie_in_0_to_1_and_start_nearly_grey(channels):
    start = fourier.start([(0, 1), (0, 2)], 20, 24, channels)
    images = fourier.draw(start).numpy()
    assert images.shape == (2, 20, 24, channels)
    assert np.abs(images - 0.5).max() < 0.2
    wild = fourier.draw((start[0] * 1000,)).numpy()
    assert wild.min() >= 0 and wild.max() <= 1 and wild.std() > 0.2


# --- the result ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fourier", "pixels"])
@pytest.mark.parametrize("layer", ["conv1", "pool1", "conv2", "pool2", "flatten", "dense1", "dense2"])
def test_every_layer_climbs_even_behind_flatten(lenet, layer, method):
    found = neurons.maximize(lenet, layer, [0, 3], steps=24, method=method)
    assert found.images.shape == (2, 28, 28, 1) and found.images.dtype == np.float32
    assert found.images.min() >= 0 and found.images.max() <= 1
    assert (found.activation >= found.start).all() and (found.activation > found.start)[found.live].any()
    assert len(found.status) == 2 and found.history.shape == (24, 2)


def test_the_activation_is_that_of_the_image_it_holds(color):
    for objective in ("mean", "center"):
        found = neurons.maximize(color, "two", [1, 5, 2], size=32, steps=6, objective=objective)
        maps = color.read(found.images, ["two"])["two"]
        values = maps.mean((1, 2)) if objective == "mean" else maps[:, 8, 8]
        np.testing.assert_allclose(found.activation, values[np.arange(3), [1, 5, 2]], rtol=1e-4)


def test_repeats_and_depends_on_nothing_but_seed_and_unit(color):
    one = neurons.maximize(color, "two", [3], size=24, steps=5, seed=4, precision="float32")
    again = neurons.maximize(color, "two", [3], size=24, steps=5, seed=4, precision="float32")
    among = neurons.maximize(color, "two", [7, 3, 1], size=24, steps=5, seed=4, precision="float32")
    other = neurons.maximize(color, "two", [3], size=24, steps=5, seed=5, precision="float32")
    np.testing.assert_array_equal(one.images, again.images)
    np.testing.assert_allclose(among.images[1], one.images[0], atol=1e-3)
    assert np.abs(other.images - one.images).max() > 0.01


def test_batches_of_any_size_give_the_same(color):
    together = neurons.maximize(color, "two", range(5), size=24, steps=4, precision="float32")
    apart = neurons.maximize(color, "two", range(5), size=24, steps=4, precision="float32", batch_size=2)
    np.testing.assert_allclose(together.images, apart.images, atol=1e-3)
    assert apart.history.shape == (4, 5) and apart.units.tolist() == list(range(5))


def test_layers_that_are_together_are_read_by_one_graph(color):
    """With it the ascent measures what it made, the plain colors are tried, and exemplars are found."""
    net, alone = color.like(color.model), neurons.maximize(color, "one", [0], size=24, steps=1)
    with net.together(("one", "two")):
        made = [neurons.maximize(net, layer, [0], size=24, steps=1) for layer in ("one", "two")]
        tops = exemplars.find(net, "two", made[0].images, k=1)
    kinds = [key[0] for key in net._compiled]
    assert sorted(map(str, kinds)) == ["(('one', 'two'), False)", "ascent", "ascent"], kinds
    assert made[0].activation == pytest.approx(alone.activation, abs=1e-4) and list(tops.images) == [0]


def test_some_of_the_units_are_those_that_would_be_made_alone(color):
    how = dict(size=(24, 24), steps=4, seed=2, snapshots=3)
    some, alone = (
        neurons.maximize(color, "two", range(5), **how).only([3, 1]),
        neurons.maximize(color, "two", [3, 1], **how),
    )
    assert some.units.tolist() == [3, 1] and some.names == alone.names and some.status == alone.status
    for name in ("images", "activation", "start", "initial_color", "history", "snapshots"):
        one, other = getattr(some, name), getattr(alone, name)
        assert one.shape == other.shape and np.abs(one - other).max() < 1e-2, name
    with pytest.raises(CnnlensError, match=r"No image of two was made for \[7\]; expected some of"):
        some.only([1, 7])
    models = neurons.class_models(color, ["bee", "ant", "dog"], steps=2)
    dog = models.only([3])
    assert dog.names == ("dog",) and dog.predicted == models.predicted[2:] and len(dog.probability) == 1


def test_ours_reaches_more_in_fewer_steps_than_the_dissertation_s(color):
    ours = neurons.maximize(color, "two", range(6), size=32, steps=32)
    his = neurons.maximize(color, "two", range(6), size=32, steps=64, rate=0.1, method="pixels")
    assert ours.activation[ours.live].mean() > his.activation[ours.live].mean()


def test_objectives_several_units_directions_and_the_whole_layer(color):
    several = neurons.maximize(color, "two", [(1, 5), 2], size=24, steps=3)
    assert several.names == ("unit 1 + 5", "unit 2") and several.units.tolist() == [-1, 2]
    way = np.zeros((1, 12))
    way[0, [1, 5]] = 3
    directed = neurons.maximize(color, "two", directions=way, size=24, steps=3)
    maps = color.read(directed.images, ["two"])["two"].mean((1, 2))
    assert directed.activation[0] == pytest.approx((maps[0, 1] + maps[0, 5]) / np.sqrt(2), rel=1e-4)
    whole = neurons.maximize(color, "two", "layer", size=24, steps=8)
    assert whole.images.shape == (1, 24, 24, 3) and whole.activation[0] > whole.start[0]


def test_snapshots_go_from_the_start_to_the_end(color):
    found = neurons.maximize(color, "two", [0, 1], size=24, steps=9, snapshots=4)
    assert found.snapshot_steps == (0, 3, 6, 9) and found.snapshots.shape == (4, 2, 24, 24, 3)
    np.testing.assert_array_equal(found.snapshots[-1], found.images)
    assert found.snapshots[0].std() < found.snapshots[-1].std()


def test_the_method_by_itself_makes_the_images_that_the_lens_makes(color):
    """What a student reads in one file is what runs: with the same seeds and transforms, the same images."""
    weights, _, names = neurons.targets(color.layer("two"), [2, 5])
    seeds = {name: number for number, name in enumerate(names)}
    how = {"size": 24, "steps": 6, "seed": 3, "precision": "float32"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches.zlib, "crc32", lambda name: seeds[name.decode()])
        patch.setitem(gates.OPENING, "center", 0)  # so that "live" means: no gradient was ever redirected
        found = neurons.maximize(color, "two", [2, 5], objective="center", **how)
    shift, turn = framing.disturbance(color, color.layer("two"), "center", 24)
    alone = fourier.ascend(color, "two", weights, (24, 24), kind="center", shift=shift, turn=turn, steps=6, seed=3)
    kept = ~found.from_color & np.array([status == "live" for status in found.status])
    assert kept.any()
    np.testing.assert_allclose(alone[kept], found.images[kept], atol=1e-5)


def test_one_compiled_step_for_a_network_and_layer_whatever_the_number_of_images(color):
    neurons.maximize(color, "one", [0, 1], size=24, steps=2)
    before = len(color._compiled)
    steps = [step.compiled for key, step in color._compiled.items() if key[0] == "ascent"]
    counts = [step.experimental_get_tracing_count() for step in steps]
    neurons.maximize(color, "one", [5, 2, 7], size=24, steps=3, seed=7)
    assert len(color._compiled) == before and min(counts) > 0
    assert [step.experimental_get_tracing_count() for step in steps] == counts


def test_grey_images_for_a_color_network(color):
    found = neurons.maximize(color, "two", [0], size=24, steps=4, color=False)
    assert np.ptp(found.images, axis=-1).max() < 1e-6


def test_the_regularizers_of_the_dissertation_make_images_smoother_and_greyer(color):
    plain = neurons.maximize(color, "two", [1], size=24, steps=20, rate=1.0, method="pixels").images[0]
    blurred = neurons.maximize(
        color, "two", [1], size=24, steps=20, rate=1.0, method="pixels", blur=1.0, blur_every=1
    ).images[0]
    decayed = neurons.maximize(color, "two", [1], size=24, steps=20, rate=1.0, method="pixels", decay=0.2).images[0]
    assert np.abs(np.diff(blurred, axis=0)).mean() < np.abs(np.diff(plain, axis=0)).mean()
    assert np.abs(decayed - 0.5).mean() < np.abs(plain - 0.5).mean()


def test_size_follows_the_receptive_field(color, lenet):
    vgg = Network(keras.applications.VGG16(include_top=False, weights=None, input_shape=(None, None, 3)))
    sizes = [neurons.fitting_size(vgg, vgg.layer(f"block{i}_conv1"))[0] for i in range(1, 6)]
    assert sizes == sorted(sizes) and sizes[0] == 64 and sizes[-1] > 132
    assert neurons.fitting_size(lenet, lenet.layer("conv1")) == (28, 28)
    things = [neurons.fitting_size(vgg, vgg.layer(f"block{i}_conv3"), "center")[0] for i in (3, 4, 5)]
    assert things == [64, 17 * 8, 9 * 16], "a thing in the middle: an odd number of positions, if it is deep"


def test_only_networks_for_small_images_are_shifted_by_little(color, lenet):
    how = framing.disturbance
    assert how(lenet, lenet.layer("conv2"), "mean", 28) == (framing.JITTER, 0.0)
    assert how(color, color.layer("two"), "mean", 48) == (24, 0.0), "a small picture of a network for large ones"
    assert how(lenet, lenet.layer("conv2"), "center", 28) == (0, 0.0) and how(
        lenet, lenet.layer("dense1"), "mean", 28
    ) == (1, 0.05)


# --- the thing in the middle of a deep layer ------------------------------------------------------------------


@pytest.fixture(scope="module")
def ringed():
    """A layer that sees 81 px and moves by 16, whose units look for rings around their middle; and the rings."""
    radius = np.hypot(*np.mgrid[-40:41, -40:41]) / 40
    rings = np.where(radius < 1, np.cos(3 * np.pi * radius), 0)
    rings -= (radius < 1) * rings[radius < 1].mean()
    layer = kl.Conv2D(2, 81, strides=16, padding="same", activation="relu", name="deep")
    net = Network(keras.Sequential([keras.Input((None, None, 3)), layer]), "ringed")
    kernel = np.broadcast_to(rings[:, :, None, None] / np.abs(rings).sum() / 3, (81, 81, 3, 2))
    layer.set_weights([np.float32(kernel), np.float32([-0.02, -0.02])])
    return net, rings


def cross(image):
    """Power along the two axes of the spectrum over that in other directions: 1 for what has no direction."""
    power = np.abs(np.fft.fft2(image - image.mean())) ** 2
    rows, cols = (np.abs(np.fft.fftfreq(side) * side) for side in image.shape)
    angle, radius = np.arctan2(rows[:, None], cols[None]), np.hypot(rows[:, None], cols[None])
    counted, axis = (radius >= 4) & (radius < len(image) / 4), np.minimum(angle, np.pi / 2 - angle) < np.radians(4)
    return power[counted & axis].mean() / power[counted & ~axis].mean()


def test_a_deep_unit_s_picture_is_what_it_looks_for_in_the_middle_and_without_a_cross(ringed):
    net, rings = ringed
    found = neurons.maximize(net, "deep", [0], objective="center", progress=False)
    image = found.images[0].mean(-1)
    assert image.shape == (112, 112), "seven times the stride: the fourth of seven positions is the middle"

    def alike(by):
        middle = slice(56 - 40 + by, 56 + 41 + by)
        return np.corrcoef(image[middle, middle].ravel(), rings.ravel())[0, 1]

    assert alike(0) > 0.7 and alike(8) < 0.4 and alike(-8) < 0.4
    wanted = np.pad(rings, 16)
    assert cross(image) < 2 * cross(wanted)
    crossed = image.copy()
    crossed[54:58] = crossed[:, 54:58] = 1
    assert cross(crossed) > 2 * cross(wanted), "the measure sees a cross"


def test_favoring_slow_waves_makes_a_deep_unit_s_picture_smoother_and_stronger(ringed, monkeypatch):
    net, how = ringed[0], {"objective": "center", "progress": False}
    found = neurons.maximize(net, "deep", [0], **how)
    monkeypatch.setattr(framing, "STEEP", 0.0)
    plain = neurons.maximize(net, "deep", [0], **how)
    smooth, rough = (scores.neurons.roughness(each.images)[0] for each in (found, plain))
    assert smooth < rough / 2 and found.activation > plain.activation


def test_only_what_is_deep_is_made_smoother(color, lenet, ringed):
    def tactics(net, layer, objective):
        return framing.tactics(net, net.layer(layer), objective, 112, neurons.FourierSettings())

    assert tactics(ringed[0], "deep", "center")["steep"] == tactics(color, "head", "mean")["steep"] == framing.STEEP
    for asked in ((ringed[0], "deep", "mean"), (color, "two", "center"), (lenet, "dense2", "mean")):
        assert "steep" not in tactics(*asked)


@pytest.mark.slow
def test_most_units_of_a_deep_layer_are_called_live_though_grey_activates_few_in_the_middle():
    found = neurons.maximize("vgg16", "block4_conv3", range(8), objective="center", size=72, steps=10, progress=False)
    assert found.status.count("live") >= 6 and (found.activation > 0).all()


# --- dead and stuck -----------------------------------------------------------------------------------------


def stuck_net():
    """Unit 0 is dead for good, unit 1 silent on grey until an edge activates it, unit 2 active."""
    net = Network(
        keras.Sequential([keras.Input((16, 16, 1)), kl.Conv2D(3, (1, 2), activation="relu", name="c")]), "stuck"
    )
    net.model.layers[0].set_weights([np.float32([[[[1, 1, 1]], [[-1, -1, -1]]]]), np.float32([-9, -0.6, 0])])
    return net


@pytest.mark.parametrize("method, rate", [("fourier", 0.5), ("pixels", 1.0)])
def test_silent_units_are_rescued_and_dead_ones_are_called_dead_with_the_evidence(method, rate):
    found = neurons.maximize(stuck_net(), "c", range(3), steps=40, method=method, rate=rate)
    assert found.status == ("dead", "rescued", "live")
    assert "a gradient in 0 of 40 steps, redirected in 24" in found.evidence[0] and found.evidence[2] == ""
    assert ("no plain color" in found.evidence[0]) == (method == "fourier")
    assert found.activation[0] == 0 < found.activation[1]
    assert found.best_first[-1] == 0 and not found.from_color.any()
    fig, alt = figures.sheet(found)
    assert "1 dead" in alt and "1 rescued" in alt


def plain_net(channels):
    """Unit 0 wants its last channel bright and the others dark, and is silent on grey; unit 1 wants edges."""
    net = Network(
        keras.Sequential([keras.Input((16, 16, channels)), kl.Conv2D(2, (1, 2), activation="relu", name="c")]), "plain"
    )
    wish = np.float32([-1] * (channels - 1) + [1])
    kernel = np.stack([np.stack([wish, wish]), np.float32([[1] * channels, [-1] * channels])], -1)[None]
    net.model.layers[0].set_weights([kernel, np.float32([-0.4 - 2 * 0.5 * wish.sum(), 0])])
    return net


@pytest.mark.parametrize("channels, expected", [(1, [1]), (3, [0, 0, 1])])
def test_a_unit_that_asks_for_a_color_gets_it_though_grey_is_silent(channels, expected):
    told = []
    found = neurons.maximize(
        plain_net(channels), "c", range(2), steps=32, snapshots=2, on_step=lambda *at: told.append(at)
    )
    assert (
        found.from_color.tolist() == [True, False]
        and found.status[0] == "live"
        and "started from a plain color" in found.evidence[0]
    )
    np.testing.assert_array_equal(found.images[0].mean((0, 1)) > 0.5, expected)
    even = pictures.evenness(found.images)
    assert even[0] > 0.8 and even[1] < 0.1
    assert pictures.evenness(found.snapshots[0]).round(1).tolist() == [1, 0], (
        "the snapshots are those of the image kept"
    )
    weights = np.eye(2, dtype=np.float32)
    np.testing.assert_allclose(
        found.activation, neurons.measure(plain_net(channels), "c", found.images, weights), rtol=1e-5
    )
    assert told[-1] == (64, 64) and [done for done, _ in told] == list(range(1, 65)), (
        "the second ascent is announced and counted"
    )
    assert "1 started from a plain color" in figures.sheet(found)[1]


def test_a_penalty_and_the_dissertation_s_method_begin_on_no_color():
    for how in ({"penalty": 1e-6}, {"method": "pixels"}):
        assert not neurons.maximize(plain_net(3), "c", [0], steps=8, **how).from_color.any()


# --- gates of every kind ------------------------------------------------------------------------------------


def threshold(x):
    return x * keras.ops.cast(x > 0, x.dtype)


def selected(x):
    return keras.ops.where(x > 0, x, 0.01 * x)


GATES = {
    "relu": "relu",
    "relu6": "relu6",
    "leaky": lambda x: keras.ops.leaky_relu(x, 0.01),
    "leaky maximum": lambda x: keras.ops.maximum(x, 0.01 * x),
    "leaky where": selected,
    "clip": lambda x: keras.ops.clip(x, 0, 6),
    "threshold": threshold,
    "elu": "elu",
    "selu": "selu",
    "silu": "silu",
    "hard_silu": "hard_silu",
}


def edge_net(gate, behind=()):
    """One unit that is silent on grey and active at an edge; other layers may follow."""
    conv = kl.Conv2D(1, (1, 2), name="c")
    layers = [keras.Input((16, 16, 1)), conv, kl.Activation(gate, name="gate"), *behind]
    net = Network(keras.Sequential(layers), "edge")
    conv.set_weights([np.float32([[[[6]], [[-6]]]]), np.float32([-3.6])])
    return net


@pytest.mark.parametrize("name", GATES)
def test_a_silent_unit_is_rescued_whatever_its_gate(name):
    net = edge_net(GATES[name])
    found = neurons.maximize(net, "gate", [0], steps=40, rate=0.5, progress=False)
    assert found.status == ("rescued",) and "redirected" in found.evidence[0]
    maps = net.read(found.images, ["gate"])["gate"]
    assert found.start[0] <= 0 and found.activation[0] > found.start[0] and (maps > 0).mean() > 0.05


def test_the_gate_is_found_behind_pooling_and_normalization():
    net = edge_net("relu6", [kl.BatchNormalization(name="norm"), kl.AveragePooling2D(2, name="pool"), kl.Flatten()])
    found = neurons.maximize(net, "pool", [0], steps=40, rate=0.5)
    assert found.status == ("rescued",) and found.activation[0] > 0


def test_the_gate_before_a_depthwise_convolution_is_its_unit_s_own():
    each = kl.DepthwiseConv2D(3, name="each")
    net = edge_net("relu6", [each])
    each.set_weights([np.float32([[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]])[..., None, None], np.zeros(1, np.float32)])
    found = neurons.maximize(net, "each", [0], steps=40, rate=0.5)
    assert found.status == ("rescued",) and found.activation[0] > 0
    net.model.get_layer("c").set_weights([np.float32([[[[6]], [[-6]]]]), np.float32([3])])
    each.set_weights([-np.ones((3, 3, 1, 1), np.float32), np.zeros(1, np.float32)])
    found = neurons.maximize(net, "each", [0], steps=4, rate=0.1)
    assert found.activation[0] < 0 and found.status == ("live",), "below zero it has a gradient of its own"


def test_of_a_branched_block_the_units_own_gates_are_redirected_and_no_other_s():
    """Unit 0 of the sum: a silent edge detector; the other branch and the layer before have gates of their own."""
    image = keras.Input((16, 16, 1))
    before = kl.Conv2D(1, 1, activation="relu", name="before")(image)
    silent = kl.Conv2D(1, (1, 2), padding="same", activation="relu6", name="silent")(before)
    dead = kl.ReLU(name="dead")(kl.Conv2D(1, 1, name="down")(before))
    net = Network(keras.Model(image, kl.Add(name="sum")([dead, silent])), "branched")
    weights = {"before": ([[[[1.0]]]], [0.0]), "silent": ([[[[6.0]], [[-6.0]]]], [-3.6]), "down": ([[[[0.0]]]], [-1.0])}
    for name, (kernel, bias) in weights.items():
        net.model.get_layer(name).set_weights([np.float32(kernel), np.float32(bias)])

    @tf.function(autograph=False)
    def walk(pixels):
        output = net.outputs(pixels, ["sum"])["sum"]
        return tf.constant([gate.op.name for _, gate in gates.own_gates(output, pixels)])

    names = [name.decode() for name in walk(tf.zeros((1, 16, 16, 1))).numpy()]
    assert len(names) == 2 and not any("before" in name for name in names)
    found = neurons.maximize(net, "sum", [0], steps=48, rate=0.5)
    assert found.status == ("rescued",) and found.activation[0] > 0


def chained(x):
    """A gate behind weights behind another, which is also added: both are the sum's own, and one feeds the other."""
    first = kl.ReLU()(kl.Conv2D(2, 3, padding="same")(x))
    return kl.Add()([first, kl.ReLU(6.0)(kl.Conv2D(2, 3, padding="same")(first))])


LAYERS = {
    "no gate": lambda x: kl.Conv2D(2, 3)(x),
    "one gate": lambda x: kl.Conv2D(2, 3, activation="relu")(x),
    "composed": lambda x: kl.Activation("silu")(kl.Conv2D(2, 3)(x)),
    "two in a row": lambda x: kl.LeakyReLU()(kl.ReLU(6.0)(kl.Conv2D(2, 3)(x))),
    "chained": chained,
    "gate and none": lambda x: kl.Concatenate()([kl.Conv2D(2, 3)(x), kl.Conv2D(2, 3, activation="elu")(x)]),
    "dense": lambda x: kl.Dense(2, activation="relu")(kl.Flatten()(x)),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("whole", [False, True], ids=["units", "whole layer"])
def test_one_pass_back_gives_the_true_gradient_and_the_redirected_one(name, whole):
    keras.utils.set_random_seed(1)
    image = keras.Input((9, 9, 1))
    output = LAYERS[name](kl.Conv2D(2, 3, activation="relu")(image))
    net = Network(keras.Model(image, output))
    layer = net.layers()[-1].path
    weights = None if whole else np.eye(output.shape[-1], dtype="float32")[[0, -1, 0, -1]]

    @tf.function(autograph=False)
    def slopes(pixels, redirect):
        output = net.outputs(pixels, [layer])[layer]
        reached = fourier.objective(output, weights)
        own = gates.own_gates(output, pixels)
        two = gates.uphill(reached, output, pixels, redirect), fourier.uphill(reached, output, pixels)
        return *two, apart(reached, own, pixels), tf.constant(len(own))

    pixels = np.random.default_rng(0).normal(size=(4, 9, 9, 1)).astype("float32")
    found, true, opened, own = (each.numpy() for each in slopes(pixels, tf.constant([False, True, True, False])))
    np.testing.assert_allclose(found[[0, 3]], true[[0, 3]], atol=1e-6)
    np.testing.assert_allclose(found[[1, 2]], opened[[1, 2]], atol=1e-6)
    assert own == {"no gate": 0, "chained": 2}.get(name, 1)
    # Of a silent neuron's square the slope is 0 beyond its gate as well; on a map others share theirs with it.
    differs = own > 0 and not (whole and name == "dense")
    assert (np.abs(true - opened).max() > 1e-3) == differs, "nothing was redirected, so nothing was tested"


def apart(reached, own, image):
    """The redirected gradient in two passes: through the gates, and past them."""
    total, shut = tf.reduce_sum(reached), [gate for _, gate in own]
    found = [tf.gradients(total, image, stop_gradients=shut, unconnected_gradients="zero")[0]]
    flows = tf.gradients(total, shut, stop_gradients=shut)
    for (into, _), flow in zip(own, flows):
        found.append(tf.gradients(into, image, grad_ys=gates._toward_activity(into, flow))[0])
    return tf.add_n(found)


def test_without_a_gate_that_is_said_and_no_other_layer_s_is_opened():
    net = edge_net("relu", [kl.Conv2D(1, 1, name="linear")])
    net.model.get_layer("c").set_weights([np.float32([[[[1]], [[-1]]]]), np.float32([-9])])
    net.model.get_layer("linear").set_weights([np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32)])
    found = neurons.maximize(net, "linear", [0], steps=4)
    assert found.status == ("dead",) and "no gate of its own" in found.evidence[0]


def test_rescued_means_active_in_the_end():
    """As at the end of MobileNetV2: convolution, normalization, ReLU6; three units are dead, the rest silent."""
    keras.utils.set_random_seed(0)
    image = keras.Input((24, 24, 3))
    h = kl.ReLU(6.0)(kl.BatchNormalization()(kl.Conv2D(6, 3, strides=2)(image)))
    h = kl.Add()([h, kl.BatchNormalization()(kl.DepthwiseConv2D(3, padding="same")(h))])
    h = kl.BatchNormalization(name="last_bn")(kl.Conv2D(8, 1, use_bias=False)(h))
    net = Network(keras.Model(image, kl.ReLU(6.0, name="out_relu")(h)))
    shifts = np.full(8, -0.3, np.float32)
    shifts[:3] = -100
    net.model.get_layer("last_bn").beta.assign(shifts)
    found = neurons.maximize(net, "out_relu", range(8), size=24, steps=24)
    assert found.status[:3] == ("dead",) * 3 and "rescued" in found.status
    for status, reached in zip(found.status, found.activation):
        assert status != "rescued" or reached > 0
    facts = {"tries": 3, "awake": 5, "ends_awake": True, "activity": 0.5, "activation": 0.0, "start": 0.0}
    assert gates.status(**facts, history=np.zeros(8))[0] == "stuck", "a gradient in the end is not enough"


# --- class models -------------------------------------------------------------------------------------------


def test_class_models_of_the_trained_lenet_are_recognized_by_it():
    try:
        net = zoo.load("lenet")
    except CnnlensError:
        pytest.skip("the trained weights of LeNet are not in data/weights")
    found = neurons.class_models(net, ["3", 7, "0"], steps=64)
    assert found.names == ("3", "7", "0") and found.predicted == found.names
    assert (found.probability > 0.9).all()


def test_the_penalty_pulls_towards_what_the_network_takes_as_zero(lenet):
    free = neurons.class_models(lenet, [1], steps=16, penalty=0)
    bound = neurons.class_models(lenet, [1], steps=16, penalty=1.0)
    assert (bound.images**2).sum() < 0.5 * (free.images**2).sum()


# --- the control --------------------------------------------------------------------------------------------


def test_untrained_copy_has_other_weights_and_leaves_the_network_alone(color):
    before = [weight.copy() for weight in color.model.get_weights()]
    np.random.seed(5)
    expected = np.random.RandomState(5).random()
    copy = neurons.untrained(color, seed=3)
    assert np.random.random() == expected, "the global generators go on as if nothing had happened"
    again = neurons.untrained(color, seed=3).model.get_weights()[0]
    np.testing.assert_array_equal(copy.model.get_weights()[0], again)
    assert copy.source.startswith("untrained copy") and copy.preprocessing == color.preprocessing
    assert np.abs(copy.model.get_weights()[0] - before[0]).max() > 0.01
    for old, new in zip(before, color.model.get_weights()):
        np.testing.assert_array_equal(old, new)


# --- numbers ------------------------------------------------------------------------------------------------


def test_against_real(color):
    images = np.random.default_rng(0).random((12, 24, 24, 3)).astype("float32")
    for objective, measure in (("mean", "mean"), ("center", "peak")):
        found = neurons.maximize(color, "two", range(12), size=24, steps=24, objective=objective)
        tops = exemplars.find(color, "two", images, measure=measure, k=1)
        result = scores.neurons.against_real(found, tops)
        above = found.activation > tops.activation[:, 0]
        assert result.fraction == above[found.live].mean() and result.fraction > 0.5
    with pytest.raises(CnnlensError, match="measure"):
        scores.neurons.against_real(found, exemplars.find(color, "two", images, measure="mean", k=1))


def test_copies_finds_planted_duplicates_and_turned_copies():
    rng = np.random.default_rng(0)
    patterns = rng.normal(size=(10, 3, 3, 4))
    patterns[4] = patterns[1] * 2
    patterns[7] = patterns[1] + 0.01
    patterns[9] = np.rot90(patterns[2], 1, (0, 1))
    found = scores.neurons.copies(patterns)
    assert found.groups == ((1, 4, 7),) and found.largest == 3
    assert found.duplicated == pytest.approx(0.3) and found.turned == pytest.approx(0.2)
    assert scores.neurons.copies(rng.normal(size=(10, 3, 3, 4))).groups == ()


def test_amplitude_spectra_do_not_see_shifts_but_see_turns():
    y, x = np.mgrid[:33, :33]
    waves = (
        np.stack([np.sin(2 * np.pi * (f * x + g * y) / 33) for f, g in ((4, 0), (0, 4), (7, 2), (3, 9))])[..., None]
        * 0.4
        + 0.5
    )
    found = scores.neurons.seed_agreement(waves, np.roll(waves, (5, 3), (1, 2)))
    assert found.recognized.all() and (found.same > 0.99).all() and (found.other < 0.5).all()
    turned = scores.neurons.image_copies(waves, 0.95)
    assert turned.similarity[1, 0, 1] > 0.95 > turned.similarity[0, 0, 1]


def test_filters_are_the_layers_kernels(color):
    kernels = scores.neurons.filters(color, "two")
    assert kernels.shape == (12, 3, 3, 8)
    with pytest.raises(CnnlensError, match="no filters"):
        scores.neurons.filters(color, "pool")


def test_preference_for_marked_parts(color):
    place = color.layer("pool")
    maps = np.zeros((10, 10, 3))
    maps[4, 5, 0] = maps[1, 1, 1] = 2  # unit 0 answers at pixels 8 to 9, 10 to 11; unit 1 elsewhere; unit 2 never
    maps[8, 8, 0] = 1
    np.testing.assert_allclose(scores.neurons.preference(maps, place, [(6, 8, 12, 14)]), [1 / 3, -1, 0])
    with pytest.raises(CnnlensError, match="none of the 100"):
        scores.neurons.preference(maps, place, [(50, 50, 60, 60)])


def test_roughness_of_noise_and_of_slow_waves():
    noise = np.random.default_rng(0).random((3, 32, 32, 3))
    slow = np.tile(np.sin(np.arange(32) * 2 * np.pi / 32)[None, :, None, None], (1, 1, 32, 3))
    assert scores.neurons.roughness(noise) == pytest.approx(0.8, abs=0.05)
    assert scores.neurons.roughness(slow)[0] < 1e-6 and scores.neurons.roughness(np.ones((1, 8, 8, 1)))[0] == 0


# --- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how, said",
    [
        ({"units": [32]}, "units 0 to 31"),
        ({"units": [-1]}, "units 0 to 31"),
        ({"units": ["a"]}, "whole number"),
        ({"units": []}, "empty"),
        ({"units": "all"}, "'layer'"),
        ({"layer": "conv3"}, "conv"),
        ({"steps": 0}, "steps"),
        ({"method": "furier"}, "fourier"),
        ({"objective": "centre"}, "center"),
        ({"color": True}, "grey"),
        ({"directions": np.zeros((1, 32))}, "length zero"),
        ({"directions": np.ones((1, 5))}, "32"),
        ({"layer": "dense1", "size": 40}, "28"),
        ({"size": 0}, "size"),
        ({"precision": "int8"}, "precision"),
    ],
)
def test_bad_input_is_named(lenet, how, said):
    with pytest.raises(CnnlensError, match=said):
        neurons.maximize(lenet, **{"layer": "conv1", "units": [0], "steps": 2, **how})


def test_a_layer_behind_which_no_gradient_flows_is_said():
    class Rounded(kl.Layer):
        def call(self, inputs):
            return tf.round(inputs * 4)

    net = Network(
        keras.Sequential(
            [keras.Input((16, 16, 1)), kl.Conv2D(2, 3, name="c"), Rounded(name="r"), kl.Conv2D(2, 3, name="d")]
        )
    )
    with pytest.raises(CnnlensError, match="No gradient"):
        neurons.maximize(net, "d", [0], steps=2)
    neurons.maximize(net, "c", [0], steps=2)


def test_damaged_weights_are_said(color):
    net = neurons.untrained(color)
    net.model.get_layer("two").kernel.assign(np.full((3, 3, 8, 12), np.nan))
    with pytest.raises(CnnlensError, match="NaN"):
        neurons.maximize(net, "two", [0], size=16, steps=2)


def test_no_classifier_is_said(lenet):
    with pytest.raises(CnnlensError, match="no classifier"):
        neurons.class_models(Network(keras.Sequential([keras.Input((8, 8, 1)), kl.Conv2D(2, 3)])), [0])
    with pytest.raises(CnnlensError, match="no class"):
        neurons.class_models(lenet, ["eleven"])


# --- nested, branched, and disturbed ------------------------------------------------------------------------


def test_nested_and_branched_models_climb():
    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [keras.Input((20, 20, 3)), kl.Conv2D(4, 3, padding="same", activation="relu", name="c")], name="inner"
    )
    image = keras.Input((20, 20, 3))
    h = inner(image)
    model = keras.Model(image, kl.Concatenate(name="both")([h, kl.Conv2D(4, 1, activation="relu", name="side")(h)]))
    for layer in ("inner/c", "both"):
        found = neurons.maximize(Network(model), layer, [1, 2], steps=6)
        assert found.images.shape == (2, 20, 20, 3) and (found.activation >= found.start).all()


@pytest.mark.parametrize("channels", [2, 5])
def test_other_channels_than_grey_and_color_stand_for_themselves(channels):
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((None, None, channels)),
        kl.Conv2D(3, 3, activation="gelu", name="c"),
        kl.Conv2D(2, 1, name="d"),
    ]
    model = keras.Sequential(layers)
    for layer in ("c", "d"):
        found = neurons.maximize(model, layer, [0, 1], size=12, steps=4)
        assert found.images.shape == (2, 12, 12, channels) and (found.activation > found.start).all()
    assert figures.sheet(found)[1] and len(colors.plain_colors(channels)) == 2 * channels + 2


def test_class_models_of_a_binary_network_go_both_ways():
    keras.utils.set_random_seed(0)
    layers = [keras.Input((12, 12, 1)), kl.Conv2D(4, 3, activation="relu"), kl.Flatten(), kl.Dense(1, "sigmoid")]
    net = Network.of(keras.Sequential(layers), classes=("cat", "dog"))
    found = neurons.class_models(net, ["cat", "dog"], steps=40, penalty=0)
    assert found.predicted == found.names == ("cat", "dog") and found.units.tolist() == [0, 1]


def test_disturbances_move_what_is_seen_and_nothing_else():
    pixels = tf.constant(np.random.default_rng(0).random((2, 16, 16, 3)), tf.float32)
    shifted = fourier.transform(pixels, tf.constant([0, 1]), 8, 0.0).numpy()
    assert np.abs(shifted - pixels).max() > 0.1
    np.testing.assert_allclose(np.sort(shifted.ravel()), np.sort(pixels.numpy().ravel()))
    turned = fourier.transform(pixels, tf.constant([0, 1]), 0, 0.05).numpy()
    assert 0 < np.abs(turned - pixels).mean() < 0.3
    np.testing.assert_array_equal(fourier.transform(pixels, tf.constant([0, 1]), 0, 0.0), pixels)


# --- pictures, explorer, command ----------------------------------------------------------------------------


def test_every_result_paints_itself(color):
    images = np.random.default_rng(0).random((5, 24, 24, 3)).astype("float32")
    found = neurons.maximize(color, "two", range(4), size=24, steps=3, snapshots=3)
    tops = exemplars.find(color, "two", images, k=3)
    from cnnlens import deconvnet

    back = deconvnet.project(color, images[:2], "two", 1)
    for result in (found, tops, back, neurons.class_models(color, ["ant", "dog"], steps=2)):
        data, metadata = result._repr_mimebundle_()
        assert data["image/png"] and len(data["text/plain"]) > 30
    for fig, alt in (
        figures.ascent(found),
        figures.side_by_side([found, found], ["a", "b"]),
        figures.exemplar_rows(tops, found),
    ):
        assert fig.axes and len(alt) > 20
    order = found.best_first
    assert (np.diff(found.activation[order]) <= 0).all()


def test_the_explorer_at_every_layer_and_at_both_ends_of_every_slider(lenet):
    images = np.random.default_rng(0).random((12, 28, 28, 1)).astype("float32")
    explorer = explore.neurons(lenet, images, steps=6)
    for values in explorer.sweep(unit=2):
        assert explorer.frame is not None and values["layer"] in explorer.frame.words
    computed = explorer.computed
    explorer.set(moment=0).set(moment=5)
    assert explorer.computed == computed


def test_the_command_makes_a_sheet_a_layer_and_goes_on_where_it_stopped(tmp_path, capsys, monkeypatch):
    arguments = [
        "neurons",
        "lenet",
        "--weights",
        "random",
        "--layers",
        "conv1,dense1",
        "--units",
        "4",
        "--steps",
        "2",
        "--out",
        str(tmp_path),
    ]
    assert main(arguments) == 0
    sheets = sorted(path.name for path in tmp_path.iterdir())
    assert sheets == ["01_conv1.png", "02_dense1.png"]
    stamp = (tmp_path / sheets[0]).stat().st_mtime_ns
    (tmp_path / sheets[1]).unlink()
    assert main(arguments) == 0
    assert "1 sheets made, 1 were there already" in capsys.readouterr().out
    assert (tmp_path / sheets[0]).stat().st_mtime_ns == stamp and (tmp_path / sheets[1]).is_file()

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(neurons, "maximize", interrupted)
    assert main([*arguments, "--seed", "1"]) == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == sheets


# --- exercises ----------------------------------------------------------------------------------------------


def right_step(pixels, gradient, rate):
    return np.clip(pixels + rate * gradient / np.linalg.norm(gradient), 0, 1)


@pytest.mark.parametrize(
    "name, answer, state",
    [
        ("ascent_step", right_step, "passed"),
        ("ascent_step", lambda pixels, gradient, rate: None, "pending"),
        ("ascent_step", lambda pixels, gradient, rate: np.clip(pixels + rate * gradient, 0, 1), "failed"),
        ("ascent_step", lambda pixels, gradient, rate: pixels + rate * gradient / np.linalg.norm(gradient), "failed"),
        (
            "ascent_step",
            lambda pixels, gradient, rate: np.clip(pixels - rate * gradient / np.linalg.norm(gradient), 0, 1),
            "failed",
        ),
        (
            "ascent_step",
            lambda pixels, gradient, rate: np.clip(pixels + rate * gradient / np.abs(gradient).max(), 0, 1),
            "failed",
        ),
    ],
)
def test_checks_pass_right_answers_and_catch_wrong_ones(name, answer, state):
    assert verdict(name, answer).state == state
