"""Train a Unigram tokenizer from multilingual text, for encoders that are built from scratch.

The tokenizer is a `transformers` fast tokenizer like XLM-R's: NFKC, spaces as "▁", no language-specific segmentation
(so Thai and Chinese need none), `<s> ... </s>` around a text. Punctuation is split off first, and characters that the
sample hardly knows are spelled in UTF-8 bytes, so that no text maps to `<unk>`.
"""

from __future__ import annotations

import io
import logging
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerFast

from hf_hybrid.encoders.transliteration import transliterator
from hf_hybrid.engines.first_rank import is_first_rank
from hf_hybrid.errors import InputError

logger = logging.getLogger(__name__)

# The ids of XLM-R's special tokens, so that files look familiar; `<mask>` is there for later masked-language training.
SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BYTE_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(256))
SMALLEST_VOCABULARY = 300
# Share of the running text whose characters get a piece of their own, as in SentencePiece; the rest are spelled in
# bytes.
CHARACTER_COVERAGE = 0.9995
# A private-use character; pieces that hold it are dropped, so that where a text has it, it is spelled in bytes.
MARK = "\ue000"
# The trainer sums per thread, so that the number of threads, not that of the cores, is part of the result.
THREADS = 4


def sample_texts(texts: Iterable[str], size: int, seed: int = 42) -> list[str]:
    """Draw `size` texts uniformly and without replacement in one pass (reservoir sampling); all where there are fewer.

    Args:
        texts: Any iterable, also one that does not know its length.
        size: Number of texts to keep in memory.
        seed: The same texts and seed give the same sample.

    Returns:
        The sample, in no particular order.

    Example:
        >>> sorted(sample_texts(["a", "b"], size=5))
        ['a', 'b']
    """
    generator = random.Random(seed)
    sample: list[str] = []
    for number, text in enumerate(texts):
        if number < size:
            sample.append(text)
        elif (place := int(generator.random() * (number + 1))) < size:
            sample[place] = text
    return sample


