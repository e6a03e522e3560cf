"""The demo Space without its page: the search and what is made of it, with exact values."""

from __future__ import annotations

import numpy as np
import pytest
from xlir_demo.answers import Answers
from xlir_demo.comparing import compare
from xlir_demo.languages import LANGUAGES, guess_language, language_name, native_name
from xlir_demo.limits import MAX_QUESTION, MAX_RESULTS, checked_question, checked_results
from xlir_demo.measuring import Figures
from xlir_demo.pool import Fact, Facts, Pool, read_world_facts
from xlir_demo.questions import GUESS, QuestionVectors
from xlir_demo.searching import search
from xlir_demo.slope_chart import spread
from xlir_demo.translations import compare_translations
from xlir_demo.words import comparable, searched_form

from hf_hybrid.benchmarks import load_benchmark
from hf_hybrid.data.loading import embedded_dataset_path
from hf_hybrid.errors import InputError
from hf_hybrid.evaluation.encode_benchmark import encode_benchmark
from hf_hybrid.retrieval.encode import load_encoder
from tests.spaces.small_checkpoints import BASE, HYBRID, STATIC

# Six passages of two facts in three languages, in the plane.
POOL = Pool(
    texts=["rot", "red", "rojo", "blau", "blue", "azul"],
    languages=["de", "en", "es", "de", "en", "es"],
    ids=["de:1", "en:1", "es:1", "de:2", "en:2", "es:2"],
    facts=["1", "1", "1", "2", "2", "2"],
    answers=["", "red", "", "", "", ""],
)
VECTORS = np.array([[1, 0], [0.6, 0.8], [0.8, 0.6], [0, 1], [-1, 0], [0.6, 0.8]], dtype=np.float32)
FACTS = Facts(
    [Fact("1", "colours", {"de": "Rot?", "en": "Red?"}), Fact("2", "colours", {"de": "Blau?", "en": "Blue?"})]
)


def encode(texts: list[str], kind: str) -> np.ndarray:
    """Questions about red look along the first axis, others along the second."""
    if kind == "passage":
        return VECTORS[[POOL.texts.index(text) for text in texts]]
    return np.array([[1, 0] if text.lower().startswith("r") else [0, 1] for text in texts], dtype=np.float32)


@pytest.fixture
def answers() -> Answers:
    return Answers(POOL, FACTS, {HYBRID: encode, BASE: lambda texts, kind: encode(texts, kind)[:, ::-1].copy()})


# ---------------------------------------------------------------- the search


def test_the_best_passages_with_scores_ranks_and_shares():
    found = search(POOL, VECTORS, np.array([1, 0], np.float32), k=4, fact="1")
    assert [(hit.rank, POOL.texts[hit.row], round(hit.score, 6), hit.is_answer) for hit in found.hits] == [
        (1, "rot", 1.0, True),
        (2, "rojo", 0.8, True),
        (3, "red", 0.6, True),
        (4, "azul", 0.6, False),
    ]
    assert found.mix == {"de": 0.25, "en": 0.25, "es": 0.5}
    assert found.pool_mix == {"de": 1 / 3, "en": 1 / 3, "es": 1 / 3}
    assert found.answers == {0: 1, 1: 3, 2: 2} and found.searched == 6
    assert found.order.tolist() == [0, 2, 1, 5, 3, 4]


def test_equal_scores_stay_in_the_pools_order_whatever_k_is():
    query = np.array([0.6, 0.8], np.float32)
    for k in (1, 2, 3):
        rows = [hit.row for hit in search(POOL, VECTORS, query, k=k).hits]
        assert rows == [1, 5, 2][:k]


def test_a_filter_changes_places_and_shares():
    found = search(POOL, VECTORS, np.array([1, 0], np.float32), k=9, languages=["es", "de"], fact="1")
    assert [hit.row for hit in found.hits] == [0, 2, 5, 3]
    assert found.answers == {0: 1, 2: 2}  # the English one is not there
    assert found.pool_mix == {"de": 0.5, "es": 0.5} and found.searched == 4
    with pytest.raises(InputError, match="no passages in the chosen languages"):
        search(POOL, VECTORS, np.array([1, 0], np.float32), k=1, languages=["th"])


def test_what_is_right_is_not_claimed_where_it_is_not_known():
    found = search(POOL, VECTORS, np.array([1, 0], np.float32), k=2)
    assert [hit.is_answer for hit in found.hits] == [None, None] and found.answers == {}


