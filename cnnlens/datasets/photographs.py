"""Photographs with labels: real ones, those that packages ship, and a user's own."""

import importlib.metadata
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps

from .. import files
from ..errors import CnnlensError
from ..pixels import fitted
from ..zoo import imagenet_classes

PICTURES = (".jpg", ".jpeg", ".png", ".webp")
SKIMAGE_LABELS = {"chelsea": "tabby", "coffee": "espresso", "astronaut": "astronaut", "rocket": "missile"}


@dataclass(frozen=True, eq=False)
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
        paths = sorted(path for path in (folder / "photos").iterdir() if path.suffix.lower() in PICTURES)
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


def _packaged_photos():
    for name, label in SKIMAGE_LABELS.items():
        yield Photo(_as_rgb(PIL.Image.fromarray(packaged(name)), name), label, "photographs of scikit-image")
    try:
        folder = Path(importlib.metadata.distribution("foolbox").locate_file("foolbox/data"))
    except importlib.metadata.PackageNotFoundError:
        return
    names = imagenet_classes()
    for path in sorted(folder.glob("imagenet_*.jpg")):
        yield Photo(load_image(path), names[int(path.stem.split("_")[2])], "ImageNet photographs of foolbox")


def square(image, size):
    """The centered square of an image, scaled to ``size`` px: float32 (size, size, C)."""
    return fitted(image, size)


def load_image(path, size=None, grey=False):
    """One of the user's own pictures.

    Parameters
    ----------
    path : path
        PNG, JPEG, WebP or anything Pillow reads; with palette, transparency (laid on white), 16 bits, or EXIF rotation.
    size : int, optional
        Cut to the centered square and scaled to this many pixels.
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


def packaged(name):
    """A uint8 photograph that ships inside scikit-image or scikit-learn."""
    if name in ("china", "flower"):
        from sklearn.datasets import load_sample_image

        return load_sample_image(f"{name}.jpg")
    import skimage.data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(skimage.data, name)()