def rare_characters(texts: Iterable[str], limit: int, coverage: float = CHARACTER_COVERAGE) -> set[str]:
    """Return the characters to spell in bytes: all but the most frequent ones that cover `coverage` of the text.

    Args:
        texts: Normalised texts.
        limit: Greatest number of characters that may have pieces of their own.
        coverage: Share of the running characters to cover, in (0, 1].

    Returns:
        The characters left out, spaces never among them.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    wanted = coverage * counts.total()
    covered, rare = 0, set()
    # Ties are broken by the character so that the result does not depend on the order of the texts.
    for rank, (character, count) in enumerate(sorted(counts.items(), key=lambda item: (-item[1], item[0]))):
        if rank >= limit or covered >= wanted:
            rare.add(character)
        covered += count
    return rare - {" "}


def train_tokenizer(
    texts: Iterable[str],
    vocab_size: int = 32000,
    sample: int = 1_000_000,
    max_length: int | None = None,
    seed: int = 42,
    lowercase: bool = False,
    transliterate: Sequence[str] = (),
) -> PreTrainedTokenizerFast:
    """Train a Unigram tokenizer (Kudo, 2018) on a sample of the texts.

    Args:
        texts: Training texts in any mix of languages; the sample keeps their proportions.
        vocab_size: Size of the vocabulary, with 5 special and 256 byte tokens; smaller where the texts do not give
            more.
        sample: Number of texts to train on. Memory and time grow with it.
        max_length: `model_max_length` of the tokenizer; unlimited by default.
        seed: Seed of the sample.
        lowercase: Whether the tokenizer lower-cases all text, as it then does in training.
        transliterate: Scripts that it spells in Latin letters; see `hf_hybrid.encoders.transliteration`.

    Returns:
        A fast tokenizer that `save_pretrained` writes and `AutoTokenizer` loads.

    Raises:
        InputError: The vocabulary is too small to hold the special and byte tokens, or there is no text.

    Example:
        >>> tokenizer = train_tokenizer(["hello world", "hallo Welt"] * 50, vocab_size=320)
        >>> tokenizer.decode(tokenizer("hello Welt")["input_ids"], skip_special_tokens=True)
        'hello Welt'
    """
    if vocab_size < SMALLEST_VOCABULARY:
        raise InputError(
            f"vocab_size: {vocab_size} is too small for a trained tokenizer; give {SMALLEST_VOCABULARY} or more"
        )
    own_pieces = vocab_size - len(SPECIAL_TOKENS) - len(BYTE_TOKENS)
    normalizer = _normalizer(lowercase, transliterate)
    drawn = [
        normalizer.normalize_str(text) for text in _progress(sample_texts(texts, sample, seed), "Normalising texts")
    ]
    if not any(drawn):
        raise InputError("training texts: none to train a tokenizer on; give a data set or set tokenizer_name_or_path")
    # A trained Unigram vocabulary holds every character it saw, so the rare ones are taken out beforehand.
    rare = rare_characters(drawn, limit=max(1, own_pieces // 2))
    logger.info(
        "Training a tokenizer on %d texts, some minutes for a million; %d rare characters are spelled in bytes",
        len(drawn),
        len(rare),
    )
    pieces = _train_pieces(drawn, rare, own_pieces)
    return _wrap(_assemble(pieces, normalizer), max_length)


def _normalizer(lowercase: bool, transliterate: Sequence[str]) -> normalizers.Normalizer:
    spaces = normalizers.Replace(Regex(r"\s+"), " ")
    steps = [normalizers.NFKC(), spaces, normalizers.Strip()]
    if lowercase:
        steps.append(normalizers.Lowercase())
    if transliterate:
        steps.append(transliterator(transliterate))
    return normalizers.Sequence(steps)


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return pre_tokenizers.Sequence([metaspace, pre_tokenizers.Punctuation(behavior="isolated")])


def _train_pieces(texts: list[str], rare: set[str], number: int) -> list[tuple[str, float]]:
    """Return up to `number` pieces with their log probabilities, the most probable first.

    SentencePiece trains, not `tokenizers`, whose Unigram trainer gives the pieces other scores, and so other ids, on
    every run, in 2.5 times the processor time.
    """
    blank = {ord(character): " " for character in rare}
    clean = (text if rare.isdisjoint(text) else text.translate(blank) for text in _progress(texts, "Reading texts"))
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_with_second_occurrences(clean, number),
        model_writer=model,
        model_type="unigram",
        vocab_size=number + 4,  # its own <unk>, <s> and </s>, and the mark
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="identity",
        max_sentence_length=2**20,
        num_threads=THREADS,
        minloglevel=2,
    )
    trained = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [(trained.id_to_piece(index), trained.get_score(index)) for index in range(3, trained.vocab_size())]
    pieces = [(piece, score) for piece, score in pieces if MARK not in piece]
    return sorted(pieces, key=lambda item: (-item[1], item[0]))[:number]


def _with_second_occurrences(texts: Iterable[str], number: int) -> Iterator[str]:
    """Yield the texts, then each of the `number` most frequent words once more with a mark behind it.

    SentencePiece takes as candidates only strings that occur in two different words, whatever their frequency; a small
    corpus of templates holds "with" in no other word and would spell it in two pieces.
    """
    words: Counter[str] = Counter()
    for text in texts:
        words.update(text.split())
        yield text
    frequent = sorted((word for word, count in words.items() if count > 1), key=lambda word: (-words[word], word))
    yield from (word + MARK for word in frequent[:number])


def _assemble(pieces: list[tuple[str, float]], normalizer: normalizers.Normalizer) -> Tokenizer:
    lowest = min(score for _, score in pieces)
    vocabulary = [(token, 0.0) for token in SPECIAL_TOKENS]
    vocabulary += [(token, lowest) for token in BYTE_TOKENS] + pieces
    unknown = SPECIAL_TOKENS.index("<unk>")
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=unknown, byte_fallback=True))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, _pre_tokenizer()
    metaspace = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), metaspace])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(token, SPECIAL_TOKENS.index(token)) for token in ("<s>", "</s>")],
    )
    return tokenizer


def _wrap(tokenizer: Tokenizer, max_length: int | None) -> PreTrainedTokenizerFast:
    limit = {} if max_length is None else {"model_max_length": max_length}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
        **limit,
    )


def _progress(texts: list[str], label: str) -> Iterable[str]:
    return tqdm(texts, desc=label, unit="text", disable=not is_first_rank(), leave=False, mininterval=1.0)
