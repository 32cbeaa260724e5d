"""How far the verdicts of a guided model count."""

from autolearn.core.records import Answer, Feedback, Passage, Question, Sample
from autolearn.core.settings import StudySettings
from autolearn.evaluation.skill_items import texts
from autolearn.study import prompts
from autolearn.study.feedback import Comparison, reason_request
from autolearn.study.generation import OfflineBuilder
from autolearn.study.loop import Study
from autolearn.study.rules import RULES
from tests.support.journals import MemoryJournal
from tests.support.scripted_backend import ScriptedBackend
from tests.support.skill_models import Perfect
from tests.support.studies import SETTINGS


def guided_study(uses_verdicts, threshold=0.5, **more):
    script, judgements = Perfect(), []

    def judge(chat, prefill):
        judgements.append(prefill)
        return (0.3, 0.7)

    backend = ScriptedBackend(script, judge=judge, protocol="guided")
    journal = MemoryJournal()
    Study(
        backend,
        journal,
        SETTINGS,
        lambda: False,
        lambda *_: None,
        verdict_threshold=threshold,
        uses_verdicts=uses_verdicts,
        **more,
    ).run([texts()[0].passage])
    return journal, judgements


def test_a_model_whose_verdicts_do_not_count_is_asked_for_none():
    journal, judgements = guided_study(uses_verdicts=False)
    assert not judgements
    feedback_records = journal.all(Feedback)
    assert {(f.verdict, f.probability, f.generation) for f in feedback_records} == {
        ("unclear", None, None)
    }
    assert all(f.text.startswith("The text says: It says:") for f in feedback_records)
    assert not any("Verdict" in f.text or "Reason" in f.text for f in feedback_records)
    samples = journal.all(Sample)
    assert samples
    flags = {flag for sample in samples for flag in sample.flags}
    assert not flags & {"disputed", "check_failed", "from_open_book"}
    assert all(sample.gap and RULES["default"].accepts(sample) for sample in samples)


def test_a_verdict_is_read_from_the_threshold_of_the_model():
    strict, judgements = guided_study(uses_verdicts=True)
    assert judgements
    assert {f.verdict for f in strict.all(Feedback)} == {"incorrect"}
    mild, _ = guided_study(uses_verdicts=True, threshold=0.25)
    assert {f.verdict for f in mild.all(Feedback)} == {"correct"}


def test_no_careful_rule_approves_what_an_unreliable_model_wrote():
    journal, _ = guided_study(uses_verdicts=False, is_reliable=False)
    samples = journal.all(Sample)
    assert samples
    assert all("unreliable_model" in sample.flags for sample in samples)
    for name, accepts in {"default": 0, "strict": 0, "open-book": len(samples)}.items():
        assert sum(map(RULES[name].accepts, samples)) == accepts


def test_worked_examples_of_a_reason_are_in_the_language_of_the_text():
    """Once, examples in a changed prompt were shown before all texts if English."""
    example = "\n## example{}\n\n### user\n\nAsk {}.\n\n### assistant\n\nTell.\n"
    text = prompts.default_text("feedback")
    head, begin = text.split("\n## user")
    both = (
        f"{head}{example.format('', 'en')}{example.format(' de', 'de')}\n## user{begin}"
    )
    german = Passage.alone("Die Mühle wurde von der Gemeinde gebaut.")
    question = Question("Wer baute sie?", "study", "model", passage_id=0)
    wrong, right = (Answer(0, "closed_book", text) for text in ("Bo.", "Ada."))
    pair = Comparison(question, wrong, right)
    builder = OfflineBuilder(StudySettings(protocol="guided"))
    with prompts.fixed({"feedback": both}):
        request = reason_request(builder, 0, pair, "Facts.", {0: german})
    turns = [turn.content for turn in request.prompt.chat]
    assert "Ask de." in turns
    assert "Ask en." not in turns