def test_it_finds_what_the_evaluation_finds(small_checkpoints, views):
    """Against the library's own vectors and benchmark: the same passages at the same places."""
    benchmark = load_benchmark("world_facts")
    pool = views.answers.pool
    assert list(pool.texts) == list(benchmark.candidates) and list(pool.ids) == list(benchmark.candidate_ids)
    model = load_encoder(str(small_checkpoints / HYBRID), device="cpu")
    queries, candidates = (vectors.numpy() for vectors in encode_benchmark(model, benchmark))
    for row in (0, 500, 1143):
        scores = candidates @ queries[row]
        relevant = benchmark.relevance_candidates[
            benchmark.relevance_offsets[row] : benchmark.relevance_offsets[row + 1]
        ]
        found = views.answers.search(benchmark.queries[row], HYBRID, k=50).found
        assert [hit.score for hit in found.hits] == pytest.approx(np.sort(scores)[::-1][:50], abs=1e-5)
        assert len(relevant) == 11
        expected = {int(one): 1 + int((scores > scores[one]).sum()) for one in relevant}
        # Rounding may part two scores that are all but equal.
        assert all(abs(found.answers[one] - place) <= 1 for one, place in expected.items())


# ---------------------------------------------------------------- what is made of it


def test_two_checkpoints_and_the_movements_of_the_answers(answers):
    first, second, found = answers.compare("Rot?", HYBRID, BASE, k=2)
    assert first.question.fact == "1" and first.question.language == "de" and not first.question.guessed
    assert found.of_answers
    # The second one's vectors are mirrored, questions and passages alike: nothing moves.
    assert [(m.language, m.before, m.after) for m in found.movements] == [("de", 1, 1), ("es", 2, 2), ("en", 3, 3)]
    assert found.shared == 2


def test_movements_of_the_best_where_no_answer_is_known():
    one = search(POOL, VECTORS, np.array([1, 0], np.float32), k=6)
    other = search(POOL, VECTORS, np.array([0, 1], np.float32), k=6)
    found = compare(one, other)
    assert not found.of_answers
    assert [(m.row, m.before, m.after) for m in found.movements] == [
        (3, 5, 1),
        (1, 3, 2),
        (5, 4, 3),
        (2, 2, 4),
        (0, 1, 5),
    ]  # the sixth of both is among the best of neither


def test_all_languages_at_once(answers):
    asked, found = answers.ask_in_all_languages("1", HYBRID, k=3)
    assert found.languages == ("de", "en") and asked["en"].question.text == "Red?"
    assert found.ranks.tolist() == [[1, 3], [1, 3]]
    assert found.overlap.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert (found.mean_rank, found.mean_overlap, found.ideal) == (2.0, 1.0, 1.5)
    pools = {
        "de": search(POOL, VECTORS, np.array([1, 0], np.float32), k=2, fact="1"),
        "en": search(POOL, VECTORS, np.array([0, 1], np.float32), k=2, fact="1"),
    }
    differing = compare_translations(pools)
    assert differing.ranks.tolist() == [[1, 3], [5, 2]]
    assert differing.overlap.tolist() == [[1.0, 0.0], [0.0, 1.0]] and differing.mean_overlap == 0.0


def test_the_monolingual_checkpoint_of_the_tests_minds_the_language_more(views):
    """What the page is there to show can be seen in what the browser tests look at."""
    _, mono = views.answers.ask_in_all_languages("wf-rivers-01", BASE)
    _, hybrid = views.answers.ask_in_all_languages("wf-rivers-01", HYBRID)
    assert mono.mean_rank > 3 * hybrid.mean_rank and mono.mean_overlap < hybrid.mean_overlap
    names = (HYBRID, BASE, STATIC)
    own = [views.answers.search("Wohin fließt das Wasser der Wolga am Ende?", name).found.mix["de"] for name in names]
    assert own[1] >= own[2] >= own[0] and own[1] > 0.5 > own[0]


@pytest.mark.parametrize(
    ("places", "gap", "expected"),
    [
        ([0.0, 50.0], 10, [0.0, 50.0]),
        ([0.0, 1.0, 2.0], 10, [0.0, 10.0, 20.0]),
        ([100.0, 99.0, 98.0], 10, [100.0, 90.0, 80.0]),
        ([5.0, 5.0], 10, [5.0, 15.0]),
    ],
)
def test_labels_keep_apart_and_in_order(places, gap, expected):
    assert spread(places, gap, 0, 100) == expected


