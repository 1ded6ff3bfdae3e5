"""Data sets and photographs, real where they can be had and labelled stand-ins where not; and a user's own pictures.

Looked for in this order: ``CNNLENS_DATA``; Keras's cache; Keras's own download; the stand-in.
"""

import dataclasses
import hashlib
import importlib.metadata
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps

from . import device  # noqa: F401  (sets TensorFlow's environment before Keras imports it)
from . import files
from .errors import CnnlensError, unknown
from .pixels import fitted
from .zoo import CLASSES, imagenet_classes

# SHA-256 of the bytes of MNIST's arrays, in the official order; the files that hold them differ in their zip headers.
MNIST_ARRAYS = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
DOWNLOADS = {
    "mnist": (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        "mnist.npz",
        "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    ),
    "cifar10": (
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "cifar-10-batches-py-target_archive",  # the name under which Keras looks for it
        "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
}
SHAPES = {"mnist": ((60000, 28, 28), (10000, 28, 28)), "cifar10": ((50000, 32, 32, 3), (10000, 32, 32, 3))}
STAND_INS = {"mnist": "digits", "cifar10": "patches"}
PATCH = 32  # px


class Images:
    """uint8 images that read as float32 in [0, 1]: four times smaller in memory than the floats they stand for.

    Slicing with a number gives one image, with anything else a float32 array; ``numpy.asarray`` gives all of them.

    Parameters
    ----------
    pixels : ndarray (N, H, W, C) uint8
    """

    ndim, dtype = 4, np.dtype(np.float32)

    def __init__(self, pixels):
        self.pixels = pixels

    shape = property(lambda self: self.pixels.shape)

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        return self.pixels[index].astype(np.float32) / np.float32(255)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or np.float32, copy=False)

    def __repr__(self):
        return f"<Images {self.shape}, read as float32 in [0, 1]>"


@dataclass(frozen=True)
class Dataset:
    """A labelled data set.

    Attributes
    ----------
    x_train, x_test : Images (N, H, W, C)
        Read as float32 in [0, 1].
    y_train, y_test : ndarray (N,) int
    classes : tuple of str
    source : str
        One line that says where the data came from.
    name : str
    """

    x_train: Images
    y_train: np.ndarray
    x_test: Images
    y_test: np.ndarray
    classes: tuple
    source: str
    name: str

    def take(self, train, test=None):
        """The first images only, said in the source line; counts larger than the data set take all of it."""
        train, test = min(train, len(self.y_train)), min(test or len(self.y_test), len(self.y_test))
        if (train, test) == (len(self.y_train), len(self.y_test)):
            return self
        return dataclasses.replace(
            self,
            x_train=Images(self.x_train.pixels[:train]),
            y_train=self.y_train[:train],
            x_test=Images(self.x_test.pixels[:test]),
            y_test=self.y_test[:test],
            source=f"{self.source}, the first {train:,} training and {test:,} test images",
        )

    def __repr__(self):
        return f"<Dataset {self.name}: {len(self.y_train):,} training and {len(self.y_test):,} test images of {len(self.classes)} classes; {self.source}>"


@dataclass(frozen=True)
class Photo:
    """A photograph with a label.

    Attributes
    ----------
    image : ndarray (H, W, 3) float32 in [0, 1]
    label : str
        Its ImageNet class, or what it shows where that is no ImageNet class.
    source : str
    """

    image: np.ndarray
    label: str
    source: str


def load(name):
    """A data set by name.

    Parameters
    ----------
    name : {"mnist", "cifar10", "digits", "patches"}
        ``digits`` and ``patches`` are the offline stand-ins for the first two.

    Returns
    -------
    Dataset

    Raises
    ------
    CnnlensError
        If there is no such data set, a file is damaged or holds something else, or nothing can be had.

    Examples
    --------
    >>> data = load("digits")
    >>> data.x_test[:2].shape
    (2, 28, 28, 1)
    """
    loaders = {"mnist": _real, "cifar10": _real, "digits": _digits, "patches": _patches}
    if name not in loaders:
        raise unknown("data set", name, loaders)
    return loaders[name](name)


def _real(name):
    folder = files.data_folder()
    if folder and (folder / f"{name}.npz").is_file():
        return _from_npz(name, folder / f"{name}.npz")
    cached = (files.keras_folder("datasets") / DOWNLOADS[name][1]).exists()
    if cached or files.online():
        return _from_keras(name)
    instead = STAND_INS[name]
    what = {"digits": "scikit-learn's 1,797 handwritten digits", "patches": "32 px patches of ten photographs"}[instead]
    return dataclasses.replace(load(instead), source=files.stand_in(_title(name), what, files.ways_out(f"{name}.npz")))


def _title(name):
    return {"mnist": "MNIST", "cifar10": "CIFAR-10"}[name]


def _from_npz(name, path):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in ("x_train", "y_train", "x_test", "y_test")}
    except KeyError as error:
        raise CnnlensError(
            f"{path} holds no array {error.args[0].split(' ')[0]!r}; expected x_train, y_train, x_test, y_test. Fetch it again."
        ) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CnnlensError(
            f"{path} is truncated or no .npz file ({type(error).__name__}). Delete it and fetch it again: `cnnlens fetch`."
        ) from error
    return _checked(name, arrays, f"{_title(name)} from {path.name} in CNNLENS_DATA", str(path))


