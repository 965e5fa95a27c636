"""The arrays of a model under the modules that their dotted names speak of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cocadesk.types import ArrayInfo


@dataclass(slots=True, eq=False)
class Node:
    """A module, or an array at the end of a branch.

    Attributes:
        name: The last part of its dotted name; empty for the whole model.
        path: The dotted name.
        parent: None for the whole model.
        array: None for a module.
        children: In the order of the arrays.
        parameters: Numbers in all arrays below.
        arrays: How many arrays are below.
    """

    name: str
    path: str
    parent: Node | None = None
    array: ArrayInfo | None = None
    children: list[Node] = field(default_factory=list)
    parameters: int = 0
    arrays: int = 0

    @property
    def row(self) -> int:
        """Its place among its siblings."""
        return self.parent.children.index(self) if self.parent else 0

    @property
    def shape(self) -> str:
        """Of an array, as a user reads it: "512 × 768"; empty for a module."""
        return format_shape(self.array) if self.array else ""

    def walk(self) -> Iterator[Node]:
        """Itself and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def lineage(self) -> list[Node]:
        """The nodes from the whole model down to itself."""
        above = self.parent.lineage() if self.parent else []
        return [*above, self]


def format_shape(array: ArrayInfo) -> str:
    """ "512 × 768"; "1" for a single number."""
    return " × ".join(map(str, array.shape)) or "1"


def build_tree(arrays: Sequence[ArrayInfo]) -> Node:
    """The whole model, with totals for each branch."""
    root = Node("", "")
    by_path = {"": root}
    for array in arrays:
        parts = array.name.split(".")
        above = root
        for depth, part in enumerate(parts, 1):
            path = ".".join(parts[:depth])
            node = by_path.get(path)
            if node is None:
                node = by_path[path] = Node(part, path, above)
                above.children.append(node)
            above = node
        above.array = array
        for node in above.lineage():
            node.parameters += array.parameters
            node.arrays += 1
    return root
