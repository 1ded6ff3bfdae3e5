"""``cnnlens explain``: why a network says what it says of pictures; panels as PNG, weights as JSON; resumable."""

from pathlib import Path


def add(subparsers):
    """Add the command."""
    command = subparsers.add_parser("explain", help="LIME explanations of pictures, resumably")
    command.add_argument("network", metavar="NET", help="a name such as inception_v3, or a .keras file")
    command.add_argument("images", metavar="IMAGES", nargs="+", type=Path, help="pictures (PNG, JPEG, WebP)")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="where NAME.png and NAME.json go")
    command.add_argument("--label", help="class to explain, name or number (default: the most likely)")
    command.add_argument("--method", default="slic", help="slic, quickshift, felzenszwalb or grid (default: slic)")
    command.add_argument("--count", type=int, default=50, help="superpixels (default: 50)")
    command.add_argument("--samples", type=int, default=512, help="model calls at most (default: 512)")
    command.add_argument("--fill", default="mean", help="mean, grey, blur or noise (default: mean)")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--trust", action="store_true", help="measure how far to trust each (about six times the model calls)"
    )
    command.set_defaults(run=run)


def run(options):
    """Explain each picture; 1 if one of them could not be read, and the others are still done."""
    import sys

    from ...errors import CnnlensError

    outputs = [options.out / f"{path.stem}.json" for path in options.images]
    twice = {output.name for output in outputs if outputs.count(output) > 1}
    if twice:
        raise CnnlensError(
            f"Two pictures would both write {sorted(twice)[0]}. Rename one, or explain them into different folders."
        )
    wanted = settings(options)
    net, failed = None, 0
    for path, output in zip(options.images, outputs):
        try:
            if _done(output, path, wanted):
                print(f"{path.name}: done before")
                continue
            if net is None:
                from ... import zoo

                net = zoo.load(options.network)
            print(f"{path.name}: {_explain(net, path, output, wanted)}", flush=True)
        except CnnlensError as error:
            if net is None:
                raise
            failed += 1
            print(f"{path.name}: {error}", file=sys.stderr)
    return 1 if failed else 0


def settings(options):
    """What the explanations depend on besides the picture, as it is written into the JSON."""
    names = ("network", "label", "method", "count", "samples", "fill", "seed", "trust")
    return {name: getattr(options, name) for name in names}


def _done(output, path, wanted):
    """Whether this picture was explained with these very settings."""
    import json

    from ... import files

    try:
        found = json.loads(output.read_text(encoding="utf-8"))
        return (
            output.with_suffix(".png").is_file() and found["asked"] == wanted and found["sha256"] == files.sha256(path)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _explain(net, path, output, wanted):
    """Write the panels and the weights of one picture; what to print."""
    import json

    from ... import datasets, files
    from ...figures.base import png
    from ...figures.superpixels import panels, trusted
    from ...lenses import superpixels
    from ...scores.superpixels import trust

    image = superpixels.frame(net, datasets.load_image(path))
    parts = superpixels.segment(image, wanted["method"], wanted["count"])
    label = int(wanted["label"]) if str(wanted["label"]).isdigit() else wanted["label"]
    why = superpixels.explain(net, image, label, parts, wanted["samples"], wanted["seed"], fill=wanted["fill"])
    found = trust(net, why) if wanted["trust"] else None
    figures = {output.with_suffix(".png"): panels(why)[0]}
    if found:
        figures[output.with_name(f"{output.stem}-trust.png")] = trusted(found)[0]
    for target, figure in figures.items():
        with files.atomic(target) as partial:
            partial.write_bytes(png(figure))
    with files.atomic(output) as partial:  # last, so that it is there only if all the rest is
        partial.write_text(json.dumps(_summary(why, found, path, wanted), indent=1), encoding="utf-8")
    return f"{why.name} {why.prediction[why.label]:.1%}, {why.calls} model calls" + (
        f". {found.sentence}" if found else ""
    )


def _summary(why, found, path, wanted):
    from ... import files

    summary = {
        "image": path.name,
        "sha256": files.sha256(path),
        "asked": wanted,
        "source": why.source,
        "class": why.name,
        "label": why.label,
        "top": [{"class": name, "label": index, "score": score} for index, name, score in why.top()],
        "calls": why.calls,
        "reliability": None if why.reliability != why.reliability else why.reliability,
        "intercept": why.intercept,
        "weights": why.weights.tolist(),
        "segments": why.segments.tolist(),
    }
    if found:
        stable = found.stability
        summary["trust"] = {
            "sentence": found.sentence,
            "held_out_r2": None if found.r2 != found.r2 else found.r2,
            "top5_overlap": stable.overlap,
            "rank_correlation": stable.rank,
            "sign_flips": stable.flips,
            "areas": {
                kind: {name: curve.area for name, curve in named.items()} for kind, named in found.curves.items()
            },
        }
    return summary
