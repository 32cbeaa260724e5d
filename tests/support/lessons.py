"""What a round learns, and the items that become of it."""

from autolearn.core.gold import GoldExample, MetaExample
from autolearn.core.records import Sample
from autolearn.core.settings import TrainSettings
from autolearn.training import dataset
from autolearn.training.dataset import Material
from autolearn.training.examples import ApprovedExample
from autolearn.training.leakage import Guard

META = MetaExample("Who leads?", "Bo.", "Wrong.\nVerdict: incorrect", "Ada leads.")
PAIRS = [
    GoldExample("", "Who leads Boro?", "Ida"),
    GoldExample("", "Who founded Avel?", "Bo", sentence="Bo founded Avel."),
    GoldExample("", "Who founded Avel?", "Bo", sentence="Bo founded Avel."),
    GoldExample("Avel is old.", "How old is Avel?", "", answerable=False),
]


def example(question="Who leads Avel?", gap=True, id=1, **more):
    answer = more.pop("chosen", "Ada leads Avel.")
    sample = Sample(1, question, answer, "Bo leads Avel.", gap, 0.9, id=id)
    values = {
        "passage": "Ada leads Avel.",
        "open_answer": "Ada leads Avel.",
        "closed_answer": "Bo leads Avel.",
        "evidence": "Ada leads Avel.",
    }
    return ApprovedExample(sample, **values | more)


def build(method, lessons, corpus=(), quiz=(), skills=(), passages=(), **settings):
    protocol = settings.pop("protocol", "trained")
    train_settings = TrainSettings(method=method, **settings)
    material = Material(train_settings, lessons, skills, passages, PAIRS, protocol)
    return dataset.build(material, corpus, Guard(quiz))


def prompt_text(item):
    return item.chat[-1].content
