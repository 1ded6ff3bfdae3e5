"""Writing a data set as a folder of pictures, which any program can read and :func:`.folders.folder` reads back."""

from pathlib import Path

import PIL.Image

from .. import files


def save(data, path, *, train=None, test=None):
    """Write a data set as ``train/CLASS/*.png`` and ``test/CLASS/*.png``.

    Parameters
    ----------
    data : Dataset
    path : path
        Of the folder. Pictures of the same names that are there already are replaced, and nothing else is touched.
    train, test : int, optional
        So many of the first images; all by default.

    Returns
    -------
    Path
        Of the folder.

    Examples
    --------
    >>> import tempfile
    >>> from cnnlens import datasets
    >>> with tempfile.TemporaryDirectory() as place:
    ...     found = datasets.folder(save(datasets.load("digits"), place, train=20, test=10), channels=1)
    >>> found.images.shape, sorted(set(found.groups.tolist()))
    ((30, 28, 28, 1), ['test', 'train'])
    """
    path = Path(path)
    parts = {"train": (data.x_train, data.y_train, train), "test": (data.x_test, data.y_test, test)}
    for group, (images, labels, count) in parts.items():
        for number, (pixels, label) in enumerate(zip(images.pixels[:count], labels[:count])):
            grey = pixels.shape[-1] == 1
            with files.atomic(path / group / data.classes[label] / f"{number:05}.png") as place:
                PIL.Image.fromarray(pixels[..., 0] if grey else pixels).save(place, format="png")
    return path
