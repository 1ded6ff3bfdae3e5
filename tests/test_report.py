"""The report: a page that needs nothing else, from any network; what cannot be shown is said; a killed run goes on."""

import contextlib
import html
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from test_any_cnn import families

import cnnlens
from cnnlens.errors import CnnlensError
from cnnlens.network import Network
from cnnlens.report import sections, sizes
from cnnlens.report.kept import decoded, encoded
from cnnlens.scores.findings import Finding

CLASSES = ("dark", "light", "middle")
SIZES = {
    "images": {"most": 60, "pixels": 10**9},
    "network": {"most": 12, "pixels": 10**9},
    "answers": {"mistakes": 3},
    "activations": {"layers": 2, "units": 3, "images": 1},
    "units": {"layers": 1, "units": 2, "patches": 2, "steps": 2, "side": 16},
    "embedding": {"layers": 1, "most": 20, "values": 10**7},
    "attribution": {"images": 2, "methods": ("gradcam",)},
    "reliance": {"most": 24},
    "superpixels": {"images": 1, "samples": 32, "count": 9},
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Cheap sizes, as nothing here depends on them."""
    monkeypatch.setitem(sizes.SIZES, "quick", SIZES)


def network(outputs=3):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, activation="relu", name="edges")]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(outputs, activation="softmax", name="said")]
    return keras.Sequential(layers, name="small")


def sound():
    """One that tells the shades of the pictures apart: its first filter is their brightness, and no other counts."""
    model = network()
    edges, said = model.get_layer("edges"), model.get_layer("said")
    kernel, weights = np.array(edges.kernel), np.zeros((4, 3), np.float32)
    kernel[..., 0], weights[0] = 1 / 27, (-20, 20, 0)
    edges.set_weights([kernel, np.zeros(4)])
    said.set_weights([weights, np.array([6.2, -12.6, 0])])
    return model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The file of a small network."""
    path = tmp_path_factory.mktemp("model") / "small.keras"
    sound().save(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eight pictures of each of three classes."""
    root, generator = tmp_path_factory.mktemp("pictures") / "shades", np.random.default_rng(0)
    for name, level in zip(CLASSES, (40, 200, 120)):
        (root / name).mkdir(parents=True)
        for i in range(8):
            pixels = generator.normal(level, 20, (20, 16, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def found(model, folder):
    """The report on the small network."""
    before, sizes.SIZES["quick"] = sizes.SIZES["quick"], SIZES
    try:
        yield cnnlens.report(model, folder, progress=False)
    finally:
        sizes.SIZES["quick"] = before


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    return found.save(tmp_path_factory.mktemp("page") / "report.html")


def test_the_room_may_be_called_and_is_still_a_room(found):
    from cnnlens.report import Report, report

    assert isinstance(found, Report) and cnnlens.report.report is report and inspect.ismodule(cnnlens.report)
    assert cnnlens.report.making is sys.modules["cnnlens.report.making"]


def test_every_part_has_words_and_alternative_texts(found):
    assert [part.name for part in found] == [section.name for section in sections.SECTIONS]
    for part in found:
        assert part.shows and part.source and not part.failed, part.failed
        assert all(len(figure.alt) > 20 and figure.data[8:12] == b"WEBP" for figure in part.figures)
    assert not found.faults and not found.left_out
    with pytest.raises(CnnlensError, match="part of this report"):
        found["neuron"]


def test_a_part_shows_itself_and_survives_being_kept(found):
    part = found["attribution"]
    shown = part._repr_mimebundle_()
    assert "data:image/webp" in shown["text/html"] and part.title in shown["text/plain"]
    wrong = Finding(name="a", sentence="B.", weight=0.5, evidence={"c": np.float32(1), "d": np.arange(2)})
    again = decoded(encoded(type(part)(**{**vars(part), "findings": (wrong,)})))
    assert again.figures == part.figures and again.tables == part.tables and again.numbers == part.numbers
    assert again.findings == (wrong,) and again.findings[0].evidence == {"c": 1.0, "d": [0, 1]}


def test_the_page_needs_nothing_else(page, found):
    text = page.read_text(encoding="utf-8")
    outside = re.sub(r'srcdoc="[^"]*"', "", text)
    assert not re.search(r'(src|href)="(?!data:|#)', outside) and "@import" not in text and "url(" not in outside
    images = re.findall(r"<img[^>]*>", outside)
    assert images and all(re.search(r'alt="[^"]{20,}"', image) and 'loading="lazy"' in image for image in images)
    assert all(f'href="#{part.name}"' in text and f'id="{part.name}"' in text for part in found)
    assert all(html.escape(sentence, quote=False).replace("'", "&#39;") in text for sentence in found.sentences)


def planted(weight, sentence):
    return Finding(name=sentence, sentence=sentence, weight=weight)


def test_the_heaviest_five_findings_are_the_sentences(found):
    first, *rest = found.parts
    wrong = tuple(planted(weight, f"Fault {weight}.") for weight in (0.1, 0.9, 0.3, 0.2, 0.4, 0.5))
    ill = type(found)(**{**vars(found), "parts": (type(first)(**{**vars(first), "findings": wrong}), *rest)})
    assert ill.sentences == tuple(f"Fault {weight}." for weight in (0.9, 0.5, 0.4, 0.3, 0.2))
    assert found.findings == () and found.sentences[0].startswith("Nothing wrong was found")
    assert "Looked at, on 24 images: the network's layers" in found.sentences[1]


def test_class_names_are_words_and_never_markup(model, tmp_path):
    bad = "<script>alert(1)</script>$x_"
    for name in (bad.replace("/", ""), "b", "c"):
        (tmp_path / name).mkdir()
        for i in range(5):
            Image.new("RGB", (16, 16), (i * 40, 0, 0)).save(tmp_path / name / f"{i}.png")
    found = cnnlens.report(model, tmp_path, parts=["attribution", "layers"], progress=False)
    text = found.save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text


# --- what cannot be opened ----------------------------------------------------------------------------------------


def refused(model, folder, tmp_path):
    found = cnnlens.report(model, folder, progress=False)
    text = found.save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert (
        not found.faults
        and found["network"].failed
        and html.escape(found["network"].failed)[:60] in text.replace("&#39;", "&#x27;")
    )
    assert found.sentences[0] == found["network"].failed and "Not looked at" in found.sentences[-1]
    return found


def test_python_code_in_a_file_is_refused_and_its_layers_are_named(folder, tmp_path):
    layers = [keras.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x * 2, name="twice"), keras.layers.Flatten()]
    keras.Sequential([*layers, keras.layers.Dense(3)]).save(tmp_path / "lambda.keras")
    found = refused(tmp_path / "lambda.keras", folder, tmp_path)
    assert "Python code" in found["network"].failed and ("twice", "Lambda") in found["layers"].tables[0].rows


def test_a_class_that_keras_does_not_know_is_named(folder, tmp_path):
    @keras.saving.register_keras_serializable("mine")
    class Strange(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    keras.Sequential([keras.Input((8, 8, 3)), Strange(name="odd"), keras.layers.Flatten()]).save(tmp_path / "odd.keras")
    keras.saving.get_custom_objects().pop("mine>Strange")
    found = refused(tmp_path / "odd.keras", folder, tmp_path)
    assert "Strange" in found["network"].failed and ("odd", "mine>Strange") in found["layers"].tables[0].rows


def test_input_that_is_no_image_and_several_inputs_are_named(folder, tmp_path):
    one, other = keras.Input((8, 8, 3), name="photo"), keras.Input((4,), name="age")
    both = keras.layers.Concatenate()([keras.layers.Flatten()(one), other])
    found = refused(keras.Model([one, other], keras.layers.Dense(3)(both)), folder, tmp_path)
    assert "2 inputs: photo, age" in found["network"].failed
    found = refused(keras.Sequential([keras.Input((7,)), keras.layers.Dense(3)]), folder, tmp_path)
    assert "image" in found["network"].failed


def test_a_fault_of_the_program_is_named_and_stops_nothing_else(found, model, folder, monkeypatch, capsys):
    def broken(subject, sizes):
        raise KeyError("planted")

    section = sections.Section("network", "Health of the network", broken, 1)
    others = [each for each in sections.SECTIONS if each.name in ("layers", "activations")]
    monkeypatch.setattr(sections, "SECTIONS", (section, *others))
    ill = cnnlens.report(model, folder, progress=False)
    assert "KeyError" in ill["network"].failed and "test_report.py" in ill["network"].failed
    assert len(ill.faults) == 1 and "KeyError: 'planted'" in capsys.readouterr().err
    assert ill["layers"] == found["layers"] and not ill["activations"].failed


def test_errors_that_leave_nothing_to_report_on(model, folder, tmp_path):
    with pytest.raises(CnnlensError, match="mobilenet"):
        cnnlens.report("mobilenett", folder)
    with pytest.raises(CnnlensError, match="no model file"):
        cnnlens.report(tmp_path / "none.keras", folder)
    with pytest.raises(CnnlensError, match="no folder"):
        cnnlens.report(model, tmp_path / "none")
    with pytest.raises(CnnlensError, match="part of a report"):
        cnnlens.report(model, folder, parts=["neuron"])
    with pytest.raises(CnnlensError, match="profile"):
        cnnlens.report(model, folder, profile="quik")


# --- labels -------------------------------------------------------------------------------------------------------


def test_folders_are_matched_with_the_networks_classes_by_name(folder):
    net = cnnlens.Network.of(network(4), classes=["Middle", "n01440764_x", "dark", "light"])
    subject = cnnlens.report.subject.opened(net, folder, progress=False)
    assert sorted(set(zip(subject.folder.labels.tolist(), subject.labels.tolist()))) == [(0, 2), (1, 3), (2, 0)]
    subject = cnnlens.report.subject.opened(network(5), folder, progress=False)
    assert (subject.labels == -1).all() and "5 classes without names" in subject.label_notes[0]


def test_an_array_of_images_may_have_labels():
    images, labels = np.random.default_rng(0).random((6, 16, 16, 3)), np.arange(6) % 3
    found = cnnlens.report(network(), images, labels=labels, parts=["attribution"], progress=False)
    assert found["attribution"].tables[0].rows[0][1] in ("class 0", "class 1", "class 2", "0", "1", "2")
    with pytest.raises(CnnlensError, match="expected 6 whole numbers"):
        cnnlens.report(network(), images, labels=[1, 2])


# --- time, and a run that is killed -------------------------------------------------------------------------------


def test_what_finds_no_time_is_left_out_and_named(model, folder):
    found = cnnlens.report(model, folder, minutes=1e-6, progress=False)
    made, heavy = [part.name for part in found], [each for each in sections.SECTIONS if each.cost]
    assert "layers" in made and len(found.left_out) == len(heavy) and not {each.name for each in heavy} & set(made)
    assert all(any(each.title in sentence for sentence in found.left_out) for each in heavy)
    assert "for want of time" in found.sentences[-1]


def test_time_that_is_left_is_spent_on_the_full_size(model, folder, monkeypatch):
    monkeypatch.setitem(sizes.SIZES, "full", {**SIZES, "activations": {"layers": 2, "units": 3, "images": 2}})
    found = cnnlens.report(model, folder, minutes=5, parts=["activations"], progress=False)
    assert len(found["activations"].figures) == 2 and not found.left_out


KILLED = """
import os, signal, sys
import cnnlens
from cnnlens.report import sections, sizes
sizes.SIZES["quick"] = {sizes!r}
def killed(subject, sizes):
    os.kill(os.getpid(), signal.SIGKILL)
change = lambda each: each.__class__(**{{**vars(each), "make": killed}}) if each.name == "units" else each
sections.SECTIONS = tuple(map(change, sections.SECTIONS))
cnnlens.report({model!r}, {folder!r}, keep={keep!r}, progress=False)
"""


def test_a_killed_run_goes_on_where_it_stopped(page, model, folder, tmp_path, monkeypatch):
    keep = tmp_path / "kept"
    program = KILLED.format(sizes=SIZES, model=str(model), folder=str(folder), keep=str(keep))
    environment = {**os.environ, "PYTHONPATH": str(Path(cnnlens.__file__).parents[1])}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert ended.returncode == -9, ended.stderr
    before = {path.name: path.stat().st_mtime_ns for path in keep.iterdir()}
    last = sorted(sections.SECTIONS, key=lambda each: each.turn)[-1].name
    assert last == "units" and len(before) == len(sections.SECTIONS), "all but the killed part, and the predictions"
    calls = []
    spied = [
        sections.Section(**{**vars(each), "make": lambda *a, each=each: calls.append(each.name) or each.make(*a)})
        for each in sections.SECTIONS
    ]
    monkeypatch.setattr(sections, "SECTIONS", tuple(spied))
    again = cnnlens.report(model, folder, keep=keep, progress=False)
    assert calls == ["units"]
    after = {path.name: path.stat().st_mtime_ns for path in keep.iterdir()}
    assert before.items() <= after.items() and len(after) == len(before) + 1
    assert again.save(tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_what_is_kept_belongs_to_this_network_and_these_images(model, folder, tmp_path):
    def made(*arguments, **settings):
        cnnlens.report(*arguments, parts=["layers"], keep=tmp_path, progress=False, **settings)
        return len(list(tmp_path.iterdir()))

    assert made(model, folder) == 1 == made(model, folder)
    assert made(model, folder, seed=1) == 2
    other = keras.models.load_model(model)
    other.layers[0].kernel.assign_add(np.full(other.layers[0].kernel.shape, 0.01))
    other.save(tmp_path.parent / "small.keras")
    assert made(tmp_path.parent / "small.keras", folder) == 3
    assert made(model, np.zeros((2, 16, 16, 3))) == 4
    for path in tmp_path.iterdir():
        path.write_text("damaged")
    assert made(model, folder) == 4 and sum("damaged" != path.read_text() for path in tmp_path.iterdir()) == 1


def test_the_command_writes_the_page_and_says_the_sentences(model, folder, tmp_path, capsys, monkeypatch):
    from cnnlens.__main__ import main

    monkeypatch.setattr(sections, "SECTIONS", sections.SECTIONS[:2])
    out = tmp_path / "report.html"
    assert main(["report", str(model), "--images", str(folder), "--out", str(out)]) == 0
    assert "Nothing wrong was found" in capsys.readouterr().out and "<h1>Report on small</h1>" in out.read_text()
    assert main(["report", str(model), "--images", str(folder), "--out", str(tmp_path)]) == 2
    assert main(["report", str(model), "--images", str(folder), "--out", str(out), "--minutes", "0"]) == 2


# --- any network --------------------------------------------------------------------------------------------------

FEW = ("MobileNetV3Small", "VGG16")
EVERY = os.environ.get("CNNLENS_EVERY_FAMILY")


def shown(model, **settings):
    """The report on an untrained network and noise; each part that is not shown must say why, as cnnlens would."""
    size = Network.of(model, **settings).size
    images, labels = np.random.default_rng(0).random((26, *size, 3)).astype(np.float32), np.arange(26) % 7
    found = cnnlens.report(model, images, labels=labels, progress=False, **settings)
    assert not found.faults
    assert {"layers", "activations", "embedding", "superpixels", "units"} <= {p.name for p in found if not p.failed}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("family", [name for name in families() if EVERY or name in FEW])
def test_networks_of_keras_applications(family):
    keras.utils.set_random_seed(0)
    builder = getattr(keras.applications, family)
    for side in (32, 64, 96):
        with contextlib.suppress(ValueError):  # "Input size must be at least 71x71"
            model = builder(weights=None, input_shape=(side, side, 3), classes=7)
            break
    found = shown(model, pixels=sys.modules[builder.__module__].preprocess_input)
    failed = {part.name: part.failed for part in found if part.failed}
    assert set(failed) <= {"reliance"}, failed
    assert all("of no class does the network answer 8 rightly" in why for why in failed.values())


def transformer():
    """A tiny vision transformer: patches, positions, attention, no map behind the patches."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 3))
    x = keras.layers.Reshape((16, 8))(keras.layers.Conv2D(8, 4, strides=4, name="patches")(pixels))
    x = keras.layers.Add()([x, keras.layers.MultiHeadAttention(2, 4, name="attention")(x, x)])
    x = keras.layers.Add()(
        [x, keras.layers.Dense(8, activation="gelu", name="mlp")(keras.layers.LayerNormalization()(x))]
    )
    return keras.Model(pixels, keras.layers.Dense(7, activation="softmax")(keras.layers.GlobalAveragePooling1D()(x)))


def test_of_a_vision_transformer_is_shown_what_there_is():
    found = shown(transformer())
    assert "attribution" in {part.name for part in found if not part.failed}
    assert any("occlusion" in figure.alt.lower() for figure in found["attribution"].figures)
    assert any("Grad-CAM" in note for note in found["attribution"].notes)
    assert len(found["units"].figures) >= 1 and len(found["embedding"].explorers) == 1


def test_a_network_that_is_no_classifier_is_shown_without_what_asks_for_one():
    inner = [keras.layers.Conv2D(4, 3, padding="same"), keras.layers.Conv2D(3, 3, padding="same")]
    images = np.random.default_rng(0).random((26, 16, 16, 3))
    found = cnnlens.report(keras.Sequential([keras.Input((16, 16, 3)), *inner]), images, progress=False)
    assert not found.faults and "no classifier" in found["attribution"].failed
    assert {"layers", "activations", "units", "embedding"} <= {part.name for part in found if not part.failed}