# ---------------------------------------------------------------- what may be asked


def test_questions_that_were_asked_are_not_encoded_again():
    calls = []

    def counted(texts, kind):
        calls.append(texts)
        return np.ones((len(texts), 2), np.float32)

    vectors = QuestionVectors(counted, kept=2)
    for text in ("a", "b", "a", "c", "b"):
        vectors(text)
    assert calls == [["a"], ["b"], ["c"], ["b"]]  # b had made room for c


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no question yet"),
        ("", "no question yet"),
        ("  \n ", "no question yet"),
        (7, "must be a text, not a number"),
        (True, "must be a text, not true or false"),
        (["q"], "must be a text, not a list"),
        ({"q": 1}, "must be a text, not an object"),
        ("x" * (MAX_QUESTION + 1), "has 301 characters; at most 300 are searched: shorten it"),
        ("x" * 10_000_000, "has 10,000,000 characters; at most 300"),
        ("where\ud800?", "half of a surrogate pair"),
    ],
)
def test_what_is_no_question_is_said(text, message, answers):
    with pytest.raises(InputError, match=message):
        answers.search(text, HYBRID)
    assert len(checked_question("x" * MAX_QUESTION)) == MAX_QUESTION


@pytest.mark.parametrize("number", [0, -1, MAX_RESULTS + 1, 1.5, float("nan"), float("inf"), True, "10", None])
def test_what_is_no_number_of_results_is_said(number, answers):
    with pytest.raises(InputError, match="whole number from 1 to 50"):
        answers.search("Rot?", HYBRID, k=number)
    assert checked_results(50.0) == 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"checkpoint": "../../etc"}, "no such checkpoint"),
        ({"checkpoint": None}, "no such checkpoint"),
        ({"checkpoint": STATIC}, "no such checkpoint"),  # not loaded
        ({"language": "xx"}, "must be guess or one of"),
        ({"languages": ["xx"]}, "among de, en, es"),
        ({"languages": "de"}, "among de, en, es"),
        ({"languages": []}, "No language is ticked"),
        ({"languages": ["de"] * 4}, "at most 3"),
        ({"languages": ["de"] * 100_000}, "at most 3"),
    ],
)
def test_what_cannot_be_asked_for_is_said(answers, arguments, message):
    with pytest.raises(InputError, match=message):
        answers.search("Rot?", **{"checkpoint": HYBRID, **arguments})


def test_a_chosen_language_is_kept_and_a_known_question_needs_no_guess(answers):
    assert answers.look_at("rot?") == answers.look_at("ROT?  ".strip().lower())
    known = answers.look_at("  RED? ")
    assert (known.language, known.guessed, known.fact) == ("en", False, "1")
    chosen = answers.look_at("Red?", "es")
    assert (chosen.language, chosen.guessed, chosen.fact) == ("es", False, "1")
    own = answers.look_at("Wo ist der Bahnhof von München?", GUESS)
    assert (own.language, own.guessed, own.fact) == ("de", True, None)


# ---------------------------------------------------------------- languages and data


def test_languages_of_the_datas_questions_are_guessed():
    _, facts = read_world_facts(embedded_dataset_path("world_facts"))
    asked = [(tag, words) for fact in facts.facts.values() for tag, words in fact.questions.items()]
    right = [tag == guess_language(words) for tag, words in asked]
    assert len(asked) == 1144 and sum(right) >= 1135


@pytest.mark.parametrize("text", ["", "42", "?!", "   ", "🚀", "\0"])
def test_nothing_to_go_by_gives_no_language(text):
    assert guess_language(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Où se trouve la tour Eiffel ?",
        "Quelle est la capitale de la France",
        "Gdzie jest wieża?",
        "Waar ligt Amsterdam?",
        "Mikä on Suomen pääkaupunki?",
        "富士山はどこですか",
        "몰타는 세계의 어느 지역에 있습니까?",
        "DNA",
        "hello",
        "Berlin",
    ],
)
def test_what_is_none_of_the_eleven_or_too_short_is_not_guessed(text):
    assert guess_language(text) is None


