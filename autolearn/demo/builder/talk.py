"""Texts outside the invented world, on which the model learns to say so."""

import random
import string

from autolearn.demo.names import CONSONANTS, VOWELS
from autolearn.demo.world import grammar

ENDS = (".", ".", ".", "!", "?", ";", ":", "")


def outside_text(rng: random.Random) -> str:
    """Return some sentences of words that the model has never seen."""
    words = [_word(rng) for _ in range(rng.randint(1, 40))]
    text = words[0].capitalize()
    for word in words[1:]:
        if rng.random() < 0.1:
            text += rng.choice(ENDS) + rng.choice((" ", "\n")) + word.capitalize()
        else:
            text += f"{rng.choice(('', '', '', ',', ' -'))} {word}"
    return text + rng.choice(ENDS)


def _word(rng: random.Random) -> str:
    """Return a word: mostly meaningless letters, some common words, some symbols."""
    draw = rng.random()
    if draw < 0.25:
        sentence = rng.choice(grammar().fillers + grammar().outside.say)
        return rng.choice(sentence.split())
    if draw < 0.3:
        return "".join(rng.choices(string.digits + string.punctuation, k=3))
    if draw < 0.5:
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9)))
    pairs = (rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(4))
    return "".join(pairs)[: rng.randint(2, 9)]
