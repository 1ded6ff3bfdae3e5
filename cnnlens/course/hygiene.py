"""Lessons as they are committed: no outputs, but the small text ones that nbval compares.

python -m cnnlens.course.hygiene notebooks/*.ipynb            strip
python -m cnnlens.course.hygiene notebooks/*.ipynb --record   run offline at the quick profile, keep what is compared
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import nbformat

from .. import files

COMPARED = "nbval-check-output"
KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def clean(notebook):
    """A copy as it should be committed: outputs only of compared cells, and of those only the text.

    Compared cells keep their execution count too: without one nbval takes the notebook for a stripped one and compares
    nothing.
    """
    cleaned = nbformat.from_dict(notebook)
    cleaned.metadata = nbformat.from_dict(KERNEL)
    count = 0
    for number, cell in enumerate(cleaned.cells):
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": list(tags)} if tags else {})
        cell.id = f"cell-{number:02d}"
        if cell.cell_type != "code":
            continue
        kept = [_text(output) for output in cell.outputs if COMPARED in tags and _is_text(output)]
        count += bool(kept)
        cell.outputs, cell.execution_count = kept, count if kept else None
    return cleaned


def _is_text(output):
    return (output.output_type == "stream" and output.name == "stdout") or set(output.get("data", ())) == {"text/plain"}


def _text(output):
    if output.output_type == "stream":
        return nbformat.v4.new_output("stream", name="stdout", text=output.text)
    return nbformat.v4.new_output("display_data", data={"text/plain": output.data["text/plain"]})


def is_clean(path):
    """Whether the file is byte for byte what :func:`clean` would write."""
    return Path(path).read_text(encoding="utf-8") == _written(clean(nbformat.read(path, as_version=4)))


def _written(notebook):
    return nbformat.writes(notebook, version=4) + "\n"


def recorded(path):
    """The lesson with the outputs of its compared cells, run offline on the stand-ins at the quick profile."""
    from .runner import run

    os.environ["CNNLENS_OFFLINE"] = "1"
    os.environ.pop("CNNLENS_DATA", None)
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(path, folder)
        if not outcome.passed:
            sys.exit(f"{path}: {'; '.join(outcome.problems)}")
        notebook = nbformat.read(outcome.notebook, as_version=4)
    # papermill adds a cell with the values it injected; it is no part of the lesson
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    return notebook


def main():
    """Clean the notebooks named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument(
        "--record", action="store_true", help="execute first, so that compared cells have fresh outputs"
    )
    options = parser.parse_args()
    for path in options.notebooks:
        write(path, nbformat.read(path, as_version=4))
        if options.record:
            write(path, recorded(path))
        print(path)


def write(path, notebook):
    """Write a notebook as it should be committed."""
    with files.atomic(path) as partial:
        partial.write_text(_written(clean(notebook)), encoding="utf-8")


if __name__ == "__main__":
    main()
