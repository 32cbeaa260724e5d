"""Words that tell nothing by themselves, in the languages of the worked examples."""

from autolearn.text import languages

_ENGLISH = frozenset(
    (  # noqa: SIM905 (a list of words reads best as a sentence)
        "a an the is are was were be been being am do does did has have had of in on "
        "at by to for from with as and or that which who whom whose it its he she his "
        "her him they their them this these those there when where what how year name "
        "named called answer text"
    ).split()
)
_OTHERS = {
    "de": "der die das den dem des ein eine einen einem einer eines ist sind war waren "
    "wird werden wurde wurden worden sein gewesen hat haben hatte hatten von vom in im "
    "an am auf aus bei beim mit zu zum zur für durch als und oder dass er sie es ihm "
    "ihn ihr ihre ihrer ihren ihrem seine seiner seinen seinem dieser diese dieses "
    "diesem diesen wer wen wem wessen was wann wo wie welcher welche welches welchen "
    "welchem jahr jahre name namens heißt hieß genannt antwort text",
    "fr": "le la les l un une des du de d est sont était étaient été être a ont avait "
    "avaient fut furent en dans sur à au aux par pour avec comme et ou que qu qui dont "
    "quel quelle quels quelles il elle ils elles son sa ses leur leurs lui se s ce cet "
    "cette ces c y quand où comment année nom nommé nommée appelé appelée réponse "
    "texte",
    "es": "el la los las lo un una unos unas de del es son era eran fue fueron ser "
    "sido ha han había en a al por para con como y e o u que quien quién quiénes cual "
    "cuál cuáles cuándo cuando dónde donde qué cómo su sus él ella ellos ellas le les "
    "se este esta estos estas ese esa año nombre llamado llamada respuesta texto",
    # Each character counts as a word.
    "zh": "的 了 是 在 于 由 被 和 与 或 为 这 那 其 之 它 他 她 们 谁 哪 什 么 年",
}
_BY_LANGUAGE = {
    name: _ENGLISH | {word.replace("ß", "ss") for word in words.split()}
    for name, words in _OTHERS.items()
}


def of(text: str) -> frozenset[str]:
    """Return the stop words of the language of a text, in lower case.

    Those of English are always among them.
    """
    return _BY_LANGUAGE.get(languages.of(text) or "", _ENGLISH)
