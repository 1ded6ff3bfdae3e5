"""What this machine computes on, and in which precision. Imported before TensorFlow, which it starts quietly."""

import contextlib
import functools
import os
import platform
import sys
from pathlib import Path

from .errors import unknown

PRECISIONS = ("auto", "float32", "mixed_bfloat16")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


@contextlib.contextmanager
def _silence():
    """Close the process's own error stream for a moment: TensorFlow's C++ start-up log heeds no setting of Python.

    Python's exceptions are not affected.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _silence():
    import tensorflow as tf

    tf.config.list_physical_devices()  # looks for GPUs, and complains once where there is none

# TensorFlow warns of a function traced often, and counts by line of code: five networks, or images of five sizes,
# set it off, and neither is a mistake.
tf.get_logger().addFilter(lambda record: "triggered tf.function retracing" not in record.getMessage())


@functools.cache
def gpus():
    """Names of the GPUs that TensorFlow sees; their memory is set to grow instead of being taken whole."""
    found = tf.config.list_physical_devices("GPU")
    for gpu in found:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # TensorFlow was already using it, so its memory policy stands
            pass
    return tuple(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in found)


@functools.cache
def cpu_flags():
    """Instruction sets that the processor reports (Linux only; empty elsewhere)."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    line = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), ":")
    return frozenset(line.split(":", 1)[1].split())


def training_policy():
    """The Keras dtype policy to train in: chosen from what the device reports, never by timing it.

    Returns
    -------
    str
        ``mixed_float16`` on a GPU, ``mixed_bfloat16`` on a CPU with AVX-512 BF16 or AMX (elsewhere bfloat16 is
        emulated, and slower), else ``float32``.
    """
    if gpus():
        return "mixed_float16"
    if cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"}:
        return "mixed_bfloat16"
    return "float32"


def lowered(precision="auto"):
    """The Keras dtype policy for what need not be exact, such as an ascent or copies of an image with parts hidden.

    Parameters
    ----------
    precision : {"auto", "float32", "mixed_bfloat16"}
        ``auto`` takes bfloat16 where the processor computes in it. Never float16: its gradients underflow, and its
        largest number is 65,504.

    Returns
    -------
    str
        ``mixed_bfloat16`` or ``float32``.

    Raises
    ------
    CnnlensError
        If there is no such precision.

    Examples
    --------
    >>> lowered("float32"), lowered() in ("float32", "mixed_bfloat16")
    ('float32', True)
    """
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    chosen = training_policy() if precision == "auto" else precision
    return "mixed_bfloat16" if chosen == "mixed_bfloat16" else "float32"


def describe():
    """One line about the device: what computes, on how many cores, in which precision it would train."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    where = f"GPU {', '.join(gpus())}" if gpus() else f"CPU, {cores} cores, {platform.machine()}"
    return f"{where}; training in {training_policy()}"
