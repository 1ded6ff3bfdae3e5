"""The lenses: short pure functions, arrays in, a small frozen result out."""

from .. import device as device  # before any lens imports Keras, so that TensorFlow starts quietly