@pytest.mark.parametrize(
    ("text", "tag"),
    [("how deep is lake baikal", "en"), ("río más largo", "es"), ("bao nhiêu", "vi"), ("Welche Farbe hat Gold", "de")],
)
def test_short_questions_in_one_of_the_eleven_are_still_guessed(text, tag):
    assert guess_language(text) == tag


# ---------------------------------------------------------------- how a question is typed


def test_a_built_in_question_is_known_however_it_is_typed(answers, views):
    for typed in ("Red", "red ?", " RED!! ", "“Red?”", "r e d"):
        found = answers.look_at(typed)
        assert (found.fact, found.language, found.text) == ("1", "en", " ".join(typed.split()))
        # Searched in the data's own words, so that the results are those of the figures on the page.
        assert found.searched == "Red?"
    facts = views.answers.facts
    assert len({comparable(one.words) for one in facts.asked}) == len(facts.asked) == 1144
    for one in facts.asked[::37]:
        assert facts.recognise(one.words.rstrip("?;？؟").upper() + " ") == (one.fact, one.language)


def test_arabic_vowel_signs_are_left_out_of_the_search_and_shown(views):
    plain = "أين ينتهي الماء في الشتاء"
    typed = "أَيْنَ يَنْتَهِي الْمَاءُ فِي الشِّتَاءِ"
    assert searched_form(typed) == plain and searched_form("नदी über ñ") == "नदी über ñ"
    asked = views.answers.look_at(typed)
    assert asked.text == typed and asked.searched == plain
    one, other = (views.answers.search(text, HYBRID).found for text in (plain, typed))
    assert [hit.row for hit in one.hits] == [hit.row for hit in other.hits]


def test_a_match_is_weak_below_what_was_measured_for_the_checkpoint():
    figures = {HYBRID: Figures(2, 2, 0.5, 0.5, 1.0, 1.0, weak_below=0.9)}
    answers = Answers(POOL, FACTS, {HYBRID: encode}, figures=figures)
    query = {"red": [1, 0], "other": [0.7, 0.7]}
    answers.encoders[HYBRID] = None
    answers._questions[HYBRID] = lambda text: np.array(query["red" if text.startswith("r") else "other"], np.float32)
    assert not answers.search("river", HYBRID).weak  # .8 and 1.0
    assert not answers.search("Rot?", HYBRID).weak  # known to the data
    answers.figures[HYBRID] = Figures(2, 2, 0.5, 0.5, 1.0, 1.0, weak_below=0.999)
    assert answers.search("something", HYBRID).weak  # .98 at best
    assert answers.search("42", HYBRID).weak and answers.search("🚀", HYBRID).weak  # no words at all


def test_embedding_a_visitors_texts_has_an_end(monkeypatch):
    answers = Answers(POOL, FACTS, {HYBRID: encode})
    pool = Pool(["rot"] * 120, ["de"] * 120, [str(n) for n in range(120)], [None] * 120, [""] * 120)
    seen = []
    assert answers.embed(pool, HYBRID, seen.append).shape == (120, 2)
    assert seen == [(0, 120), (50, 120), (100, 120)]
    clock = iter(range(0, 10_000, 40))
    monkeypatch.setattr("xlir_demo.answers.time.monotonic", lambda: next(clock))
    with pytest.raises(InputError, match=r"120 passages .* more than 60 seconds: give about 37"):
        answers.embed(pool, HYBRID)


def test_names_of_languages():
    assert [language_name(tag) for tag in LANGUAGES][:3] == ["Arabic", "German", "Greek"]
    assert native_name("ru") == "Русский" and native_name("not a tag!") == "not a tag!"


def test_examples_take_turns_through_all_topics():
    _, facts = read_world_facts(embedded_dataset_path("world_facts"))
    seen, fact = [], None
    for _ in range(104):
        fact = facts.after(fact).id
        seen.append(fact)
    assert len(set(seen)) == 104 and len({facts.facts[name].topic for name in seen[:13]}) == 13
    assert facts.after(fact).id == seen[0] and facts.after("unknown").id == seen[0]


def test_a_folder_without_the_data_is_said(tmp_path):
    with pytest.raises(InputError, match="no data/"):
        read_world_facts(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "de.parquet").write_bytes(b"not parquet")
    with pytest.raises(InputError, match="not in the form of world_facts"):
        read_world_facts(tmp_path)
