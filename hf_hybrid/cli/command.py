"""What every verb of `hf-hybrid` is: texts for its help, arguments, and what it does with them."""

from __future__ import annotations

import argparse
import re
import textwrap
from abc import ABC, abstractmethod


class Command(ABC):
    """A verb.

    One grammar for all texts: `help` and the help of every argument begin with a verb in lower case ("write", "load",
    "keep") and are one sentence without a full stop; a default stands at the end in brackets. The description is made
    of whole sentences, the first of which begins with a verb, too.

    Attributes:
        name: the verb itself.
        help: its line in the list of verbs.
        description: the head of its help, filled to the width of the terminal; an empty line ends a paragraph.
        epilog: the foot of its help: examples, tables and notes. Indented lines stay as they are.
        has_own_parser: whether it parses its arguments itself. `run` then gets them as `arguments.argv`.

    Example:
        >>> class Greet(Command):
        ...     name, help, description = "greet", "greet the world", "Greet the world."
        ...
        ...     def run(self, arguments: argparse.Namespace) -> None:
        ...         print("hello")
    """

    name: str
    help: str
    description: str
    epilog: str | None = None
    has_own_parser = False

    def register(self, verbs: argparse._SubParsersAction) -> argparse.ArgumentParser:
        """Add the verb to the command's parser; returns its own."""
        parser = verbs.add_parser(
            self.name,
            help=self.help,
            description=self.description,
            epilog=self.epilog,
            formatter_class=HelpFormatter,
            allow_abbrev=False,
        )
        parser.set_defaults(command=self)
        self.add_arguments(parser)
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:  # noqa: B027
        """Add its arguments; none by default."""

    @abstractmethod
    def run(self, arguments: argparse.Namespace) -> int | None:
        """Do the work.

        Returns:
            The exit status; None is 0.

        Raises:
            InputError: a mistake of the user, which `main` prints in one line.
        """


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Fills paragraphs of descriptions and epilogs to the width of the terminal.

    Examples and tables stay as they are: paragraphs that have an indented line.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        blocks = re.split(r"\n\s*\n", text.strip("\n"))
        return "\n\n".join(
            textwrap.indent(
                block if re.search(r"(?m)^\s", block) else textwrap.fill(block, width - len(indent)), indent
            )
            for block in blocks
        )
