"""ImageNet's classes, and the files with weights trained on it that the lessons use."""

import functools
import json

from .. import files

# With the hashes that Keras itself publishes.
KERAS_WEIGHTS = {
    "vgg16": ("vgg16_weights_tf_dim_ordering_tf_kernels.h5", "md5:64373286793e3c8b2b4e3219cbf3544b"),
    "inception_v3": ("inception_v3_weights_tf_dim_ordering_tf_kernels.h5", "md5:9a0d58056eeedaa3f26cb7ebd46da564"),
}
KERAS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/{name}/{file}"


@functools.cache
def imagenet_classes():
    """The 1,000 class names of ImageNet, in the order of the outputs."""
    text = files.shipped("data", "imagenet_classes.json").read_text(encoding="utf-8")
    return tuple(label for _, label in json.loads(text))
