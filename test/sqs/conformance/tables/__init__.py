"""The tables of rows, one file per subject; each has ROWS."""
import importlib
import pkgutil


def all_rows():
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        yield module.name, importlib.import_module(f"{__name__}.{module.name}").ROWS
