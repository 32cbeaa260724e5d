"""Tell how a font looks: bold, or with characters of one width."""

import ctypes
import re
from typing import Any

import pypdfium2.raw as pdfium_c

_FIXED_PITCH = 1
_BOLD_WEIGHT = 600
_BOLD = re.compile(r"bold|black|heavy|demi|CMBX|CMSSBX|-B$|\.B$", re.IGNORECASE)
_MONO = re.compile(
    r"courier|mono(?!type)|consol|typewriter|CMTT|menlo|inconsolata|source ?code|"
    r"lettergothic",
    re.IGNORECASE,
)


def of_font(font: Any) -> tuple[bool, bool]:
    """Return whether a font is bold, and whether it has one width."""
    name = _name(font)
    flags = ctypes.c_int()
    pdfium_c.FPDFFont_GetFlags(font, flags)
    bold = bool(_BOLD.search(name)) or (
        pdfium_c.FPDFFont_GetWeight(font) >= _BOLD_WEIGHT and "+" not in name
    )
    return bold, bool(_MONO.search(name)) or bool(flags.value & _FIXED_PITCH)


def _name(font: Any) -> str:
    n = pdfium_c.FPDFFont_GetBaseFontName(font, None, 0)
    buffer = ctypes.create_string_buffer(n + 1)
    pdfium_c.FPDFFont_GetBaseFontName(font, buffer, n)
    return buffer.value.decode("utf-8", "replace")
