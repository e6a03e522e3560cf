"""The texts of a small evaluation set in two languages."""

SENTENCES = {
    "en": (
        "The old lighthouse on the northern cape was built by three brothers from the village in the winter of 1871.",
        "Its lamp burned whale oil until an engineer brought the first electric light across the frozen bay.",
    ),
    "zh": (
        "北方海角上的老灯塔是由村里的三兄弟在一八七一年冬天用附近采石场的花岗岩建造的。",
        "在工程师把第一盏电灯运过结冰的海湾之前，塔上的灯一直燃烧鲸油。",
    ),
}
QUESTIONS = {
    "en": "Who built the old lighthouse that stands on the northern cape?",
    "zh": "北方海角上的那座老灯塔是由谁建造的？",
}
