"""Scripts and their marks: ranges of characters for the classes of expressions."""

HAN_AND_KANA = r"\u2e80-\u9fff\uf900-\ufaff"
"""Chinese characters, their punctuation, hiragana and katakana."""
HANGUL = r"\uac00-\ud7af"
"""Korean syllables; particles follow a word without a space."""
EAST_ASIAN = HAN_AND_KANA + HANGUL
"""Both of these."""
SOUTH_EAST_ASIAN = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai, Lao, Burmese and Khmer, which have no spaces between words."""
SEMITIC = r"\u0590-\u06ff"
"""Hebrew and Arabic; short words such as "in" and "and" precede without a space."""
HAN_NUMERALS = "〇零一二三四五六七八九十百千万萬亿億兆点點两兩"
"""Characters that write numbers in Chinese and Japanese."""
GREEK = "\u0370-\u03ff\u1f00-\u1fff"
"""Greek, also with accents and breathings."""
SPACE_ENDS_CLAUSE = r"\u0e00-\u0e4e\u0e80-\u0eff"
"""Thai and Lao, which have a space only where a clause or a sentence ends."""
SENTENCE_MARKS = "。！？।॥۔؟။។៕።፧፨"  # noqa: RUF001
"""Marks that end a sentence without a space: full-width, Devanagari, Urdu, Arabic,
Burmese, Khmer, Ethiopic."""
QUESTION_MARKS = "?？؟፧\u037e"  # noqa: RUF001
"""Marks that end a question: ASCII, full-width, Arabic, Ethiopic, Greek."""
IS_END = rf"(?:(?<!;)|(?<=[{GREEK}];))"
"""An expression after a mark: a semicolon ends a question in Greek only."""
QUESTION_END = rf"[{QUESTION_MARKS};]{IS_END}"
"""An expression for the mark that ends a question."""
