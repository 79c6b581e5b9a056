"""On which kernel, Kconfig, CPU and command line does a kernel capability really work?"""

__version__ = "0.1.0"
