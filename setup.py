"""The build: what lies beside the package in git (lessons and data) goes inside it in a wheel. See files.shipped."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("notebooks/[0-9][0-9]_*.ipynb", "data/*.json", "data/README.md", "data/weights/*.h5", "data/weights/*.md")


class BuildWhole(build_py):
    """Build the package with the lessons and the data inside, and with nothing that an earlier build left there."""

    def run(self):
        package = Path(self.build_lib) / "cnnlens"
        if not self.editable_mode:
            shutil.rmtree(package, ignore_errors=True)
        super().run()
        if not self.editable_mode:
            for source in sorted(path for pattern in SHIPPED for path in Path().glob(pattern)):
                target = package / "shipped" / source
                self.mkpath(str(target.parent))
                self.copy_file(str(source), str(target))


setup(cmdclass={"build_py": BuildWhole})
