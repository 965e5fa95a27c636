"""Questions about the open pictures: one conversation per picture, asked through jobs, kept on disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from PySide6.QtCore import QObject, Signal

from cocadesk.catalog.cards import DEFAULT_ANSWERER
from cocadesk.gui.entries import Entry
from cocadesk.gui.session import Session
from cocadesk.media.identity import fingerprint
from cocadesk.store import conversations
from cocadesk.store.conversations import KeptAnswer
from cocadesk.types import AnswerResult, AskOptions, CancelToken, Clip, Draft, ModelRequest, OtherAnswer, Picture, Token
from cocadesk.work.asking import AskRequest, ask_work
from cocadesk.work.io_pool import IoPool, Priority
from cocadesk.work.job import Ended, JobEvent, JobState
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
from cocadesk.work.runner import Runner

OTHERS = 4
"""How many other answers are named with each."""


class ExchangeState(Enum):
    """What has become of a question; the value is what a user reads until there are words."""

    WAITING = "Waiting for its turn…"
    OPENING = "Looking at the picture…"
    LOADING = "Loading the model…"
    ANSWERED = ""
    STOPPED = "Stopped."
    FAILED = "No answer."


_UNDER_WAY = (ExchangeState.WAITING, ExchangeState.OPENING, ExchangeState.LOADING)


@dataclass(slots=True, eq=False)
class Exchange:
    """A question and what came of it. Lives on the window's thread.

    Attributes:
        model: What answers, as a user reads it.
        tokens: The answer so far, token by token.
        draft: The best answer so far of a search.
        answer: The whole answer, once it is there.
        logprob: Natural-log probability of the whole answer, once it is there.
        others: What else was nearly answered: for each of the next likeliest first tokens, the answer that begins with
            it.
        frames: How many frames of a clip were averaged; 0 for a still picture.
        error: Why there is no answer.
    """

    question: str
    model: str = ""
    state: ExchangeState = ExchangeState.WAITING
    tokens: list[Token] = field(default_factory=list)
    draft: str = ""
    answer: str = ""
    logprob: float | None = None
    others: tuple[OtherAnswer, ...] = ()
    frames: int = 0
    error: str = ""

    @property
    def is_under_way(self) -> bool:
        return self.state in _UNDER_WAY

    @property
    def text(self) -> str:
        """The answer, or as much of it as there is."""
        return self.answer or "".join(token.text for token in self.tokens).strip() or self.draft


@dataclass(slots=True, eq=False)
class _Conversation:
    """What was said about one picture.

    Attributes:
        identity: Fingerprint of the content, empty until it is known.
        unkept: Answers that came before it was known.
        is_cleared: Whether it was cleared before it was known.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    identity: str = ""
    unkept: list[KeptAnswer] = field(default_factory=list)
    is_cleared: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """A question to be asked, with the choices as they were when it was typed."""

    entry: Entry
    exchange: Exchange
    model: ModelRequest
    options: AskOptions
    sampling: CancelToken = field(default_factory=CancelToken)


