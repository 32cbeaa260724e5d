"""Scripts that write words without spaces, as ranges for character classes."""

HAN_AND_KANA = r"\u2e80-\u9fff\uf900-\ufaff"
"""Chinese characters, their punctuation, hiragana and katakana."""
EAST_ASIAN = HAN_AND_KANA + r"\uac00-\ud7af"
"""These and Korean syllables."""
