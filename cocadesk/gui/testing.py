"""What becomes of a model's answer when a region of the picture is hidden: asked through jobs, kept per picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.entries import Entry
from cocadesk.gui.rankings import Progress
from cocadesk.gui.session import Session
from cocadesk.media.masking import Fill
from cocadesk.types import AskOptions, CancelToken, CaptionOptions, CaptionResult, Clip, ModelRequest, Picture, Token
from cocadesk.work.io_pool import IoPool, Priority, Ticket
from cocadesk.work.job import Ended, JobEvent, JobState
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
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

STOPPED = "Stopped. Press the button to begin again."


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
    sampling: CancelToken = field(default_factory=CancelToken)

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


class Testing(QObject):
    """Runs one trial at a time; another one takes its place. Lives on the window's thread.

    Attributes:
        progress: What is being done; None if nothing is.
        problem: What went wrong with the last one; empty if nothing.
    """

    __test__ = False  # its name looks like a test's

    changed = Signal()
    """`progress`, `problem` or a trial changed."""

    def __init__(
        self, runner: Runner, pool: IoPool, manager: ModelManager, session: Session, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.progress: Progress | None = None
        self.problem = ""
        self._runner = runner
        self._pool = pool
        self._manager = manager
        self._session = session
        self._trials: dict[tuple[int, Kind], Trial] = {}
        self._active: Trial | None = None
        self._masking: Ticket | None = None
        self._job_id: int | None = None
        runner.event_arrived.connect(self._on_event)
        session.entries.rowsRemoved.connect(self._drop_closed)

    @property
    def is_busy(self) -> bool:
        """Whether a trial is under way."""
        return self._active is not None

    def trial(self, entry: Entry, kind: Kind) -> Trial | None:
        """The latest one of that kind on that picture."""
        return self._trials.get((entry.key, kind))

    def begin(self, wish: Wish) -> None:
        """Run this trial, in place of the one under way, if any."""
        self._cancel()
        trial = self._active = Trial(wish)
        self._show("Looking at the picture…")
        self._session.fetch(
            wish.entry,
            wish.frames,
            lambda what: self._mask(trial, what),
            lambda message: self._refuse(trial, message),
            wish.sampling,
        )

    def stop(self) -> None:
        """Stop; what came of it so far stays."""
        if self._active is not None:
            self._cancel()
            self._finish(STOPPED)

    def clear_problem(self) -> None:
        """What went wrong was read, or does not count any more."""
        if self.problem:
            self.problem = ""
            self.changed.emit()

    def _mask(self, trial: Trial, what: Picture | Clip) -> None:
        if self._active is not trial:
            return
        wish = trial.wish
        self._masking = self._pool.submit(
            lambda: Pair(what, without(what, wish.region, wish.fill)),
            lambda pair: self._send(trial, pair),
            lambda message: self._refuse(trial, message),
            Priority.NOW,
        )

    def _send(self, trial: Trial, pair: Pair) -> None:
        if self._active is trial:
            self._trials[trial.wish.entry.key, trial.wish.kind] = trial
            self._job_id = self._runner.submit(trial_work(self._manager, trial.wish.request(pair)))

    def _refuse(self, trial: Trial, message: str) -> None:
        if self._active is trial:
            self._finish(message)

    def _on_event(self, event: JobEvent) -> None:
        trial = self._active
        if event.job_id != self._job_id or trial is None:
            return
        match event.payload:
            case ModelLoading(request=request):
                self._show(f"Loading {request.name}…")
            case ModelReady():
                self._show("Looking at both pictures…")
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
            case Ended() as end:
                self._finish(end.message if end.state is JobState.FAILED else "")

    def _show(self, what: str) -> None:
        self.problem = ""
        self.progress = Progress(what)
        self.changed.emit()

    def _cancel(self) -> None:
        if self._active is not None:
            self._active.wish.sampling.cancel()
        if self._masking is not None:
            self._masking.drop()
        if self._job_id is not None:
            self._runner.cancel(self._job_id)
        self._active = self._masking = self._job_id = None  # what the job still says is stale

    def _finish(self, problem: str = "") -> None:
        self._active = self._masking = self._job_id = None
        self.problem = problem
        self.progress = None
        self.changed.emit()

    def _drop_closed(self, *_: object) -> None:
        entries = self._session.entries
        for key in [key for key in self._trials if entries.get(key[0]) is None]:
            del self._trials[key]
        if self._active is not None and entries.get(self._active.wish.entry.key) is None:
            self._cancel()
            self._finish()
