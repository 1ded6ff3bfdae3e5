"""Models as users build them: nested, gated, with several inputs or outputs, logits, one probability, other shapes."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from cnnlens import ablation, activations, datasets, deconvnet, exemplars, explore, neurons, scores, superpixels, zoo
from cnnlens.errors import CnnlensError
from cnnlens.network import Network
from cnnlens.pixels import fitted, sampled


def pixels(*shape):
    return np.random.default_rng(0).random(shape).astype(np.float32)


def classifier(*inside, shape=(16, 16, 3), head=None):
    """A small classifier of three classes with these layers between its first and its last."""
    keras.utils.set_random_seed(0)
    ends = [kl.GlobalAveragePooling2D(), kl.Dense(3, "softmax", name="out")] if head is None else head
    return keras.Sequential([keras.Input(shape), kl.Conv2D(4, 3, padding="same", name="first"), *inside, *ends])


def nested():
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.Input((14, 14, 4)), kl.Conv2D(4, 3, activation="relu", name="deep")], name="inner")
    image = keras.Input((16, 16, 3))
    backbone = keras.Model(image, inner(kl.Conv2D(4, 3, activation="relu")(image)), name="backbone")
    return keras.Sequential([keras.Input((16, 16, 3)), backbone, kl.Flatten(), kl.Dense(3, "softmax")])


def squeeze_and_excite():
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3))
    x = kl.Conv2D(8, 3, padding="same", activation="relu", name="before")(image)
    gate = kl.Dense(8, "sigmoid")(kl.Dense(2, "relu")(kl.GlobalAveragePooling2D()(x)))
    x = kl.Multiply(name="gated")([x, kl.Reshape((1, 1, 8), name="as_map")(gate)])
    x = kl.Conv2D(4, 3, activation="relu", name="behind")(x)
    return keras.Model(image, kl.Dense(3, "softmax")(kl.GlobalAveragePooling2D()(x)))


def twice():
    keras.utils.set_random_seed(0)
    image, shared = keras.Input((16, 16, 3)), kl.Conv2D(3, 3, padding="same", activation="relu", name="shared")
    x = kl.Flatten()(shared(shared(image)))
    return keras.Model(image, kl.Dense(3, "softmax")(x))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.out = kl.Conv2D(4, 3, activation="relu", name="first"), kl.Dense(3, name="out")

    def call(self, images):
        return keras.ops.softmax(self.out(keras.ops.mean(self.first(images * 2 - 1), (1, 2))))


def subclassed():
    keras.utils.set_random_seed(0)
    model = Subclassed()
    model(np.zeros((1, 16, 16, 3), np.float32))
    return model


MODELS = {
    "nested two deep": nested,
    "squeeze and excite": squeeze_and_excite,
    "a layer used twice": twice,
    "subclassed": subclassed,
    "gelu": lambda: classifier(kl.Activation("gelu")),
    "silu": lambda: classifier(kl.Conv2D(4, 3, activation="silu")),
    "relu6": lambda: classifier(kl.ReLU(6.0)),
    "leaky": lambda: classifier(kl.LeakyReLU(0.1)),
    "transposed": lambda: classifier(kl.Conv2DTranspose(4, 3, strides=2, activation="relu")),
    "grouped": lambda: classifier(kl.Conv2D(8, 3, groups=2, activation="relu")),
    "a group a channel": lambda: classifier(kl.Conv2D(8, 3, groups=4, activation="relu")),
    "sigmoid": lambda: classifier(head=[kl.Flatten(), kl.Dense(3, "sigmoid")]),
    "logits": lambda: classifier(head=[kl.Flatten(), kl.Dense(3)]),
    "one probability": lambda: classifier(head=[kl.Flatten(), kl.Dense(1, "sigmoid")]),
    "one logit": lambda: classifier(head=[kl.Flatten(), kl.Dense(1)]),
    "oblong grey": lambda: classifier(shape=(12, 20, 1)),
    "no fixed size": lambda: classifier(shape=(None, None, 3)),
    "five channels": lambda: classifier(shape=(16, 16, 5)),
}


@pytest.mark.parametrize("kind", MODELS)
def test_every_lens_takes_it(kind):
    model = MODELS[kind]()
    net = Network.of(model, pixels="0-1")
    images = pixels(4, *(net.size or (16, 16)), net.channels)
    classes = 2 if kind.startswith("one ") else 3
    scores = net.predict(images, progress=False)
    assert scores.shape == (4, classes) and scores.min() >= 0 and scores.max() <= 1
    if kind != "sigmoid":
        assert np.allclose(scores.sum(1), 1, atol=1e-5)
    maps = [layer for layer in net.layers() if layer.is_map]
    acts = activations.record(net, images, [layer.path for layer in maps], progress=False)
    for layer in maps:
        assert acts[layer.path].shape[-1] == layer.units
    for layer in {maps[0].path, maps[-1].path}:
        found = neurons.maximize(net, layer, [0], size=net.size or 16, steps=2, progress=False)
        assert np.isfinite(found.activation).all()
    assert exemplars.find(net, maps[-1].path, images, units=[0], k=2, progress=False).activation.shape[-1] == 2
    try:
        assert deconvnet.project(net, images[:1], maps[-1].path, 0).rectifiers > 0
    except CnnlensError as error:
        assert "No ReLU stands between" in str(error)
    parts = superpixels.segment(images[0], "grid", 4)
    why = superpixels.explain(net, images[0], 1, parts, samples=8, progress=False)
    assert np.isfinite(why.weights).all()


@pytest.mark.parametrize("strides, dilation, padding", [(1, 1, "same"), (1, 2, "valid"), (2, 1, "same")])
def test_a_convolution_of_each_channel_alone_is_not_compiled_with_xla(strides, dilation, padding):
    """As Keras does it, in each graph anew: most of the time that ConvNeXt took."""
    how = {"strides": strides, "dilation_rate": dilation, "padding": padding, "data_format": "channels_last"}
    model, images = classifier(kl.Conv2D(8, 3, groups=4, name="own", **how)), pixels(2, 16, 16, 3)
    net = Network.of(model, pixels="0-1")
    found = tf.function(lambda x: net.outputs(x, ["own"])["own"], autograph=False).get_concrete_function(images)
    kinds = {each.type for each in found.graph.get_operations()}
    assert "DepthwiseConv2dNative" in kinds and not {kind for kind in kinds if "Call" in kind}
    first, own = model.layers[:2]
    assert np.allclose(found(tf.constant(images)), own(first(images)), atol=1e-6)


@pytest.mark.parametrize("kind", ["logits", "one probability"])
def test_explorers_and_trust_take_it(kind):
    model, images = MODELS[kind](), pixels(3, 16, 16, 3)
    explorer = explore.lime(model, list(images), samples=64, count=4)
    assert explorer.error is None and explorer.frame.words
    assert explore.activations(model, images).error is None
    assert explore.neurons(model, images, steps=2).error is None
    why = superpixels.explain(model, images[0], 1, superpixels.segment(images[0], "grid", 4), samples=16)
    assert np.isfinite(scores.superpixels.trust(model, why, seeds=2, held_out=16, steps=3, progress=False).r2)


# --- what its answer means ------------------------------------------------------------------------------------------


def test_logits_get_a_softmax_and_it_is_said():
    model = MODELS["logits"]()
    net = Network.of(model, pixels="0-1")
    images = pixels(4, 16, 16, 3)
    raw = model.predict(images, verbose=0)
    assert np.allclose(net.logits(images), raw, atol=1e-6)
    assert np.allclose(net.predict(images), keras.ops.softmax(raw), atol=1e-6)
    assert "softmax added to its logits" in net.source
    assert "softmax" not in Network.of(MODELS["sigmoid"](), pixels="0-1").source
    why = superpixels.explain(net, images[0], 0, superpixels.segment(images[0], "grid", 4), samples=8, progress=False)
    assert "softmax added" in why.source, "the result says it"


def test_what_is_no_classifier_is_left_as_it_is():
    images = pixels(4, 16, 16, 3)
    model = MODELS["logits"]()
    net = Network.of(model, pixels="0-1", scores="as given")
    assert np.allclose(net.predict(images), model.predict(images, verbose=0), atol=1e-6)
    assert "softmax" not in net.source
    embedding = classifier(head=[kl.GlobalAveragePooling2D(), kl.Dense(8), kl.UnitNormalization()])
    assert "softmax" not in Network.of(embedding, pixels="0-1").source, "a unit vector is no row of logits"
    with pytest.raises(CnnlensError, match="no kind of scores 'probabilties'"):
        Network.of(model, scores="probabilties")


@pytest.mark.parametrize("head", ["conv", "average", "activation", "reshape"])
def test_logits_are_seen_behind_layers_that_only_reshape(head):
    ends = {
        "conv": [kl.Conv2D(3, 16), kl.Flatten()],
        "average": [kl.Conv2D(3, 1), kl.GlobalAveragePooling2D()],
        "activation": [kl.Flatten(), kl.Dense(3), kl.Activation("softmax")],
        "reshape": [kl.Conv2D(3, 16), kl.Reshape((3,)), kl.Softmax()],
    }
    model = classifier(head=ends[head])
    net = Network.of(model, pixels="0-1")
    images = pixels(4, 16, 16, 3)
    assert np.allclose(net.predict(images).sum(1), 1, atol=1e-5)
    assert np.allclose(keras.ops.softmax(net.logits(images)), net.predict(images), atol=1e-6)
    assert ("softmax added" in net.source) == (head in ("conv", "average"))


def test_log_probabilities_become_probabilities():
    net = Network.of(classifier(head=[kl.Flatten(), kl.Dense(3, "log_softmax")]), pixels="0-1")
    assert np.allclose(net.predict(pixels(4, 16, 16, 3)).sum(1), 1, atol=1e-5)


def test_one_probability_makes_two_classes():
    images = pixels(4, 16, 16, 3)
    for kind in ("one probability", "one logit"):
        model = MODELS[kind]()
        net = Network.of(model, pixels="0-1", classes=["cat", "dog"])
        raw = model.predict(images, verbose=0)[:, 0]
        p = raw if kind == "one probability" else 1 / (1 + np.exp(-raw))
        assert np.allclose(net.predict(images), np.stack([1 - p, p], 1), atol=1e-6)
        assert np.allclose(1 / (1 + np.exp(-net.logits(images))), net.predict(images), atol=1e-6), "the log-odds"
        assert "read as two classes" in net.source and net.class_count == 2
        parts = superpixels.segment(images[0], "grid", 4)
        cat, dog = (superpixels.explain(net, images[0], label, parts, samples=8) for label in ("cat", "dog"))
        assert np.allclose(cat.weights, -dog.weights, atol=1e-5), "what speaks for one speaks against the other"
        of_cat, of_dog = (ablation.ablate(net, images, [label] * 4, "first").drop for label in (0, 1))
        assert of_cat.shape == (4, 4) and np.abs(of_cat).max() > 0 and np.allclose(of_cat, -of_dog, atol=1e-5)
        models = neurons.class_models(net, ["cat", "dog"], steps=4)
        assert models.names == ("cat", "dog") and models.probability[0] + 1e-3 > 1 - models.probability[1]


def test_names_of_classes_must_be_as_many_as_the_classes():
    with pytest.raises(CnnlensError, match="3 classes; 2 names"):
        Network.of(MODELS["logits"](), classes=["a", "b"])


def test_a_subclass_that_computes_on_after_its_last_layer_is_asked_itself():
    model, images = subclassed(), pixels(4, 16, 16, 3)
    net = Network.of(model, pixels="0-1")
    assert np.allclose(net.predict(images), model(images), atol=1e-6) and "softmax" not in net.source


# --- several outputs and inputs ---------------------------------------------------------------------------------------


def two_headed():
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3))
    x = kl.Flatten()(kl.Conv2D(4, 3, activation="relu", name="conv")(image))
    return keras.Model(image, [kl.Dense(3, "softmax", name="animal")(x), kl.Dense(5, name="color")(x)])


def test_which_output_is_chosen_and_said():
    model, images = two_headed(), pixels(4, 16, 16, 3)
    animal, color = model.predict(images, verbose=0)
    first = Network.of(model, pixels="0-1")
    assert np.allclose(first.predict(images), animal, atol=1e-6)
    assert "output 'animal' of animal, color, the first" in first.source
    for asked in ("color", 1):
        net = Network.of(model, pixels="0-1", output=asked)
        assert np.allclose(net.logits(images), color, atol=1e-6) and net.head == "color"
        assert "output 'color' of animal, color" in net.source and "the first" not in net.source
        assert np.allclose(net.predict(images), keras.ops.softmax(color), atol=1e-6)
    with pytest.raises(CnnlensError, match="no output of .* 'colour'. Did you mean 'color'"):
        Network.of(model, output="colour")


def test_outputs_in_a_dict():
    model, images = two_headed(), pixels(2, 16, 16, 3)
    named = keras.Model(model.input, {"kind": model.outputs[0], "tint": model.outputs[1]})
    assert Network.of(named, pixels="0-1", output="tint").predict(images).shape == (2, 5)


def with_metadata():
    keras.utils.set_random_seed(0)
    image, meta = keras.Input((16, 16, 3), name="image"), keras.Input((2,), name="meta")
    x = kl.GlobalAveragePooling2D()(kl.Conv2D(4, 3, activation="relu", name="conv")(image))
    return keras.Model([meta, image], kl.Dense(3, "softmax")(kl.Concatenate()([x, kl.Dense(2, name="of_meta")(meta)])))


def test_a_second_input_is_held_at_given_values():
    model, images = with_metadata(), pixels(4, 16, 16, 3)
    net = Network.of(model, pixels="0-1", fixed={"meta": [0.5, -1]})
    rows = np.tile(np.float32([[0.5, -1]]), (4, 1))
    assert np.allclose(net.predict(images), model.predict([rows, images], verbose=0), atol=1e-6)
    assert "input 'meta' held at given values" in net.source
    assert net.layer("conv").receptive_field == (3, 3) and net.layer("of_meta").receptive_field is None
    assert neurons.maximize(net, "conv", [0], steps=2, progress=False).images.shape == (1, 16, 16, 3)
    parts = superpixels.segment(images[0], "grid", 4)
    assert superpixels.explain(net, images[0], 1, parts, samples=8).weights.shape == (4,)
    other = Network.of(model, pixels="0-1", fixed={"meta": [5, 5]})
    assert not np.allclose(net.predict(images), other.predict(images), atol=1e-3), "the values matter"


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        (None, "takes 2 inputs: meta, image. Say at which values.*'meta'"),
        ({"mta": [1, 2]}, "no input of .* to hold 'mta'. Did you mean 'meta'"),
        ({"meta": [1, 2, 3]}, r"Input 'meta' takes values of shape \(2,\); got an array of \(1, 3\)"),
    ],
)
def test_inputs_that_cannot_be_held(fixed, words):
    with pytest.raises(CnnlensError, match=words):
        Network.of(with_metadata(), fixed=fixed)


# --- one door -------------------------------------------------------------------------------------------------------


def test_a_model_keeps_its_network_and_lets_go_of_it():
    model = classifier()
    net = Network.of(model)
    assert Network.of(model) is net and Network.of(net) is net, "nothing is compiled twice"
    assert Network.of(model, fit="pad") is not net
    gone = weakref.ref(model)
    del model, net
    gc.collect()
    assert gone() is None


def test_a_kept_network_does_not_travel_with_the_model(tmp_path):
    model = classifier()
    Network.of(model).predict(pixels(1, 16, 16, 3))
    model.save(tmp_path / "m.keras")
    again = zoo.load(tmp_path / "m.keras")
    assert np.allclose(again.predict(pixels(1, 16, 16, 3)), Network.of(model).predict(pixels(1, 16, 16, 3)), atol=1e-6)


def test_options_of_a_network_are_heeded():
    net = Network.of(classifier(), pixels="0-1", classes="abc")
    other = Network.of(net, fit="pad", pixels="0-255")
    assert (other.classes, other.fit, other.preprocessing.scale) == (net.classes, "pad", (255.0,))
    assert "pixels 0-255" in other.source and "pixels 0-1" not in other.source
    assert Network.of(net, classes="xyz").preprocessing == net.preprocessing


@pytest.mark.parametrize("given", [None, 7, np.zeros((1, 8, 8, 3))])
def test_what_is_no_network(given):
    with pytest.raises(CnnlensError, match="Expected a Network, a Keras model"):
        Network.of(given)


def test_a_name_and_a_path(tmp_path):
    assert Network.of("lenet", classes="abcdefghij").classes == tuple("abcdefghij")
    classifier().save(tmp_path / "mine.keras")
    assert Network.of(tmp_path / "mine.keras", pixels="-1-1").preprocessing.shift == (-1.0,)


# --- one rule to fit images -------------------------------------------------------------------------------------------


def test_fitted():
    image = np.zeros((8, 16, 3), np.float32)
    image[:, 4:12] = 1
    assert fitted(image, 8).min() == 1, "the middle square is white"
    assert fitted(image, 4, "stretch")[:, 0].max() < 0.1 and fitted(image, 4, "stretch").shape == (4, 4, 3)
    padded = fitted(image, 8, "pad")
    assert padded[:2].max() == 0 and padded[6:].max() == 0 and padded[2:6, 3:5].min() > 0.9
    assert fitted(image[None], (4, 8)).shape == (1, 4, 8, 3)
    assert fitted(image, (8, 4)).shape == (8, 4, 3) and fitted(image, (8, 4)).min() == 1
    assert fitted(image, (8, 16)) is image
    with pytest.raises(CnnlensError, match="no way to fit images 'squash'"):
        fitted(image, 8, "squash")


def test_two_lenses_see_the_same_pixels():
    photo = datasets.photos()[1]
    for net in (Network.of(classifier(), pixels="0-1"), Network.of(classifier(shape=(12, 20, 1)), pixels="0-1")):
        with pytest.warns(UserWarning, match="cropped to the middle and resized"):
            prepared = net.prepare(photo.image)[0]
        assert np.array_equal(prepared, superpixels.frame(net, photo))
        assert np.allclose(prepared, net.prepare(datasets.photos()[1:2])[0], atol=1e-6)
    parts = np.arange(photo.image.shape[0] * photo.image.shape[1]).reshape(photo.image.shape[:2])
    for fit in ("crop", "stretch", "pad"):  # the segments of the photograph move with its pixels
        rows, columns = sampled(parts.shape, (32, 32), fit)
        near = photo.image[rows, columns]
        assert near.shape == (32, 32, 3)
        assert np.corrcoef(near[8:24, 8:24].ravel(), fitted(photo.image, 32, fit)[8:24, 8:24].ravel())[0, 1] > 0.8
    with pytest.warns(UserWarning, match="stretched"):
        net.prepare(photo.image, fit="stretch")
    with pytest.warns(UserWarning, match="padded with black"):
        Network.of(net, fit="pad").prepare(photo.image)


def test_channels_that_cannot_be_converted():
    five = Network.of(MODELS["five channels"](), pixels="0-1")
    with pytest.raises(CnnlensError, match=r"Images of 3 channel\(s\) cannot be turned into images of 5"):
        five.prepare(pixels(1, 16, 16, 3))
    with pytest.raises(CnnlensError, match="C of 5, 1 .grey. or 3"):
        five.prepare(pixels(1, 16, 16, 4))


# --- receptive fields -------------------------------------------------------------------------------------------------


def test_behind_a_gate_each_position_sees_the_whole_image():
    net = Network.of(squeeze_and_excite(), pixels="0-1")
    assert net.layer("before").receptive_field == (3, 3)
    assert net.layer("as_map").receptive_field == (16, 16)
    for layer in ("gated", "behind"):
        for row in (0, 7, 13):
            top, left, bottom, right = net.layer(layer).box(row, row)
            assert top <= 0 and left <= 0 and bottom >= 16 and right >= 16
    assert net.layer("gated").stride == (1, 1)


def test_a_map_of_one_position_may_be_padded_again():
    net = Network.of(classifier(kl.MaxPooling2D(16), kl.ZeroPadding2D(1), kl.Conv2D(4, 3, name="last")), pixels="0-1")
    assert net.layer("last").box(0, 0) == (-17, -17, 33, 33) and net.predict(pixels(1, 16, 16, 3)).shape == (1, 3)


def test_a_nested_backbone_is_read_at_another_size():
    net = Network.of(nested(), pixels="0-1")
    assert neurons.maximize(net, "backbone/inner/deep", [0], size=24, steps=2, progress=False).images.shape[1] == 24
    assert net.predict(pixels(2, 16, 16, 3)).shape == (2, 3), "and insists on its own again"


def there_and_back(net):
    """A function of images that gives a network's only layer and its gradient."""

    def read(pixels):
        (output,) = net.outputs(pixels, [net.head]).values()
        return output, tf.gradients(tf.exp(output), pixels)[0]

    return tf.function(read, autograph=False)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("how", [{}, {"axis": 3}, {"axis": 1}, {"scale": False}, {"center": False}], ids=str)
