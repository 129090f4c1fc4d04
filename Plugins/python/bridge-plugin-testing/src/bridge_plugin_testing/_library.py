"""libbridge_plugin_testing.so, by ctypes."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import os
import pathlib
import shutil


class _Library:
    """The functions of bridge_plugin_testing.h that this package calls. They may be called from any thread."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        self.new = library.bridge_test_host_new
        self.new.argtypes, self.new.restype = [ctypes.c_char_p], ctypes.c_void_p
        self.delete = library.bridge_test_host_delete
        self.delete.argtypes, self.delete.restype = [ctypes.c_void_p], ctypes.c_int
        self.request = library.bridge_test_request
        # Not c_char_p: the text has to be freed.
        self.request.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self.request.restype = ctypes.c_void_p
        self.free = library.bridge_test_free
        self.free.argtypes, self.free.restype = [ctypes.c_void_p], None


def _places() -> list[str]:
    """Where the library may be, best first."""
    name = "libbridge_plugin_testing.so"
    places = []
    if given := os.environ.get("BRIDGE_PLUGIN_TESTING_LIBRARY"):
        return [given]
    if program := shutil.which("bridge-host"):
        beside = pathlib.Path(program).resolve().parent
        places += [str(beside.parent / "lib" / name), str(beside / name)]
    if found := ctypes.util.find_library("bridge_plugin_testing"):
        places.append(found)
    return places + [name]


@functools.cache
def library() -> _Library:
    """The library, loaded once.

    Raises:
        OSError: It is not there, or is no such library.
    """
    reasons = []
    for place in _places():
        try:
            return _Library(place)
        except (OSError, AttributeError) as error:
            reasons.append(str(error))
    raise OSError(
        "libbridge_plugin_testing.so is not found; install it with Scripts/install, or set "
        "BRIDGE_PLUGIN_TESTING_LIBRARY to its path: " + "; ".join(reasons))
