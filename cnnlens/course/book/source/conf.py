"""Sphinx's settings for the book. Nothing here, and no page that is built, asks the network for anything."""

import cnnlens

project = "cnnlens"
author = "the cnnlens project"
version = release = cnnlens.__version__
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "cnnlens.course.book.extension",
]
exclude_patterns = ["extra"]
html_extra_path = ["extra"]

# chapters: executed before, by the course's runner
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # the scripts of widgets would come from a server
nb_mime_priority_overrides = [("html", "text/markdown", 0)]
nb_render_markdown_format = "commonmark"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"  # no script on the page
suppress_warnings = ["myst.header", "ref.python"]  # words of a type that are also names

# the library
autodoc_default_options = {"members": True, "member-order": "bysource", "ignore-module-all": True}
autodoc_typehints = "none"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
add_module_names = False
python_use_unqualified_type_names = True

# how it looks
html_theme = "furo"
html_title = "cnnlens"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # they are fetched, which a page on the disk may not
html_show_copyright = False
html_use_index = True
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