def _from_keras(name):
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # urllib, tarfile, zipfile, numpy: a broken cache shows in many ways
        raise CnnlensError(
            f"{_title(name)} could not be read from Keras's cache ({type(error).__name__}: {error}). "
            f"Delete {files.keras_folder('datasets') / DOWNLOADS[name][1]} and run `cnnlens fetch {name}`."
        ) from error
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return _checked(name, arrays, f"{_title(name)} of keras.datasets", "Keras's download")


def _checked(name, arrays, source, where):
    """Arrays of the right shapes, types and labels (and for MNIST of the right bytes), as a Dataset."""
    for split, shape in zip(("train", "test"), SHAPES[name]):
        pixels, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
        if pixels.shape != shape or pixels.dtype != np.uint8:
            raise CnnlensError(
                f"{where}: x_{split} is {pixels.dtype} {pixels.shape}, expected uint8 {shape}. It is not {_title(name)}: fetch it again."
            )
        if labels.size != shape[0] or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 9:
            raise CnnlensError(
                f"{where}: y_{split} is {labels.dtype} {labels.shape}, expected {shape[0]} whole numbers 0–9. Fetch it again."
            )
    if name == "mnist" and _digest(arrays) != MNIST_ARRAYS:
        raise CnnlensError(
            f"{where} has MNIST's shapes but not its contents (SHA-256 of the arrays differs). Fetch it again: `cnnlens fetch mnist`."
        )
    channels = {key: value[..., None] if value.ndim == 3 else value for key, value in arrays.items() if key[0] == "x"}
    classes = CLASSES["lenet" if name == "mnist" else "vgg4"]
    y_train, y_test = (arrays[key].ravel().astype(np.int64) for key in ("y_train", "y_test"))
    return Dataset(Images(channels["x_train"]), y_train, Images(channels["x_test"]), y_test, classes, source, name)


def _digest(arrays):
    digest = hashlib.sha256()
    for key in ("x_train", "y_train", "x_test", "y_test"):
        digest.update(np.ascontiguousarray(arrays[key].astype(np.uint8)).tobytes())
    return digest.hexdigest()


# --- stand-ins ----------------------------------------------------------------------------------------------


