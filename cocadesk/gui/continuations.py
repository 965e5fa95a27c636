"""Captions that go on from another word: for each picture a tree that can be walked back."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.entries import Entry, EntryState
from cocadesk.gui.session import Session
from cocadesk.types import Alternative, CaptionOptions, CaptionResult, Token

UNDER_WAY = (EntryState.WAITING, EntryState.WORKING)


@dataclass(slots=True, eq=False)
class Branch:
    """A caption of a picture, and those that go on from one of its words. Lives on the window's thread.

    Attributes:
        parent: The caption that it was continued from; None for the first one.
        said, chosen: The token of the parent and the one that was put in its place; None for the first one.
        children: In the order they were asked for.
        way_on: The child that was shown last.
        options: How it was made.
        state, tokens, result, draft, error: Of the entry, as they were when another branch was shown.
    """

    parent: Branch | None = None
    said: Token | None = None
    chosen: Alternative | None = None
    children: list[Branch] = field(default_factory=list)
    way_on: Branch | None = None
    options: CaptionOptions | None = None
    state: EntryState = EntryState.IDLE
    tokens: list[Token] = field(default_factory=list)
    result: CaptionResult | None = None
    draft: str = ""
    error: str = ""

    @property
    def caption(self) -> str:
        """The caption as it was when another branch was shown."""
        return self.result.caption if self.result else "".join(token.text for token in self.tokens).strip()

    @property
    def depth(self) -> int:
        """How many captions it was continued from."""
        return self.parent.depth + 1 if self.parent else 0


@dataclass(slots=True, eq=False)
class _Tree:
    root: Branch
    shown: Branch


class Continuations(QObject):
    """The trees of the open pictures. A picture has one from its first continuation until it is captioned again.

    The branch that is shown lives in the entry, where captioning goes on and the panels look; the others are kept here.
    """

    changed = Signal(object)
    """The `Entry` whose tree, or whose branch on show, is another one now."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._trees: dict[int, _Tree] = {}
        session.begun_anew.connect(self._forget)
        session.entries.rowsRemoved.connect(self._drop_closed)

    def branches(self, entry: Entry) -> list[Branch]:
        """All branches, each before those that go on from it; empty if there is one caption only."""
        tree = self._trees.get(entry.key)
        return _below(tree.root) if tree else []

    def shown(self, entry: Entry) -> Branch | None:
        """The branch that is on show."""
        tree = self._trees.get(entry.key)
        return tree.shown if tree else None

    def before(self, entry: Entry) -> Branch | None:
        """The branch that the one on show was continued from."""
        shown = self.shown(entry)
        return shown.parent if shown else None

    def after(self, entry: Entry) -> Branch | None:
        """The continuation of the branch on show that was walked back from, or the first one."""
        shown = self.shown(entry)
        return (shown.way_on or next(iter(shown.children), None)) if shown else None

    def go_on(self, entry: Entry, said: Token, chosen: Alternative) -> None:
        """Let the caption go on with `chosen` in the place of its token `said`; at once if that was done before."""
        if said not in entry.tokens:
            return
        tree = self._trees.get(entry.key)
        if tree is None:
            root = Branch()
            tree = self._trees[entry.key] = _Tree(root, root)
        known = (branch for branch in tree.shown.children if branch.said == said and branch.chosen == chosen)
        branch = next(known, None)
        if branch is not None and branch.state is EntryState.CAPTIONED:
            self.show(entry, branch)
            return
        _keep(entry, tree.shown)
        prefix = (*(token.id for token in entry.tokens[: said.position]), chosen.id)
        if branch is None:
            branch = Branch(tree.shown, said, chosen)
            tree.shown.children.append(branch)
        tree.shown.way_on = branch
        tree.shown = branch
        self._session.continue_caption(entry, prefix)
        self.changed.emit(entry)

    def show(self, entry: Entry, branch: Branch) -> None:
        """Show that branch; what is being said in another one is stopped, and kept as far as it got."""
        tree = self._trees.get(entry.key)
        if tree is None or tree.shown is branch:
            return
        _keep(entry, tree.shown)
        self._session.take_back(entry)
        step: Branch = branch
        while step.parent is not None:
            step.parent.way_on = step
            step = step.parent
        tree.shown = branch
        entry.begin(branch.state)
        entry.tokens, entry.result, entry.draft = list(branch.tokens), branch.result, branch.draft
        entry.error, entry.options = branch.error, branch.options
        self._session.entries.notify(entry)
        self.changed.emit(entry)

    def _forget(self, entry: Entry) -> None:
        if self._trees.pop(entry.key, None) is not None:
            self.changed.emit(entry)

    def _drop_closed(self, *_: object) -> None:
        for key in [key for key in self._trees if self._session.entries.get(key) is None]:
            del self._trees[key]


def _keep(entry: Entry, branch: Branch) -> None:
    """Note the entry's caption; one that is under way counts as stopped, since it will be."""
    branch.state = EntryState.STOPPED if entry.state in UNDER_WAY else entry.state
    branch.tokens, branch.result, branch.draft = list(entry.tokens), entry.result, entry.draft
    branch.error, branch.options = entry.error, entry.options


def _below(branch: Branch) -> list[Branch]:
    return [branch, *(each for child in branch.children for each in _below(child))]