def test_a_batch_normalization_gives_what_keras_gives_and_no_gradients_of_its_weights(how, policy):
    images, normal = tf.constant(pixels(3, 5, 6, 6)), kl.BatchNormalization(**how, dtype=policy)
    net, plain = (Network(keras.Sequential([keras.Input((5, 6, 6)), layer])) for layer in (normal, kl.ReLU()))
    generator = np.random.default_rng(1)
    normal.set_weights([generator.uniform(0.5, 2, each.shape) for each in normal.get_weights()])
    with tf.GradientTape() as tape:
        tape.watch(images)
        expected = tf.cast(net.model(images, training=False), tf.float32)
        total = tf.reduce_sum(tf.exp(expected))
    output, slopes = there_and_back(net)(images)
    np.testing.assert_array_equal(output, expected)
    np.testing.assert_allclose(slopes, tape.gradient(total, images), rtol=0.02 if "16" in policy else 1e-5)
    graphs = (there_and_back(each).get_concrete_function(images).graph for each in (net, plain))
    sums, without = (sum(op.type == "Sum" for op in graph.get_operations()) for graph in graphs)
    assert (sums > without) == (how == {"axis": 1}), "only over another axis Keras's own way is left"


def test_a_batch_normalization_of_one_s_own_is_left_alone():
    class Own(kl.BatchNormalization):
        def call(self, inputs, training=None, mask=None):
            return 2 * inputs

    replaced = kl.BatchNormalization()
    model = keras.Sequential([keras.Input((4, 4, 3)), Own(name="own"), replaced])
    object.__setattr__(replaced, "call", lambda inputs, training=None, mask=None: 3 * inputs)
    found = Network(model).read(np.full((1, 4, 4, 3), 0.5), ["own", replaced.name], progress=False)
    assert (found["own"] == 1).all() and (found[replaced.name] == 3).all()
