"""How good a translation is, and where it fails."""
