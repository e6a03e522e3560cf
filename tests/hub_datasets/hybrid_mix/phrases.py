"""Sentences in four languages that are translations of each other, as many as a test needs, each unlike the others."""

from __future__ import annotations

LANGUAGES = ("de", "en", "ja", "ru")
_WHO = {
    "de": [
        "Der alte Fischer",
        "Die junge Ärztin",
        "Unser Nachbar",
        "Eine Lehrerin",
        "Der kleine Junge",
        "Die Bäckerin",
        "Mein Onkel",
    ],
    "en": [
        "The old fisherman",
        "The young doctor",
        "Our neighbour",
        "A teacher",
        "The little boy",
        "The baker",
        "My uncle",
    ],
    "ja": ["年老いた漁師は", "若い女医は", "隣の人は", "ある先生は", "小さな男の子は", "パン屋さんは", "私のおじは"],
    "ru": ["Старый рыбак", "Молодая врач", "Наш сосед", "Одна учительница", "Маленький мальчик", "Пекарь", "Мой дядя"],
}
_WHAT = {
    "de": [
        "repariert sein Fahrrad",
        "liest eine Zeitung",
        "kauft frisches Gemüse",
        "wartet auf den Zug",
        "malt ein großes Bild",
    ],
    "en": [
        "repairs a bicycle",
        "reads a newspaper",
        "buys fresh vegetables",
        "waits for the train",
        "paints a large picture",
    ],
    "ja": [
        "自転車を修理しています",
        "新聞を読んでいます",
        "新鮮な野菜を買っています",
        "電車を待っています",
        "大きな絵を描いています",
    ],
    "ru": ["чинит велосипед", "читает газету", "покупает свежие овощи", "ждёт поезда", "рисует большую картину"],
}
_WHERE = {
    "de": [
        "am Hafen hinter der Fabrik",
        "im Park neben der Schule",
        "vor dem Rathaus am Marktplatz",
        "auf dem Hof seines Großvaters",
    ],
    "en": [
        "at the harbour behind the factory",
        "in the park next to the school",
        "in front of the town hall",
        "on a farm in the mountains",
    ],
    "ja": ["工場の裏の港で、", "学校の隣の公園で、", "市役所の前の広場で、", "祖父の農場で、"],
    "ru": ["в порту за фабрикой", "в парке рядом со школой", "перед ратушей на площади", "на дворе своего дедушки"],
}
_WHEN = {
    "de": [
        "Jeden Morgen um sieben:",
        "Am Sonntag nach dem Regen:",
        "Während der langen Ferien:",
        "Kurz vor Mitternacht:",
        "Im Herbst:",
        "Nach der Arbeit:",
    ],
    "en": [
        "Every morning at seven:",
        "On Sunday after the rain:",
        "During the long holidays:",
        "Shortly before midnight:",
        "In autumn:",
        "After work:",
    ],
    "ja": [
        "毎朝七時に、",
        "日曜日の雨の後に、",
        "長い休みの間に、",
        "真夜中の少し前に、",
        "秋になると、",
        "仕事の後に、",
    ],
    "ru": [
        "Каждое утро в семь:",
        "В воскресенье после дождя:",
        "Во время долгих каникул:",
        "Незадолго до полуночи:",
        "Осенью:",
        "После работы:",
    ],
}


# Two that share nothing with the others, for evaluation sets.
QUESTION, STATEMENT = 1000, 1001
_ALONE = {
    QUESTION: {
        "de": "Welcher Komponist schrieb die Oper über den fliegenden Holländer?",
        "en": "Which composer wrote the opera about the flying Dutchman?",
        "ja": "さまよえるオランダ人の歌劇を作曲したのは誰ですか？",
        "ru": "Какой композитор написал оперу о летучем голландце?",
    },
    STATEMENT: {
        "de": "Vulkanasche düngt die Felder rund um den Ätna seit Jahrtausenden.",
        "en": "Volcanic ash has fertilised the fields around Mount Etna for millennia.",
        "ja": "火山灰は何千年もの間エトナ山の周りの畑を肥やしてきました。",
        "ru": "Вулканический пепел тысячелетиями удобряет поля вокруг Этны.",
    },
}


def sentence(number: int, lang: str) -> str:
    """Sentence of a number below 840, or of one of those two; consecutive numbers share no part."""
    if number in _ALONE:
        return _ALONE[number][lang]
    # Cycles of 6, 7, 5 and 4 begin again after 420; then the last is one ahead.
    who, what, where, when = _WHO[lang], _WHAT[lang], _WHERE[lang], _WHEN[lang]
    parts = (when[number % 6], who[number % 7], what[number % 5], where[(number + number // 420) % 4])
    if lang == "ja":
        return f"{parts[0]}{parts[1]}{parts[3]}{parts[2]}。"
    return f"{parts[0]} {parts[1]} {parts[2]} {parts[3]}."
