# One server for a class: JupyterLab with every lesson, data set and weight in the image, and no root.
#
#   docker build --tag cnnlens .
#   docker run --rm --publish 8888:8888 cnnlens            prints the address to open, with its token
#
# What a learner writes is lost with the container unless a volume is mounted at /srv/lessons.
FROM python:3.11-slim

WORKDIR /srv/cnnlens
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --requirement requirements.lock
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY cnnlens ./cnnlens
COPY notebooks ./notebooks
COPY data ./data
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation .

RUN useradd --create-home --uid 1000 learner \
    && install --directory --owner 1000 /srv/keras /srv/lessons
USER 1000
ENV KERAS_HOME=/srv/keras
RUN cnnlens fetch
RUN cnnlens doctor

WORKDIR /srv/lessons
EXPOSE 8888
CMD ["cnnlens", "lab", "/srv/lessons", "--no-browser", "--port=8888", "--server=--ip=0.0.0.0"]
