"""From a query to luqum's syntax tree, with errors that point into what was typed."""

import re

from luqum.exceptions import ParseError
from luqum.parser import lexer, parser
from luqum.tree import Item

from app.search.errors import QuerySyntaxError
from app.search.limits import QueryLimits
from app.search.rewrite import Rewritten, rewrite

_POSITION = re.compile(r"at position (\d+)")
_OPERATOR_BEFORE = re.compile(r"(AND|OR|NOT|&&|\|\||[-+])\s*$")


def parse(query: str, limits: QueryLimits) -> tuple[Item | None, Rewritten]:
    """Read a query.

    Returns
    -------
    The tree, None where the query is blank; and the text that its positions refer to.

    Raises
    ------
    QuerySyntaxError
        For whatever cannot be read.
    """
    rewritten = rewrite(query, limits)
    if not rewritten.text.strip():
        return None, rewritten
    try:
        # A lexer of its own for each call: PLY's keeps its state in itself, and web servers have threads.
        tree = parser.parse(rewritten.text, lexer=lexer.clone())
    except ParseError as error:
        raise _located(error, query, rewritten) from error
    _check_depth(tree, limits.depth, rewritten)
    return tree, rewritten


def _located(error: ParseError, query: str, rewritten: Rewritten) -> QuerySyntaxError:
    found = _POSITION.search(str(error))
    if found is None:
        operator = _OPERATOR_BEFORE.search(query)
        after = f" after {operator.group(1)}" if operator else ""
        return QuerySyntaxError(f"The query ends too early: something is missing{after}.", len(query))
    position = rewritten.origin(int(found.group(1)))
    word = re.match(r"\S+", query[position:])
    shown = word.group() if word else query[position : position + 1]
    return QuerySyntaxError(
        f"“{shown}” cannot stand here. To search for it as a word, put it in quotes.", position, len(shown)
    )


def _check_depth(tree: Item, limit: int, rewritten: Rewritten) -> None:
    # Walked without recursion: it is what protects the recursion of the compiler.
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > 3 * limit:
            raise QuerySyntaxError("The query is nested too deeply.", rewritten.origin(node.pos or 0))
        waiting.extend((child, depth + 1) for child in node.children)
