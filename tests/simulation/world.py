"""
A world of simulated processes whose time stands still until nothing more can be done at the moment.

Each process has an event loop of its own. It is killed by never stepping that loop again and stopped by not stepping it
for a while: no handler runs and nothing is cleaned up, as with the signals. One callback of one loop is a step, and the
seed says whose is next, so a process can be struck between any two callbacks, and a seed gives the same run each time.
"""

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from itertools import count
from typing import Any, Final

START_S: Final = 1_772_380_800.0
STEP_S: Final = 0.000_05
"""What a step takes: nothing is quite at the same time."""
ASK_S: Final = 0.02


Abstract: Any = asyncio.AbstractEventLoop
"""Untyped, since most of it is left out: there are no sockets, files and signals here."""


class Loop(Abstract):  # type: ignore[misc]
    """The event loop of one process; `runs` is false while it is stopped, and for ever once it is dead."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name, self.runs = world, name, True
        self.failures: list[dict[str, Any]] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.ready: deque[asyncio.Handle] = deque()

    def time(self) -> float:
        """Give the world's time."""
        return self.world.now_s

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_closed(self) -> bool:
        """Never, for whoever asks while it is stepped."""
        return False

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # noqa: ANN401
        """Do something in one of the next steps, in turn."""
        handle = asyncio.Handle(callback, args, self, context)
        self.ready.append(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Any,  # noqa: ANN401
        *args: Any,  # noqa: ANN401
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Do something after some seconds."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Any,  # noqa: ANN401
        *args: Any,  # noqa: ANN401
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Do something at a time."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self.world.at(when - self.world.now_s, lambda: self.ready.append(timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing: a cancelled timer is passed over when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        """Give a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:  # noqa: ANN401
        """Begin a coroutine."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, **options)
        self.tasks.append(task)
        return task

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # noqa: ANN401, ARG002
        """Do something that would block, and have its result a while later."""
        done = self.create_future()

        def finish() -> None:
            if not done.done():
                done.set_result(func(*args))

        self.call_later(self.world.random.uniform(0, 0.02), finish)
        return done

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what nobody caught; tasks that the end of the world has left pending are no failure."""
        if self.runs:
            self.failures.append(context)

    def step(self) -> None:
        """Do one thing that is ready."""
        handle = self.ready.popleft()
        if handle.cancelled():
            return
        asyncio._set_running_loop(self)  # noqa: SLF001 - what event loops are to use
        try:
            handle._run()  # noqa: SLF001 - as every event loop does
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001

    def begin(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin a coroutine from outside."""
        return self.create_task(coroutine)

    def dispose(self) -> None:
        """Close what is left pending, so that the collector finds nothing that it would have to run on with."""
        self.runs = False
        asyncio._set_running_loop(self)  # noqa: SLF001
        for task in self.tasks:
            coroutine = task.get_coro()
            while not task.done() and coroutine is not None:
                try:
                    coroutine.close()
                    break
                except RuntimeError:
                    continue  # it awaits in a handler: once more, from there
                except BaseException:  # noqa: BLE001 - whatever a handler raises, nobody is there to hear it
                    break
        asyncio._set_running_loop(None)  # noqa: SLF001
        self.ready.clear()


class World:
    """Virtual time, what is to happen at which moment of it, and the loops of all processes, dead ones included."""

    def __init__(self, seed: int) -> None:
        self.random, self.now_s, self.serial = random.Random(seed), START_S, count()
        self.loops: list[Loop] = []
        self.story: list[str] = []
        self.watch: Callable[[Loop], None] = lambda _: None
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def tell(self, who: str, what: str) -> None:
        """Add a line to the story of this run."""
        self.story.append(f"{self.now_s - START_S:8.4f} {who:>8}  {what}")

    def at(self, delay_s: float, do: Callable[[], None]) -> None:
        """Let something happen outside all processes."""
        heapq.heappush(self._events, (self.now_s + delay_s, next(self.serial), do))

    def run(self, until: Callable[[], bool], longest_s: float) -> bool:
        """Go on until something is so, asked now and then; False where it has not become so."""
        end_s, asked_s, events = self.now_s + longest_s, self.now_s, self._events
        while self.now_s < end_s:
            while events and events[0][0] <= self.now_s:
                heapq.heappop(events)[2]()
            ready = [loop for loop in self.loops if loop.ready and loop.runs]
            if ready:
                loop = ready[0] if len(ready) == 1 else self.random.choice(ready)
                loop.step()
                self.now_s += STEP_S
                self.watch(loop)
                continue
            if self.now_s >= asked_s:
                if until():
                    return True
                asked_s = self.now_s + ASK_S
            self.now_s = min(events[0][0], end_s) if events else end_s
        return until()

    def dispose(self) -> None:
        """End everything."""
        for loop in self.loops:
            loop.dispose()
