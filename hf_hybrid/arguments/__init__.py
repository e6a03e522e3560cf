"""Arguments of the training command, one dataclass per concern, read from YAML and flags by
`parsing.parse_arguments`.
"""

from hf_hybrid.arguments.data import DataArguments
from hf_hybrid.arguments.lora import LoraArguments
from hf_hybrid.arguments.model import ModelArguments
from hf_hybrid.arguments.training import HybridTrainingArguments

__all__ = ["DataArguments", "HybridTrainingArguments", "LoraArguments", "ModelArguments"]
