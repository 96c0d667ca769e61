"""What an installed distribution needs, read from its metadata."""

from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def transitive_requirements(name, extras=()):
    """Names of everything that a distribution needs here, itself included."""
    found, waiting = set(), [(canonicalize_name(name), tuple(extras))]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in found:
            continue
        found.add((name, extras))
        for text in metadata.requires(name) or []:
            need = Requirement(text)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append((canonicalize_name(need.name), tuple(sorted(need.extras))))
    return {name for name, _ in found}
