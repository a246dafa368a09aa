"""Export what a business knows of its customers out of CoMagic / UIS."""

__version__ = "0.1.0"
