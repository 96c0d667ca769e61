"""The site: every notebook as a page, beside the playground (`tools.site` calls Sphinx with this)."""

project = "How does a network translate, letter by letter?"
author = "The s2s-course authors"
copyright = author
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
nb_execution_mode = "off"  # the committed outputs are what CI compares
nb_merge_streams = True
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "myst.xref_missing", "mystnb.unknown_mime_type", "autodoc", "docutils"]
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_extra_path = ["extra"]
html_show_sourcelink = False
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "use_repository_button": False,
    "show_navbar_depth": 1,
    "extra_footer": "Apache-2.0. Real sentence pairs: Tatoeba, selected by ManyThings.org, CC BY 2.0 FR.",
}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
