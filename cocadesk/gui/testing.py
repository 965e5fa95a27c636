"""What becomes of a model's answer when a region of the picture is hidden: asked through jobs, kept per picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from PySide6.QtCore import QObject

from cocadesk.gui.entries import Entry
from cocadesk.gui.latest_job import LatestJob
from cocadesk.gui.session import Session
from cocadesk.media.masking import Fill
from cocadesk.types import AskOptions, CaptionOptions, CaptionResult, Clip, ModelRequest, Picture, Token
from cocadesk.work.io_pool import IoPool, Priority, Ticket
from cocadesk.work.model_manager import ModelManager
from cocadesk.work.regions import Region, without
from cocadesk.work.runner import Runner
from cocadesk.work.testing import (
    AnswersCompared,
    AnswerTrial,
    CaptionTrial,
    ClassesCompared,
    ClassesTrial,
    Pair,
    TextsCompared,
    TextsTrial,
    TrialRequest,
    WordsScored,
    trial_work,
)


class Kind(Enum):
    """What is asked about both pictures; the value is what a user reads."""

    CAPTION = "Caption"
    ASK = "Ask"
    RANK = "Rank"
    CLASSIFY = "Classify"


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What is to be asked, with the choices as they were when it was asked for.

    Attributes:
        region, fill: What is hidden, and what is put in its place.
        frames: Of a clip, how many are averaged.
        tokens: CAPTION: the caption of the whole picture; empty to have it made.
        options: CAPTION: how it is decoded.
        question: ASK: the question.
        texts: RANK: the descriptions.
        labels: CLASSIFY: for a model that reads text; None for one with classes of its own.
    """

    kind: Kind
    entry: Entry
    region: Region
    fill: Fill
    model: ModelRequest
    frames: int
    tokens: tuple[int, ...] = ()
    options: CaptionOptions = field(default_factory=CaptionOptions)
    question: str = ""
    texts: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None

    def request(self, pair: Pair) -> TrialRequest:
        """The same as the job takes it."""
        match self.kind:
            case Kind.CAPTION:
                return CaptionTrial(self.model, pair, self.tokens, self.options)
            case Kind.ASK:
                return AnswerTrial(self.model, pair, self.question, AskOptions(frames=self.frames))
            case Kind.RANK:
                return TextsTrial(self.model, pair, self.texts)
            case Kind.CLASSIFY:
                return ClassesTrial(self.model, pair, self.labels)


@dataclass(slots=True, eq=False)
class Trial:
    """What came of a wish, as far as it got. Lives on the window's thread.

    Attributes:
        scored: CAPTION: the whole picture's words, against both pictures.
        tokens, caption: CAPTION: what is said about the masked picture, so far and once it is finished.
        answers, texts, classes: The others' results.
    """

    wish: Wish
    scored: WordsScored | None = None
    tokens: list[Token] = field(default_factory=list)
    caption: CaptionResult | None = None
    answers: AnswersCompared | None = None
    texts: TextsCompared | None = None
    classes: ClassesCompared | None = None

    @property
    def masked_caption(self) -> str:
        """The masked picture's caption, or as much of it as there is."""
        return self.caption.caption if self.caption else "".join(token.text for token in self.tokens).strip()


class Testing(LatestJob):
    """Runs one trial at a time, and keeps the latest of each kind on each picture."""

    __test__ = False  # its name looks like a test's

    def __init__(
        self, runner: Runner, pool: IoPool, manager: ModelManager, session: Session, parent: QObject | None = None
    ) -> None:
        super().__init__(runner, session, parent)
        self._pool = pool
        self._manager = manager
        self._trials: dict[tuple[int, Kind], Trial] = {}
        self._active: Trial | None = None
        self._masking: Ticket | None = None

    def trial(self, entry: Entry, kind: Kind) -> Trial | None:
        """The latest one of that kind on that picture."""
        return self._trials.get((entry.key, kind))

    def begin(self, wish: Wish) -> None:
        """Run this trial, in place of the one under way, if any. When it is stopped, what came of it so far stays."""
        trial = Trial(wish)
        self._begin(wish.entry, wish.frames, lambda what: self._mask(trial, what), doing="Looking at both pictures…")

    def clear_problem(self) -> None:
        """What went wrong was read, or does not count any more."""
        if self.problem:
            self.problem = ""
            self.changed.emit()

    def _mask(self, trial: Trial, what: Picture | Clip) -> None:
        wish = trial.wish
        self._masking = self._pool.submit(
            lambda: Pair(what, without(what, wish.region, wish.fill)),
            lambda pair: self._send(trial, pair),
            self._finish,
            Priority.NOW,
        )

    def _send(self, trial: Trial, pair: Pair) -> None:
        wish = trial.wish
        self._active = self._trials[wish.entry.key, wish.kind] = trial
        self._submit(trial_work(self._manager, wish.request(pair)))

    def _take(self, said: object) -> None:
        trial = self._active
        assert trial is not None, "a job says something before it began"
        match said:
            case WordsScored() as scored:
                trial.scored = scored
                self.changed.emit()
            case Token() as token:
                if token.position == 0:  # the first one, or it begins anew on another device
                    trial.tokens.clear()
                trial.tokens.append(token)
                self.changed.emit()
            case CaptionResult() as result:
                trial.tokens, trial.caption = list(result.tokens), result
            case AnswersCompared() as answers:
                trial.answers = answers
            case TextsCompared() as texts:
                trial.texts = texts
            case ClassesCompared() as classes:
                trial.classes = classes

    def _cancel(self) -> None:
        super()._cancel()
        if self._masking is not None:
            self._masking.drop()
            self._masking = None

    def _drop_closed(self, *_: object) -> None:
        for key in [key for key in self._trials if self._session.entries.get(key[0]) is None]:
            del self._trials[key]
        super()._drop_closed()
