"""The health of images: pairs and properties put into real data are found, and real data alone draws no alarm."""

import io

import numpy as np
import pytest
from PIL import Image

from cnnlens import datasets
from cnnlens.errors import CnnlensError
from cnnlens.figures import painter_of
from cnnlens.scores.pictures import of_images, simple_properties


@pytest.fixture(scope="module")
def digits():
    data = datasets.load("digits")
    images = np.concatenate([data.x_train[:240], data.x_test[:60]])
    return images, np.concatenate([data.y_train[:240], data.y_test[:60]]), np.repeat(["train", "test"], [240, 60])


def recompressed(image):
    """The image as a JPEG would bring it back, a little brighter."""
    file = io.BytesIO()
    Image.fromarray((image[..., 0] * 255).astype(np.uint8)).save(file, "jpeg", quality=60)
    return 0.05 + 0.9 * np.asarray(Image.open(file), np.float32)[..., None] / 255


def test_real_digits_draw_no_alarm(digits):
    found = of_images(digits[0], digits[1], groups=digits[2])
    assert not found.findings and not len(found.pairs) and found.strength.shape == (5, 10)


def test_one_image_in_training_and_test_is_found(digits):
    images = digits[0].copy()
    images[250] = recompressed(images[17])
    labels = np.where(np.arange(300) == 250, digits[1][17], digits[1])
    found = of_images(images, labels, groups=digits[2])
    assert found.pairs.tolist() == [[17, 250]] and found.correlation[0] > 0.99 and found.shown.shape[:2] == (1, 2)
    assert [each.name for each in found.findings] == ["same image in training and test"]
    assert str(found.findings[0]).startswith("1 of 60 test images lies")


def test_a_test_group_that_is_all_copied_is_found(digits):
    images, labels = digits[0].copy(), digits[1].copy()
    images[240:], labels[240:] = images[:60], labels[:60]
    found = of_images(images, labels, groups=digits[2])
    assert str(found.findings[0]).startswith("60 of 60 test images lie") and found.findings[0].weight > 0.7


def test_one_image_in_two_classes_is_found(digits):
    images, labels = digits[0].copy(), digits[1]
    other = np.flatnonzero(labels != labels[3])[0]
    images[other] = recompressed(images[3])
    found = of_images(images, labels)
    assert [each.name for each in found.findings] == ["same image in two classes"] and not found.across_groups.any()


@pytest.mark.parametrize("name", ["brightness", "border brightness", "contrast", "size of the file"])
def test_a_property_that_tells_a_class_is_found(digits, name):
    images, labels = digits[0][:, :, :].copy(), digits[1]
    sizes, three = np.full((300, 2), 28), labels == 3
    if name == "size of the file":
        sizes[three] = 56
    elif name == "border brightness":
        images[three, :1] = 0.7
    else:
        images[three] = images[three] * 0.3 + (0.6 if name == "brightness" else 0)
    found = of_images(images, labels, classes=list("0123456789"), sizes=sizes)
    row = list(found.properties).index(name)
    assert found.strength[row, 3] > 0.95 > np.delete(found.strength[row], 3).max()
    assert all("'3'" in str(each) for each in found.findings) and found.findings


def test_properties_are_what_they_are_called():
    images = np.zeros((3, 32, 32, 3), np.float32)
    images[1, 8:24, 8:24, 0], images[2] = 1, (0, 0, 0.5)
    found = simple_properties(images, [(32, 32), (32, 64), (64, 32)])
    assert found["red against green"].argmax() == 1 and found["yellow against blue"].argmin() == 2
    assert found["contrast"].argmax() == found["sharpness"].argmax() == found["color"].argmax() == 1
    assert found["border brightness"].argmax() == 2 and found["shape of the file"].argmax() == 1


def test_plain_images_and_unlabeled_ones_are_no_pairs(digits):
    found = of_images(np.zeros((5, 8, 8, 1)), np.full(5, -1))
    assert not len(found.pairs) and not found.findings and found.strength.shape == (5, 0)
    with pytest.raises(CnnlensError, match="labels: expected one for each of the 300 images; got 2"):
        of_images(digits[0], [0, 1])


def test_the_figure_says_in_words_what_it_shows(digits):
    images = digits[0].copy()
    images[250] = images[17]
    found = of_images(images, digits[1], groups=digits[2])
    _, alt = painter_of(type(found))(found)
    assert "1 pairs of images are nearly the same, 1 of them across training and test" in alt and "strength" in alt


def test_the_figure_says_when_no_class_has_images_enough(digits):
    found = of_images(digits[0][:12], np.arange(12) % 10, classes=[str(i) for i in range(1000)])
    fig, alt = painter_of(type(found))(found)
    assert "No class has images enough" in fig.axes[0].texts[0].get_text() and "tells a class best" not in alt