class Questions(QObject):
    """Asks one question after the other. Lives on the window's thread.

    Attributes:
        model: What the next question is asked.
        frames: How many frames of a clip the next question averages.
    """

    said = Signal(object, object)
    """An `Entry` and the `Exchange` of its conversation that changed."""

    reset = Signal(object)
    """The `Entry` whose conversation is another list now: longer, shorter, or read from the disk."""

    busy_changed = Signal()
    """`is_busy` changed."""

    def __init__(
        self, runner: Runner, pool: IoPool, manager: ModelManager, session: Session, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.model = ModelRequest(DEFAULT_ANSWERER)
        self.frames = AskOptions().frames
        self._runner = runner
        self._pool = pool
        self._manager = manager
        self._session = session
        self._conversations: dict[int, _Conversation] = {}
        self._asked: dict[str, None] = {}
        self._waiting: deque[_Wish] = deque()
        self._active: _Wish | None = None
        self._job_id: int | None = None
        self._model_ready = False
        runner.event_arrived.connect(self._on_event)
        session.entries.rowsRemoved.connect(self._drop_closed)

    @property
    def is_busy(self) -> bool:
        """Whether a question is being answered, or waits."""
        return self._active is not None or bool(self._waiting)

    def conversation(self, entry: Entry) -> Sequence[Exchange]:
        """What was said about that picture, the oldest first; what the disk has of it follows with `reset`."""
        return tuple(self._open(entry).exchanges)

    def has_talk(self, entry: Entry) -> bool:
        """Whether anything was said about that picture, as far as is known."""
        return entry.key in self._conversations and bool(self._conversations[entry.key].exchanges)

    def asked_before(self, entries: Sequence[Entry]) -> list[str]:
        """Questions to recall, the latest last: those of these pictures' conversations, and all of this session."""
        of_these = [exchange.question for entry in entries for exchange in self._open(entry).exchanges]
        recalled = [*of_these, *self._asked]
        return list(dict.fromkeys(reversed(recalled)))[::-1]

    def ask(self, entries: Sequence[Entry], question: str) -> None:
        """Ask the chosen model this about each of the pictures."""
        self._asked.pop(question, None)
        self._asked[question] = None
        for entry in entries:
            model = self.model.name + (" (untrained)" if self.model.untrained else "")
            exchange = Exchange(question, model)
            self._open(entry).exchanges.append(exchange)
            self._waiting.append(_Wish(entry, exchange, self.model, AskOptions(frames=self.frames, others=OTHERS)))
            self.reset.emit(entry)
        self._next()
        self.busy_changed.emit()

    def stop(self) -> None:
        """Stop the answer that is being given, keeping its words, and all questions that wait."""
        self._end_waiting(list(self._waiting))
        self._stop_active()
        self.busy_changed.emit()

    def forget(self, entry: Entry) -> None:
        """Clear that picture's conversation, on the disk as well; what is being answered goes on."""
        talk = self._open(entry)
        talk.exchanges = [exchange for exchange in talk.exchanges if exchange.is_under_way]
        talk.unkept.clear()
        if talk.identity:
            conversations.forget(talk.identity)
        else:
            talk.is_cleared = True
        self.reset.emit(entry)

    # From question to answer

    def _open(self, entry: Entry) -> _Conversation:
        """That picture's conversation; when it is asked for first, what was kept of it is looked for."""
        talk = self._conversations.get(entry.key)
        if talk is None:
            talk = self._conversations[entry.key] = _Conversation()
            source = entry.source

            def find() -> tuple[str, list[KeptAnswer]]:
                identity = fingerprint(source)
                return identity, conversations.load(identity)

            self._pool.submit(find, lambda found: self._on_found(entry, talk, *found), lambda _: None, Priority.SOON)
        return talk

    def _on_found(self, entry: Entry, talk: _Conversation, identity: str, kept: list[KeptAnswer]) -> None:
        talk.identity = identity
        if talk.is_cleared:
            conversations.forget(identity)
            kept = []
        for answer in talk.unkept:
            conversations.append(identity, answer)
        talk.unkept.clear()
        talk.exchanges[:0] = [_restored(answer) for answer in kept]
        if kept:
            self.reset.emit(entry)

    def _next(self) -> None:
        if self._active is not None or not self._waiting:
            return
        wish = self._active = self._waiting.popleft()
        self._model_ready = False
        self._set(wish, ExchangeState.OPENING)
        self._session.fetch(
            wish.entry,
            wish.options.frames,
            lambda what: self._send(wish, what),
            lambda message: self._fail(wish, message),
            wish.sampling,
        )

    def _send(self, wish: _Wish, what: Picture | Clip) -> None:
        if self._active is wish:
            request = AskRequest(wish.model, what, wish.exchange.question, wish.options)
            self._job_id = self._runner.submit(ask_work(self._manager, request))

    def _on_event(self, event: JobEvent) -> None:
        wish = self._active
        if event.job_id != self._job_id or wish is None:
            return
        exchange = wish.exchange
        match event.payload:
            case ModelLoading():
                self._set(wish, ExchangeState.LOADING)
            case ModelReady():
                self._model_ready = True
                self._set(wish, ExchangeState.OPENING)
            case Token() as token:
                if token.position == 0:  # the first one, or it begins anew on another device
                    exchange.tokens.clear()
                exchange.tokens.append(token)
                self.said.emit(wish.entry, exchange)
            case Draft() as draft:
                exchange.draft = draft.text
                self.said.emit(wish.entry, exchange)
            case AnswerResult() as result:
                self._take(wish, result)
            case Ended() as end:
                self._on_end(wish, end)

    def _take(self, wish: _Wish, result: AnswerResult) -> None:
        exchange = wish.exchange
        exchange.tokens, exchange.draft = list(result.tokens), ""
        exchange.answer, exchange.logprob, exchange.others = result.answer, result.logprob, result.others
        exchange.frames = len(result.frames)
        kept = KeptAnswer(
            exchange.question, exchange.answer, result.logprob, exchange.others, exchange.model, exchange.frames
        )
        talk = self._open(wish.entry)
        if talk.identity:
            conversations.append(talk.identity, kept)
        else:
            talk.unkept.append(kept)
        self._set(wish, ExchangeState.ANSWERED)

    def _on_end(self, wish: _Wish, end: Ended) -> None:
        if end.state is JobState.FAILED:
            if not self._model_ready:  # without its model no other question can be answered either
                self._end_waiting([other for other in self._waiting if other.model == wish.model])
            self._fail(wish, end.message)
        elif end.state is JobState.CANCELLED and wish.exchange.is_under_way:
            self._end(wish, ExchangeState.STOPPED)
        else:
            self._end(wish, wish.exchange.state)

    def _fail(self, wish: _Wish, message: str) -> None:
        wish.exchange.error = message
        self._end(wish, ExchangeState.FAILED)

    def _end(self, wish: _Wish, state: ExchangeState) -> None:
        self._set(wish, state)
        if self._active is wish:
            self._active, self._job_id = None, None
            self._next()
            self.busy_changed.emit()

    def _stop_active(self) -> None:
        if self._active is not None and self._job_id is not None:
            self._runner.cancel(self._job_id)  # its end comes as an event
        elif self._active is not None:
            self._active.sampling.cancel()
            self._end(self._active, ExchangeState.STOPPED)

    def _end_waiting(self, wishes: Sequence[_Wish]) -> None:
        for wish in wishes:
            self._waiting.remove(wish)
            self._set(wish, ExchangeState.STOPPED)

    def _set(self, wish: _Wish, state: ExchangeState) -> None:
        wish.exchange.state = state
        self.said.emit(wish.entry, wish.exchange)

    def _drop_closed(self, *_: object) -> None:
        entries = self._session.entries
        for key in [key for key in self._conversations if entries.get(key) is None]:
            del self._conversations[key]
        self._end_waiting([wish for wish in self._waiting if entries.get(wish.entry.key) is None])
        if self._active is not None and entries.get(self._active.entry.key) is None:
            self._stop_active()


def _restored(kept: KeptAnswer) -> Exchange:
    return Exchange(
        kept.question,
        kept.model,
        ExchangeState.ANSWERED,
        answer=kept.answer,
        logprob=kept.logprob,
        others=kept.others,
        frames=kept.frames,
    )
