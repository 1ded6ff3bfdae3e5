# make course   run every lesson headlessly, and make a book of them: open build/book/index.html
# make book     make the book again of lessons that were run; both with MICROSCOPE=DIR: and what cnnlens microscope wrote there
# make test     all tests: units, docstring examples, every lesson, planted faults, the browser
# make check    before a commit, under a minute: ruff, docstring examples, the fast tests
# make lab      open the lessons in JupyterLab
# make ledger   measure every claim at the full sizes, under an hour; resumes when it was stopped
# make student  write the lessons without solutions, to hand out: build/student; and the teacher's edition: build/teacher
# make setup    install only
# make real     download everything, then every lesson at the full sizes with no stand-in (hours)
# make oldest   the fast tests with the oldest versions that pyproject.toml allows; make newest: with the newest

PYTHON ?= python3
SCRIPTS := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN := .venv/$(SCRIPTS)
STAMP := .venv/.installed
PROFILE ?= quick
SITES = $(if $(MICROSCOPE),--microscope $(MICROSCOPE))

.PHONY: setup course book test check lab weights ledger bench lock notebooks student real oldest newest

setup: $(STAMP)

# uv installs in less than half of pip's time; pip steps in where uv cannot, as it heeds settings that uv does not: a mirror, say.
$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'cnnlens needs Python 3.11 or newer, this is ' + sys.version.split()[0] + '. Try: make PYTHON=python3.12')"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv && \
		$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

course: setup
	$(BIN)/cnnlens run --profile $(PROFILE) --out build/course --book build/book $(SITES)

book: setup
	$(BIN)/cnnlens book --course build/course --out build/book $(SITES)

# As many workers as tests/conftest.py says; a file, or a lesson, is a unit of work (tests/conftest.py).
SIDE_BY_SIDE := --numprocesses logical --maxprocesses 4 --dist loadscope --no-loadscope-reorder

test: setup
	CNNLENS_OFFLINE=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) --doctest-modules tests cnnlens

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	CNNLENS_OFFLINE=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) --doctest-modules -m "not slow" tests cnnlens

lab: setup
	$(BIN)/jupyter lab notebooks

student: setup
	$(BIN)/cnnlens student --out build/student
	$(BIN)/cnnlens teacher --out build/teacher

# Trains both networks on the real data (a few minutes and about an hour on two cores); resumes when it was stopped.
weights: setup
	$(BIN)/cnnlens train lenet --save data/weights/lenet.weights.h5
	$(BIN)/cnnlens train vgg4 --save data/weights/vgg4.weights.h5

# Real data if CNNLENS_DATA or the network has them; each entry says what it was measured on.
ledger: setup
	$(BIN)/cnnlens scorecard --profile full --commit

bench: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .[bench]
	$(BIN)/python -m benchmarks

real: setup
	$(BIN)/cnnlens fetch
	$(BIN)/cnnlens run --profile full --require-real --jobs 1 --out build/real

# In an environment of its own each; build/oldest/requirements.txt says which versions were tested.
oldest: RESOLUTION := lowest-direct
newest: RESOLUTION := highest
oldest newest:
	$(PYTHON) -m venv build/$@
	build/$@/$(SCRIPTS)/python -m pip install --quiet --disable-pip-version-check uv
	build/$@/$(SCRIPTS)/uv pip compile --quiet --no-header --python build/$@/$(SCRIPTS)/python --resolution $(RESOLUTION) \
		--extra offline --extra test --extra book --extra microscope --output-file build/$@/requirements.txt pyproject.toml
	build/$@/$(SCRIPTS)/uv pip install --quiet --python build/$@/$(SCRIPTS)/python -r build/$@/requirements.txt
	build/$@/$(SCRIPTS)/uv pip install --quiet --python build/$@/$(SCRIPTS)/python --no-deps --no-build-isolation -e .
	CNNLENS_OFFLINE=1 build/$@/$(SCRIPTS)/python -m pytest $(SIDE_BY_SIDE) -m "not slow" tests

# Pins what a fresh install of the project gives today. With the oldest Python that it is for (make lock
# PYTHON=/usr/bin/python3.11): some packages drop an early 3.11.x, and a lock made with a later one would not install there.
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade pip
	build/lock/bin/python -m pip install --quiet "setuptools>=77.0.3" .[offline,test,book,microscope]
	build/lock/bin/python -m pip freeze --all --exclude pip --exclude cnnlens > requirements.lock

# Runs the lessons offline and keeps only the outputs that nbval compares.
notebooks: setup
	$(BIN)/python -m cnnlens.course.hygiene --record notebooks/*.ipynb
