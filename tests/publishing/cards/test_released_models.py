"""What a clone of the released models gives to somebody who has sentence-transformers and mteb, and nothing of
ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STATIC = sorted(path.parent for path in (ROOT / "model_cards").glob("hybrid-xlir-static*/modules.json"))
LARGEST = 25_000_000
SENTENCES = {
    "ar": ["الطبيب يعمل في المستشفى", "أين أقرب محطة قطار؟", "الطقس بارد جدا في الشتاء", "كتابة برنامج للحاسوب"],
    "de": ["Die Ärztin arbeitet im Krankenhaus", "Wo ist der nächste Bahnhof?", "Das Wetter ist im Winter sehr kalt", "ein Computerprogramm schreiben"],
    "el": ["Ο γιατρός εργάζεται στο νοσοκομείο", "Πού είναι ο πλησιέστερος σταθμός του τρένου;", "Ο καιρός είναι πολύ κρύος τον χειμώνα", "να γράψω ένα πρόγραμμα υπολογιστή"],
    "en": ["The doctor works in the hospital", "Where is the nearest train station?", "The weather is very cold in winter", "to write a computer program"],
    "es": ["La doctora trabaja en el hospital", "¿Dónde está la estación de tren más cercana?", "El clima es muy frío en invierno", "escribir un programa de computadora"],
    "hi": ["डॉक्टर अस्पताल में काम करता है", "निकटतम रेलवे स्टेशन कहाँ है?", "सर्दियों में मौसम बहुत ठंडा होता है", "कंप्यूटर प्रोग्राम लिखना"],
    "ru": ["Врач работает в больнице", "Где ближайшая железнодорожная станция?", "Зимой погода очень холодная", "написать компьютерную программу"],
    "th": ["แพทย์ทำงานในโรงพยาบาล", "สถานีรถไฟที่ใกล้ที่สุดอยู่ที่ไหน", "อากาศหนาวมากในฤดูหนาว", "เขียนโปรแกรมคอมพิวเตอร์"],
    "tr": ["Doktor hastanede çalışıyor", "En yakın tren istasyonu nerede?", "Kışın hava çok soğuk", "bilgisayar programı yazmak"],
    "vi": ["Bác sĩ làm việc trong bệnh viện", "Nhà ga xe lửa gần nhất ở đâu?", "Thời tiết rất lạnh vào mùa đông", "viết một chương trình máy tính"],
    "zh": ["医生在医院工作", "最近的火车站在哪里？", "冬天天气很冷", "编写计算机程序"],
}  # fmt: skip
NEIGHBOURS = """
import json, sys
sys.modules["hf_hybrid"] = None  # importing it fails
from sentence_transformers import SentenceTransformer

sentences = json.load(sys.stdin)
model = SentenceTransformer(sys.argv[1])
vectors = model.encode([text for texts in sentences.values() for text in texts])
similarities = model.similarity(vectors, vectors)
similarities.fill_diagonal_(-1)
count = len(next(iter(sentences.values())))
nearest = similarities.topk(len(sentences) - 1).indices
own = (nearest % count == (__import__("torch").arange(len(vectors)) % count)[:, None]).float().mean(1)
print(json.dumps(own.reshape(-1, count).mean(1).tolist()))
"""


def run(code: str, *arguments: str, given: str = "") -> str:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], input=given, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("folder", STATIC, ids=lambda folder: folder.name)
def test_a_released_model_is_small_and_has_safe_weights(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LARGEST
    assert [path.suffix for path in files if path.suffix in {".safetensors", ".bin", ".pt", ".pkl"}] == [
        ".safetensors"
    ]


def test_neighbours_of_a_sentence_are_its_translations():
    """Of the ten nearest sentences of each, the share that are its translations, language by language."""
    if not STATIC:
        pytest.skip("no released model is in this checkout")
    shares = json.loads(run(NEIGHBOURS, str(ROOT / "model_cards" / "hybrid-xlir-static"), given=json.dumps(SENTENCES)))
    by_language = dict(zip(SENTENCES, shares, strict=True))
    assert len(by_language) == 11
    # By chance it would be 10 of 43.
    assert min(by_language.values()) >= 0.5, by_language
    assert sum(shares) / len(shares) >= 0.75, by_language


def test_mteb_gives_the_published_figures():
    """Mul by mteb's own encoding, search and scores, of the weights as plain sentence-transformers loads them."""
    mteb = pytest.importorskip("mteb", reason="the extra `mteb` is not installed")
    if not STATIC:
        pytest.skip("no released model is in this checkout")
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.benchmarks import load_benchmark
    from hf_hybrid.benchmarks.mteb_task import mteb_task

    folder = ROOT / "model_cards" / "hybrid-xlir-static"
    published = json.loads((folder / "results" / "world_facts.json").read_text(encoding="utf-8"))
    model = SentenceTransformer(str(folder), device="cpu")
    done = mteb.evaluate(model, mteb_task(load_benchmark("world_facts")), cache=None, show_progress_bar=False)
    found = {row["hf_subset"]: row["main_score"] for row in done.task_results[0].scores["test"]}
    pool = dict(zip(published["benchmark"]["languages"], published["measures"]["map"]["pool"], strict=True))
    # Half-precision weights: ties and rounding of another order of sums.
    assert found == pytest.approx(pool, abs=2e-3)


@pytest.mark.parametrize("model", STATIC, ids=lambda path: path.name)
@pytest.mark.parametrize("file", ["training", "speed"])
def test_a_command_is_named_with_a_commit_that_has_it(model, file):
    content = json.loads((model / f"results/{file}.json").read_text())
    program, script, *_ = content["command"].split()
    named = f"`{content['command']}` of commit `{content['commit']}`"
    assert program == "python" and named in (model / "README.md").read_text(encoding="utf-8")
    if subprocess.run(["git", "cat-file", "-e", content["commit"]], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("the history is not here")
    subprocess.run(["git", "cat-file", "-e", f"{content['commit']}:{script}"], cwd=ROOT, check=True)
