"""A folder of pictures: its layouts, what cannot be read, what is drawn of a large one."""

import numpy as np
import pytest
from PIL import Image

from cnnlens import datasets
from cnnlens.errors import CnnlensError


def picture(path, value=100, size=(10, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 0, 0)).save(path)


def test_loose_pictures_have_no_labels_and_keep_their_sizes(tmp_path):
    picture(tmp_path / "b.PNG", size=(10, 8))
    picture(tmp_path / "a.jpg", size=(20, 30))
    (tmp_path / "notes.txt").write_text("no picture")
    picture(tmp_path / ".thumbs" / "c.png")
    found = datasets.folder(tmp_path, 6, progress=False)
    assert found.images.shape == (2, 6, 6, 3) and found.images.dtype == np.float32
    assert found.paths == ("a.jpg", "b.PNG") and found.sizes.tolist() == [[30, 20], [8, 10]]
    assert found.labels.tolist() == [-1, -1] and found.classes == () and found.groups.tolist() == ["", ""]


def test_folders_are_classes(tmp_path):
    for name, value in (("dog", 10), ("cat", 200), ("train", 90)):
        picture(tmp_path / name / "deeper" / "x.png", value)
    found = datasets.folder(tmp_path, 4, progress=False)
    assert found.classes == ("cat", "dog", "train") and found.labels.tolist() == [0, 1, 2], "a train is a vehicle here"
    assert np.allclose(found.images[:, 0, 0, 0] * 255, [200, 10, 90])


def test_train_and_test_hold_classes(tmp_path):
    for group in ("Train", "validation"):
        for name in ("cat", "dog"):
            picture(tmp_path / group / name / "x.png")
    found = datasets.folder(tmp_path, 4, channels=1, progress=False)
    assert found.groups.tolist() == ["train", "train", "test", "test"] and found.labels.tolist() == [0, 1, 0, 1]
    assert found.images.shape == (4, 4, 4, 1)


def test_what_cannot_be_read_is_named_and_skipped(tmp_path):
    picture(tmp_path / "cat" / "good.png")
    (tmp_path / "cat" / "bad.png").write_bytes(b"no picture")
    found = datasets.folder(tmp_path, 4, progress=False)
    assert found.paths == ("cat/good.png",) and "1 of 2 pictures" in found.source
    ((path, why),) = found.unreadable
    assert path == "cat/bad.png" and "no picture" in why


def test_one_clear_error_where_there_is_nothing_to_read(tmp_path):
    with pytest.raises(CnnlensError, match="holds no picture"):
        datasets.folder(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(CnnlensError, match="None of the 1 pictures .* bad.png"):
        datasets.folder(tmp_path)
    with pytest.raises(CnnlensError, match="no folder"):
        datasets.folder(tmp_path / "missing")
    with pytest.raises(CnnlensError, match="channels=5"):
        datasets.folder(tmp_path, channels=5)


def test_of_a_large_folder_classes_are_drawn_evenly(tmp_path):
    for name, count in (("many", 20), ("few", 3)):
        for i in range(count):
            picture(tmp_path / name / f"{i:02d}.png")
    found = datasets.folder(tmp_path, 4, most=6, seed=1, progress=False)
    assert np.bincount(found.labels).tolist() == [3, 3] and found.count == 23
    assert found.source.startswith("6 of 23 pictures") and "seed 1" in found.source
    again, other = (datasets.folder(tmp_path, 4, most=6, seed=seed, progress=False) for seed in (1, 2))
    assert found.paths == again.paths != other.paths


def test_without_a_size_pictures_keep_theirs_if_they_agree(tmp_path):
    picture(tmp_path / "a.png", size=(10, 8))
    assert datasets.folder(tmp_path, progress=False).images.shape == (1, 8, 10, 3)
    picture(tmp_path / "b.png", size=(12, 8))
    assert datasets.folder(tmp_path, progress=False).images.shape == (2, 224, 224, 3)
