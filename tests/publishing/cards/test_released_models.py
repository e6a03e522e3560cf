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
HYBRID = sorted(path.parent for path in (ROOT / "model_cards").glob("hybrid-xlir-*/modules.json"))
SMALL = sorted(path.parent for path in (ROOT / "model_cards").glob("*-small*/modules.json"))
LARGEST_WEIGHTS = 95_000_000
# Of the static model, and of a transformer, in all files.
LARGEST = {"static": 25_000_000, "small": 110_000_000}
named = pytest.mark.parametrize("folder", HYBRID, ids=lambda folder: folder.name)
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
PLAIN = """
import json, sys
sys.modules["hf_hybrid"] = None
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

texts = [text for texts in json.load(sys.stdin).values() for text in texts]
expected = SentenceTransformer(sys.argv[1], device="cpu").encode(texts, prompt="query: ", convert_to_tensor=True)
tokenizer, model = AutoTokenizer.from_pretrained(sys.argv[1]), AutoModel.from_pretrained(sys.argv[1]).float().eval()
batch = tokenizer(["query: " + text for text in texts], padding=True, return_tensors="pt")
with torch.no_grad():
    tokens = model(**batch).last_hidden_state
mask = batch["attention_mask"][..., None].float()
found = torch.nn.functional.normalize((tokens * mask).sum(1) / mask.sum(1), dim=1)
print(json.dumps({"largest_difference": (found - expected.float()).abs().max().item(), "vectors": len(found)}))
"""


def run(code: str, *arguments: str, given: str = "") -> str:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], input=given, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1]


@named
def test_a_released_model_is_small_and_has_safe_weights(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LARGEST[folder.name.rpartition("-")[2]]
    weights = [path for path in files if path.suffix in {".safetensors", ".bin", ".pt", ".pkl"}]
    assert [path.suffix for path in weights] == [".safetensors"] and weights[0].stat().st_size <= LARGEST_WEIGHTS


@named
def test_neighbours_of_a_sentence_are_its_translations(folder):
    """Of the ten nearest sentences of each, the share that are its translations, language by language."""
    shares = json.loads(run(NEIGHBOURS, str(folder), given=json.dumps(SENTENCES)))
    by_language = dict(zip(SENTENCES, shares, strict=True))
    assert len(by_language) == 11
    # By chance it would be 10 of 43.
    least, mean = (0.5, 0.75) if "static" in folder.name else (0.8, 0.95)
    assert min(by_language.values()) >= least, by_language
    assert sum(shares) / len(shares) >= mean, by_language


@pytest.mark.parametrize("folder", SMALL, ids=lambda folder: folder.name)
def test_plain_transformers_and_mean_pooling_give_the_same_vectors(folder):
    shares = json.loads(run(PLAIN, str(folder), given=json.dumps(SENTENCES)))
    assert shares["largest_difference"] < 1e-5 and shares["vectors"] == 44


@named
def test_mteb_gives_the_published_figures(folder):
    """By mteb's own encoding, search and scores, of the weights as plain sentence-transformers loads them: Mul of a
    static encoder; of a transformer, which would take minutes for every pool, German passages only.
    """
    mteb = pytest.importorskip("mteb", reason="the extra `mteb` is not installed")
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.benchmarks import load_benchmark
    from hf_hybrid.benchmarks.mteb_task import mteb_task

    candidates = None if "static" in folder.name else "de"
    published = json.loads((folder / "results" / "world_facts.json").read_text(encoding="utf-8"))
    languages, values = published["benchmark"]["languages"], published["measures"]["map"]
    row = values["pool"] if candidates is None else [own[languages.index(candidates)] for own in values["cells"]]
    model = SentenceTransformer(str(folder), device="cpu")
    task = mteb_task(load_benchmark("world_facts"), candidates)
    done = mteb.evaluate(model, task, cache=None, show_progress_bar=False)
    found = {row["hf_subset"]: row["main_score"] for row in done.task_results[0].scores["test"]}
    # Half-precision weights: ties and rounding of another order of sums.
    assert found == pytest.approx(dict(zip(languages, row, strict=True)), abs=2e-3)


@pytest.mark.parametrize("model", HYBRID, ids=lambda path: path.name)
@pytest.mark.parametrize("file", ["training", "speed"])
def test_a_command_is_named_with_a_commit_that_has_it(model, file):
    content = json.loads((model / f"results/{file}.json").read_text())
    program, script, *_ = content["command"].split()
    said = f"`{content['command']}` of commit `{content['commit']}`"
    assert said in (model / "README.md").read_text(encoding="utf-8")
    if program == "hf-hybrid":
        script = "pyproject.toml"  # which makes the command
    if subprocess.run(["git", "cat-file", "-e", content["commit"]], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("the history is not here")
    subprocess.run(["git", "cat-file", "-e", f"{content['commit']}:{script}"], cwd=ROOT, check=True)
