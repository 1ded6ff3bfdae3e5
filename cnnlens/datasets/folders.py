"""A folder of pictures: loose, in folders of classes, or in a training and a test folder of these."""

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from ..errors import CnnlensError, first_line
from ..pixels import fitted
from .photographs import load_image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm")
GROUPS = {"train": "train", "training": "train"} | dict.fromkeys(
    ("test", "testing", "val", "valid", "validation"), "test"
)
USUAL = 224  # px a side, where neither the network nor the files agree on a size


@dataclass(frozen=True, eq=False)
class Folder:
    """The pictures of a folder.

    Attributes
    ----------
    images : ndarray (N, H, W, C) float32 in [0, 1]
        Cropped to the middle and resized.
    labels : ndarray (N,) int
        Which of ``classes``, -1 for a picture that lies in no folder of a class.
    classes : tuple of str
        Names of the folders, sorted, as Keras's ``image_dataset_from_directory`` numbers them.
    groups : ndarray (N,) str
        ``train``, ``test``, or nothing.
    sizes : ndarray (N, 2) int
        Height and width of each file.
    paths : tuple of str
        Inside the folder.
    unreadable : tuple of (str, str)
        Path and reason of each file that was skipped.
    count : int
        Pictures that lie there, of which ``images`` may be a sample.
    source : str
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple
    groups: np.ndarray
    sizes: np.ndarray
    paths: tuple
    unreadable: tuple
    count: int
    source: str

    @classmethod
    def of_arrays(cls, images, labels, classes, group, source, net=None):
        """Images that lie in memory, as if they had been read from a folder; fitted to a network, if one is given."""
        images = net.prepare(images) if net else np.asarray(images, np.float32)
        count = len(images)
        return cls(
            images=images,
            labels=np.asarray(labels),
            classes=tuple(map(str, classes)),
            groups=np.full(count, group),
            sizes=np.tile(images.shape[1:3], (count, 1)),
            paths=tuple(f"image {number}" for number in range(count)),
            unreadable=(),
            count=count,
            source=source,
        )

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        return f"<Folder: {len(self)} pictures of {len(self.classes)} classes; {self.source}>"


def folder(path, size=None, channels=3, *, fit="crop", most=None, seed=0, progress=True):
    """Read a folder of pictures.

    Three layouts: pictures that lie loose in the folder; a folder for each class; or ``train`` and ``test`` (also
    ``val``, ``valid``, ``validation``) with a folder for each class inside. A damaged file is named and skipped.

    Parameters
    ----------
    path : path
    size : int or (int, int), optional
        Pixels to fit all pictures to; by default their own size if all have the same and it is at most 224, else 224.
    channels : {3, 1}
        Colors or grey.
    fit : {"crop", "stretch", "pad"}
        As :func:`cnnlens.pixels.fitted`.
    most : int, optional
        Of a larger folder so many are drawn at random, as evenly from its groups and classes as they allow.
    seed : int
        For this draw.
    progress : bool

    Returns
    -------
    Folder

    Raises
    ------
    CnnlensError
        If there is no such folder, it holds no picture, none of them can be read, or the channels are others.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as place:
    ...     Path(place, "cats").mkdir()
    ...     Image.new("RGB", (40, 30), "red").save(Path(place, "cats", "tom.png"))
    ...     found = folder(place, size=8)
    >>> found.images.shape, found.classes, found.labels.tolist(), found.sizes.tolist()
    ((1, 8, 8, 3), ('cats',), [0], [[30, 40]])
    """
    path = Path(path)
    if channels not in (1, 3):
        raise CnnlensError(f"channels={channels}: files of pictures have 1 (grey) or 3 (RGB). Give arrays instead.")
    files = _pictures(path)
    names = [_place(file, _grouped(path, files)) for file in files]
    chosen = _drawn(names, most, seed)
    read = functools.partial(_read, path, size=size, channels=channels, fit=fit)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes outside Python's lock
        coming = pool.map(read, [files[i] for i in chosen])
        bar = {"desc": f"reading {path.name}", "unit": "picture", "delay": 2, "leave": False, "disable": not progress}
        found = list(tqdm(coming, total=len(chosen), **bar))
    good = [i for i, each in enumerate(found) if not isinstance(each, str)]
    unreadable = tuple((files[i].as_posix(), each) for i, each in zip(chosen, found) if isinstance(each, str))
    if not good:
        which, why = unreadable[0]
        raise CnnlensError(f"None of the {len(found)} pictures in {str(path)!r} can be read. The first, {which}: {why}")
    images = [found[i][0] for i in good]
    if size is None:
        own = {image.shape for image in images}
        side = images[0].shape[:2] if len(own) == 1 and max(images[0].shape[:2]) <= USUAL else USUAL
        images = [fitted(image, side, fit) for image in images]
    places = [names[chosen[i]] for i in good]
    classes = tuple(sorted({kind for _, kind in names if kind is not None}))
    return Folder(
        images=np.stack(images),
        labels=np.array([-1 if kind is None else classes.index(kind) for _, kind in places]),
        classes=classes,
        groups=np.array([group for group, _ in places]),
        sizes=np.array([found[i][1] for i in good]),
        paths=tuple(files[chosen[i]].as_posix() for i in good),
        unreadable=unreadable,
        count=len(files),
        source=_source(path, len(good), len(files), len(chosen) < len(files) and seed),
    )


def _pictures(path):
    """The pictures in a folder and those below it, as paths inside it, sorted; hidden ones do not count."""
    if not path.is_dir():
        raise CnnlensError(
            f"There is no folder {str(path)!r}. Expected a folder of pictures, loose or in class folders."
        )
    files = [file.relative_to(path) for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()]
    files = sorted(file for file in files if not any(part.startswith(".") for part in file.parts))
    if not files:
        raise CnnlensError(
            f"The folder {str(path)!r} holds no picture ({', '.join(SUFFIXES)}). Expected pictures that lie loose, in "
            "a folder for each class, or in train and test with a folder for each class inside."
        )
    return files


def _grouped(path, files):
    """Whether the outermost folders are groups: only if all of them are, as ``train`` may be a class among vehicles."""
    outermost = {file.parts[0].lower() for file in files if len(file.parts) > 1}
    return bool(outermost) and outermost <= set(GROUPS)


def _place(file, grouped):
    """The group and the class of a picture, by the folders that it lies in."""
    folders = file.parts[:-1]
    group = GROUPS[folders[0].lower()] if grouped and folders else ""
    inside = folders[1:] if grouped else folders
    return group, inside[0] if inside else None


def _drawn(names, most, seed):
    """Numbers of the pictures to read, sorted: all, or ``most`` of them, in turn from each group and class."""
    if most is None or len(names) <= most:
        return list(range(len(names)))
    order = np.random.default_rng(seed).permutation(len(names))
    turns, seen = {}, {}
    for number in order:
        seen[names[number]] = turns[number] = seen.get(names[number], -1) + 1
    return sorted(sorted(order, key=turns.get)[:most])


def _read(root, file, *, size, channels, fit):
    """A picture fitted to the size, and its own height and width; or why it cannot be read."""
    try:
        image = load_image(root / file, grey=channels == 1)
    except CnnlensError as error:
        return first_line(error)
    return image if size is None else fitted(image, size, fit), image.shape[:2]


def _source(path, read, count, seed):
    """How many pictures of which folder, and how they were drawn; seed is False where none had to be drawn."""
    of = f" of {count:,}" if read < count else ""
    drawn = f", drawn with seed {seed}" if seed is not False else ""
    return f"{read:,}{of} pictures in {path.resolve().name}{drawn}"
