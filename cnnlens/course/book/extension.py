"""What Sphinx is taught beyond its own: links to the glossary, formulas without a script, pages that all can use."""

import re
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes
from sphinx.domains.python import ObjectEntry

import cnnlens

CLOSED = (
    nodes.literal,
    nodes.reference,
    nodes.title,
    nodes.raw,
    nodes.FixedTextElement,
    addnodes.pending_xref,
    nodes.term,
)
LESSONS = "lessons/"
SOURCES = "_modules/"


def setup(app):
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: setattr(app, "cnnlens_terms", terms(Path(app.srcdir, "glossary.md"))))
    app.connect("doctree-read", link_terms)
    app.connect("autodoc-process-docstring", plain_words, priority=600)  # when napoleon has read it
    app.add_html_math_renderer("mathml", (_formula("inline"), None), (_formula("block"), None))
    app.cnnlens_navigation = {}
    app.connect("html-page-context", navigation_once, priority=100)  # before the theme asks for it
    app.connect("html-page-context", readable_by_machine, priority=900)  # when the theme has made its parts
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def terms(glossary):
    """The terms of a glossary: {a term in small letters, also in the plural: the term}."""
    block = glossary.read_text(encoding="utf-8").partition("```{glossary}")[2].partition("```")[0]
    found = [line for line in block.splitlines() if line and not line.startswith((" ", ":"))]
    return {form: term for term in found for form in (term.lower(), f"{term.lower()}s")}


def link_terms(app, doctree):
    """In each lesson, link a term of the glossary where it is met first, in running text."""
    name = app.env.current_document.docname if hasattr(app.env, "current_document") else app.env.docname
    if not name.startswith(LESSONS) or not app.cnnlens_terms:
        return
    longest_first = sorted(app.cnnlens_terms, key=len, reverse=True)
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b", re.I)
    seen = set()
    for text in list(doctree.findall(nodes.Text)):
        if _in_running_text(text):
            _link(text, pattern, app.cnnlens_terms, seen, name)


def _in_running_text(text):
    parent, paragraph = text.parent, False
    while parent is not None:
        if isinstance(parent, CLOSED) or "output" in " ".join(parent.get("classes", ())):
            return False
        paragraph = paragraph or isinstance(parent, nodes.paragraph)
        parent = parent.parent
    return paragraph


def _link(text, pattern, known, seen, docname):
    words, parts, end = text.astext(), [], 0
    for match in pattern.finditer(words):
        term = known[match[0].lower()]
        if term in seen:
            continue
        seen.add(term)
        told = dict(refdomain="std", reftype="term", reftarget=term, refexplicit=True, refwarn=True, refdoc=docname)
        link = addnodes.pending_xref("", nodes.inline(match[0], match[0], classes=["term"]), **told)
        parts += [nodes.Text(words[end : match.start()]), link]
        end = match.end()
    if parts:
        text.parent.replace(text, [*parts, nodes.Text(words[end:])])


def navigation_once(app, pagename, templatename, context, doctree):
    """Pages of source code stand nowhere in the navigation, so those in equally deep folders share one."""
    if not pagename.startswith(SOURCES):
        return
    resolve, known, depth = context["toctree"], app.cnnlens_navigation, pagename.count("/")

    def toctree(**how):
        key = depth, *sorted(how.items())
        if key not in known:
            known[key] = resolve(**how)
        return known[key]

    context["toctree"] = toctree


def readable_by_machine(app, pagename, templatename, context, doctree):
    """What a screen reader needs and Sphinx does not write: levels of headings, sound lists."""
    navigation = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = navigation.replace('role="heading"', 'role="heading" aria-level="2"')
    if pagename == "_modules/index":  # a list within a list is one of its entries
        before, opening, inner = context["body"].partition("<ul>")
        inner, closing, after = inner.rpartition("</ul>")
        inner = inner.replace("<ul>", "<li><ul>").replace("</ul>", "</ul></li>")
        context["body"] = "".join((before, opening, inner, closing, after))


def plain_words(app, what, name, obj, options, lines):
    """Docstrings are plain text: what reStructuredText would take for a substitution or for bold is escaped."""
    example = False
    for number, line in enumerate(lines):
        example = line.strip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            parts = re.split(r"(`[^`]*`)", line)
            parts[::2] = [re.sub(r"(?<!\\)(\||\*\*(?=\w))", r"\\\1", part) for part in parts[::2]]
            lines[number] = "".join(parts)


def names_as_users_write_them(app, env):
    """The search finds ``neurons.maximize`` too, not only the file that holds it, ``neurons.maximization.maximize``."""
    known = env.get_domain("py").objects
    for package in cnnlens.__all__:
        module = getattr(cnnlens, package)
        for name in (each for each in dir(module) if not each.startswith("_")):
            found = getattr(module, name)
            entry = known.get(f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}")
            if entry:
                known.setdefault(f"cnnlens.{package}.{name}", ObjectEntry(*entry[:3], False))


def _formula(display):
    """A visitor that writes a formula as MathML, which browsers draw themselves."""

    def visit(writer, node):
        writer.body.append(convert(node.astext(), display=display))
        raise nodes.SkipNode

    return visit
