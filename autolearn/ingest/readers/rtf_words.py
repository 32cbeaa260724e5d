"""The control words of Rich Text Format, by what they mean to a reader."""

from autolearn.ingest.readers import formulas

SIGNS = {
    "tab": "\t",
    "line": "\n",
    "emdash": "—",
    "endash": "–",  # noqa: RUF001
    "lquote": "‘",  # noqa: RUF001
    "rquote": "’",  # noqa: RUF001
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "~": "\u00a0",
    "_": "-",
    "emspace": " ",
    "enspace": " ",
    "nestcell": ", ",
    "nestrow": "; ",
    **{sign: sign for sign in "\\{}"},
}
INVISIBLE_GROUPS = frozenset((
    "colortbl", "info", "pict", "generator",
    "listtable", "listoverridetable", "rsidtbl", "themedata",
    "colorschememapping", "datastore", "xmlnstbl", "latentstyles", "mmathPr",
    "fldinst", "bkmkstart", "bkmkend", "objdata", "objclass", "nonshppict", "shprslt",
    "revtbl", "filetbl", "shpinst_sp", "sp", "pgdsctbl", "template", "operator",
    "userprops", "docvar", "wgrffmtfilter", "passwordhash",
))  # fmt: skip
"""Groups that have no text, or only a copy of that of another group."""
LISTS = {"fonttbl": "fonts", "stylesheet": "styles", "ffl": "entry"}
"""The kinds of groups that list what the text refers to."""
LEFT_OUT = {
    **{f"header{kind}": "head of the page" for kind in ("", "l", "r", "f")},
    **{f"footer{kind}": "foot of the page" for kind in ("", "l", "r", "f")},
    "annotation": "comment",
    "moMath": formulas.REASON,
}
VISIBLE_GROUPS = frozenset(("shpinst", "shptxt", "shppict", "do"))
"""Groups that are read although a reader may ignore them."""
WITHOUT_TEXT = ("unseen", "fonts", "styles", "entry")
"""Kinds of groups whose characters are not kept."""
SCRIPTS = {"super": "sup", "up": "sup", "sub": "sub", "dn": "sub", "nosupersub": ""}
REASONS = {"v": "hidden", "deleted": "deleted in a tracked change"}
CODE_PAGES = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257",
    204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
"""The encodings of the character sets of fonts."""
CHARACTER_SETS = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
"""The encodings of documents other than those of Windows."""
MAC_CODE_PAGES = {
    10000: "mac_roman", 10006: "mac_greek", 10007: "mac_cyrillic", 10029: "mac_latin2",
    10081: "mac_turkish",
}  # fmt: skip
"""The encodings of code pages that Python knows by another name."""
SIGN_SET = 2
"""The character set of fonts that have signs instead of letters."""
SYMBOL, PICTURES = "font Symbol", "font of pictures"
"""What stands for an encoding in fonts that have signs instead of letters."""
