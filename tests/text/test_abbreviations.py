# ruff: noqa: RUF001
"""A dot of an abbreviation or an ordinal number ends no sentence, in any language."""

import pytest

from autolearn.text import chunking


@pytest.mark.parametrize(
    "parts",
    [
        # Once, each German date was cut, and questions were asked about "März 1931".
        ["Die Mühle wurde am 3. März 1931 gebaut. ", "Sie steht in Tarn."],
        ["Im 19. Jahrhundert kam Ludwig XIV. nach Tarn. ", "Er blieb."],
        ["Nach dem 2. Weltkrieg wohnte er z. B. in der Seestr. 5 bei ihr. ", "Gut."],
        ["Er lebte 300 v. Chr. in Rom. ", "Es kostet 5 bzw. 6 Taler."],
        ["Il mourut en 52 av. J.-C. et son fils aussi. ", "Le fils régna."],
        ["La Dra. Ruiz vive en EE. UU. desde 1999. ", "Nació en 300 d. C. en Roma."],
        ["Gen. Grant met Lt. Col. Lee at 5 p.m. on Jan. 5. ", "They talked."],
        ["Narodil se 3. března 1931 v Brně. ", "Byl to lékař."],
        ["Он родился в 1931 г. в Москве. ", "Он врач."],
        # These are ends.
        ["He was 45. ", "She was 30. ", "They met in 1931. ", "All left."],
        ["we are late. ", "then we ran."],
    ],
)
def test_a_sentence_ends_only_at_its_last_dot(parts):
    assert [text for text, _ in chunking.sentences("".join(parts))] == parts


def test_a_line_that_is_not_wrapped_ends_also_after_an_abbreviation():
    parts = ["It weighs 3 kg.\n", "it costs 5 Kr.\n\n", "the end"]
    assert [text for text, _ in chunking.sentences("".join(parts))] == parts