def _digits(_):
    """scikit-learn's digits framed as MNIST frames them; every fifth image is for testing."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.stack([_framed(image / 16) for image in bunch.images])
    test = np.arange(len(pixels)) % 5 == 4
    labels = bunch.target.astype(np.int64)
    source = "scikit-learn's 1,797 handwritten digits, framed like MNIST"
    return Dataset(
        Images(pixels[~test]), labels[~test], Images(pixels[test]), labels[test], CLASSES["lenet"], source, "digits"
    )


def _framed(image):
    """An 8×8 digit as a 28×28 one: cropped to its ink, scaled to a 20 px box, centre of mass in the middle."""
    from scipy import ndimage
    from skimage.transform import resize

    rows, cols = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
    ink = image[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    scale = 20 / max(ink.shape)
    ink = resize(ink, [max(1, round(side * scale)) for side in ink.shape], order=3).clip(0, 1)
    canvas = np.zeros((28, 28))
    top, left = ((28 - side) // 2 for side in ink.shape)
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    centre = np.array(ndimage.center_of_mass(canvas))
    shift = np.round(13.5 - centre)
    return (ndimage.shift(canvas, shift, order=0) * 255).round().astype(np.uint8)[..., None]


PATCH_PHOTOS = (
    "astronaut",
    "chelsea",
    "coffee",
    "rocket",
    "brick",
    "grass",
    "gravel",
    "hubble_deep_field",
    "china",
    "flower",
)


def _patches(_):
    """Ten classes of 32 px patches, "which photograph is this from?": train from the left, test from the right.

    The photographs are halved first, so that they hold more than one hue in a patch. A gap of one patch lies between
    the two regions, so no pixel is in both.
    """
    parts = {"train": [], "test": []}
    for label, name in enumerate(PATCH_PHOTOS):
        photo = _packaged_photo(name)
        if photo.ndim == 2:
            photo = np.repeat(photo[..., None], 3, -1)
        photo = np.asarray(
            PIL.Image.fromarray(photo).resize(
                (max(256, photo.shape[1] // 2), max(192, photo.shape[0] // 2)), PIL.Image.Resampling.LANCZOS
            )
        )
        border = int(photo.shape[1] * 0.72)
        regions = {"train": (photo[:, : border - PATCH // 2], 300), "test": (photo[:, border + PATCH // 2 :], 60)}
        for split, (region, count) in regions.items():
            generator = np.random.default_rng((label, count))
            tops = generator.integers(0, region.shape[0] - PATCH + 1, count)
            lefts = generator.integers(0, region.shape[1] - PATCH + 1, count)
            parts[split] += [(region[t : t + PATCH, l : l + PATCH], label) for t, l in zip(tops, lefts)]
    arrays = {}
    for split, pairs in parts.items():
        order = np.random.default_rng(0).permutation(len(pairs))
        arrays[split] = (Images(np.stack([pairs[i][0] for i in order])), np.array([pairs[i][1] for i in order]))
    source = f"{PATCH} px patches of ten photographs of scikit-image and scikit-learn"
    return Dataset(
        *arrays["train"], *arrays["test"], tuple(name.replace("_", " ") for name in PATCH_PHOTOS), source, "patches"
    )


def _packaged_photo(name):
    """A uint8 photograph that ships inside scikit-image or scikit-learn."""
    if name in ("china", "flower"):
        from sklearn.datasets import load_sample_image

        return load_sample_image(f"{name}.jpg")
    import skimage.data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(skimage.data, name)()


# --- photographs --------------------------------------------------------------------------------------------


class Photos(tuple):
    """Photographs of different sizes; behaves as a tuple of :class:`Photo`.

    ``photos.batch(size)`` gives them as one array (N, size, size, 3), and numpy and the lenses take the photographs at
    224 px when they are given the tuple itself.
    """

    @property
    def labels(self):
        """What each shows."""
        return [photo.label for photo in self]

    @property
    def source(self):
        """Where they came from, each source once."""
        return "; ".join(dict.fromkeys(photo.source for photo in self))

    def batch(self, size=224, fit="crop"):
        """All of them at one size (:func:`cnnlens.pixels.fitted`): float32 (N, height, width, 3) in [0, 1]."""
        return np.stack([fitted(photo.image, size, fit) for photo in self])

    def __getitem__(self, index):
        found = super().__getitem__(index)
        return Photos(found) if isinstance(index, slice) else found

    def __array__(self, dtype=None, copy=None):
        return self.batch().astype(dtype or np.float32, copy=False)


def photos():
    """Sample photographs with their labels.

    From ``CNNLENS_DATA/photos`` (files named ``WNID_CLASS.jpg``) where it is there, else the ones that scikit-image
    and foolbox ship.

    Returns
    -------
    Photos
        A tuple of Photo.
    """
    folder = files.data_folder()
    if folder and (folder / "photos").is_dir():
        paths = sorted(
            path for path in (folder / "photos").iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")
        )
        if paths:
            return Photos(Photo(load_image(path), _label(path.stem), "photographs in CNNLENS_DATA") for path in paths)
    return shipped()


def shipped():
    """The photographs that scikit-image and foolbox ship, whatever else is here.

    Returns
    -------
    Photos
    """
    return Photos(_packaged_photos())


def _label(stem):
    wnid, _, rest = stem.partition("_")
    return rest if wnid[:1] == "n" and wnid[1:].isdigit() else stem


SKIMAGE_LABELS = {"chelsea": "tabby", "coffee": "espresso", "astronaut": "astronaut", "rocket": "missile"}


def _packaged_photos():
    for name, label in SKIMAGE_LABELS.items():
        yield Photo(_as_rgb(PIL.Image.fromarray(_packaged_photo(name)), name), label, "photographs of scikit-image")
    try:
        folder = Path(importlib.metadata.distribution("foolbox").locate_file("foolbox/data"))
    except importlib.metadata.PackageNotFoundError:
        return
    names = imagenet_classes()
    for path in sorted(folder.glob("imagenet_*.jpg")):
        yield Photo(load_image(path), names[int(path.stem.split("_")[2])], "ImageNet photographs of foolbox")


def square(image, size):
    """The centred square of an image, scaled to ``size`` px: float32 (size, size, C)."""
    return fitted(image, size)


def load_image(path, size=None, grey=False):
    """One of the user's own pictures.

    Parameters
    ----------
    path : path
        PNG, JPEG, WebP or anything Pillow reads; with palette, transparency (laid on white), 16 bits, or EXIF rotation.
    size : int, optional
        Cut to the centred square and scaled to this many pixels.
    grey : bool
        One channel instead of three.

    Returns
    -------
    ndarray (H, W, 3 or 1) float32 in [0, 1]

    Raises
    ------
    CnnlensError
        If the file is missing, no picture, or truncated.
    """
    path = Path(path)
    if not path.is_file():
        raise CnnlensError(f"There is no picture {str(path)!r}.")
    try:
        with PIL.Image.open(path) as picture:
            picture.load()
            image = _as_rgb(PIL.ImageOps.exif_transpose(picture), path.name)
    except PIL.UnidentifiedImageError as error:
        raise CnnlensError(f"{path.name} is no picture that can be read. Expected PNG, JPEG or WebP.") from error
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        if isinstance(error, CnnlensError):
            raise
        raise CnnlensError(f"{path.name} is damaged or truncated ({error}). Copy or save it again.") from error
    if grey:
        image = image @ np.float32([[0.299], [0.587], [0.114]])
    return square(image, size) if size else image


def _as_rgb(picture, name):
    """A Pillow picture of any mode as float32 (H, W, 3) in [0, 1]."""
    if picture.mode.startswith("I") or picture.mode == "F":  # 16 bits a pixel: Pillow's own conversion would clip
        values = np.asarray(picture).astype(np.float32)
        peak = 65535 if values.max() > 255 else 255 if values.max() > 1 else 1
        return np.repeat((values / peak).clip(0, 1)[..., None], 3, -1)
    if "A" in picture.getbands() or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = PIL.Image.new("RGBA", rgba.size, "white")
        picture = PIL.Image.alpha_composite(white, rgba)
    return np.asarray(picture.convert("RGB")).astype(np.float32) / np.float32(255)
