"""Which of a network's classes the classes of a data set are."""

import re

import numpy as np

WNID = re.compile(r"^n\d{8}[_\- ]+")  # ImageNet's number of a class, which stands before its name in many folders


def named(net, folder):
    """The network with the folders' names as its classes, where it has as many and no names of its own."""
    if net is None or net.classes is not None or net.class_count != len(folder.classes):
        return net
    return net.like(net.model, classes=folder.classes)


def matched(net, folder):
    """The network's class of each image, (N,) int with -1 for unknown, and notes on how they were matched."""
    nothing = np.full(len(folder), -1)
    if net is None or not folder.classes or (folder.labels < 0).all():
        return nothing, ("The images have no labels: their folder holds no folders of classes.",) if net else ()
    if net.class_count is None:
        return nothing, ()
    if net.classes is None:
        return nothing, (
            f"The network has {net.class_count} classes without names and the folder {len(folder.classes)}, so which "
            "is which cannot be known: give the names as classes=[…].",
        )
    if tuple(net.classes) == tuple(folder.classes):
        return folder.labels, ("The classes are the folders' names in alphabetical order.",)
    numbers = np.array([_number(name, net.classes) for name in folder.classes])
    labels = np.where(folder.labels >= 0, numbers[folder.labels], -1)
    unknown = [name for name, number in zip(folder.classes, numbers) if number < 0]
    if not unknown:
        return labels, ("The folders' names are names of the network's classes.",)
    some = ", ".join(unknown[:5]) + (", …" if len(unknown) > 5 else "")
    return labels, (f"{len(unknown)} of {len(numbers)} folders are named like no class of the network: {some}.",)


def _number(name, classes):
    """The class that a folder is named after; -1 if none, or several, are called so."""
    found = [number for number, known in enumerate(classes) if _plain(known) == _plain(name)]
    return found[0] if len(found) == 1 else -1


def _plain(name):
    return re.sub(r"[\s_\-]+", " ", WNID.sub("", str(name))).strip().lower()
