"""Sphinx's settings. From the root of a checkout: sphinx-build -W docs docs/_build."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import house_drawing
import sklearn

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


def quick_studies(gallery_conf, script):  # noqa: ARG001
    """Return the arguments of a script of the gallery."""
    return [] if "displays" in script["src_file"] else ["--quick"]


def reset_scikit_learn(gallery_conf, script):  # noqa: ARG001
    """Let each script of the gallery begin with scikit-learn as it is."""
    sklearn.set_config(enable_metadata_routing=False)


sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    # What is neither a study nor a picture.
    "ignore_pattern": r"\b(study|quickstart|keras_tuner_alone|dask_search)\.py",
    "filename_pattern": r"\.py$",
    "reset_argv": quick_studies,
    "reset_modules": ("matplotlib", reset_scikit_learn),
    "download_all_examples": False,
    # Networks are the same at every build; their seconds are not.
    "min_reported_time": 10**6,
}

# Docstrings that are inherited from scikit-learn refer to its own pages, and the
# gallery's settings hold functions.
suppress_warnings = ["ref.term", "ref.ref", "config.cache"]

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
    drawing = Path(app.confdir) / "contributing" / "house.svg"
    app.connect("builder-inited", lambda app: house_drawing.draw(drawing))  # noqa: ARG005
