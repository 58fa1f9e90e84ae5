"""Sphinx's settings. From the root of a checkout: sphinx-build -W docs docs/_build."""

import skhpo

project = "skhpo"
author = "The skhpo developers"
version = release = skhpo.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

# Links to headings, as README.md has them on the page of a repository.
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"
# Attributes and methods stand in the docstrings, and each class has one page.
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": ["../examples/displays"],
    "gallery_dirs": ["gallery"],
    "download_all_examples": False,
    # Networks are the same at every build; their seconds are not.
    "min_reported_time": 10**6,
}

# Docstrings that are inherited from scikit-learn refer to its own pages.
suppress_warnings = ["ref.term", "ref.ref"]

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["skhpo.css"]
html_title = f"skhpo {release}"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}


def setup(app):
    """Leave out what our oracle inherits from Keras Tuner."""

    def is_left_out(app, what, name, member, skip, options):  # noqa: ARG001
        module = getattr(member, "__module__", None) or ""
        return True if module.startswith("keras_tuner") else None

    app.connect("autodoc-skip-member", is_left_out)
