"""Processes whose wall clock can be set while they run, without changing the machine's.

A small library is loaded before libc: it adds an offset from a file to the time of day, read at
every call. The file is found by the process's instance name, so that each worker and sink has its
own clock; other processes get the path of theirs at the start. Monotonic clocks continue as they do
when a machine's clock is set.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

FOLDER = "SLUICE_TEST_CLOCKS"
NAME = "SLUICE_TEST_CLOCK"

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t none = 0;
static const volatile int64_t *ahead_s = &none;

__attribute__((constructor)) static void find(void) {
    const char *folder = getenv("SLUICE_TEST_CLOCKS");
    const char *name = getenv("SLUICE_TEST_CLOCK");
    char path[4096];
    if (name == NULL) name = getenv("SLUICE_WORKER_INSTANCE");
    if (name == NULL) name = getenv("SLUICE_SINK_INSTANCE");
    if (folder == NULL || name == NULL) return;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDONLY);
    if (file < 0) return;
    void *page = mmap(NULL, sizeof *ahead_s, PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) ahead_s = page;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *ahead_s;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (kept != NULL) *kept = exact.tv_sec;
    return exact.tv_sec;
}
"""


class NoOwnClockError(Exception):
    """Such processes are not possible here; the message has the reason."""


class OwnClocks:
    """The clocks of named processes, all right at first."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        """Build the library and a file for each name.

        Raises:
            NoOwnClockError: there is no C compiler, or it refuses.
        """
        compiler = shutil.which("cc")
        if compiler is None:
            raise NoOwnClockError("there is no C compiler")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._library = folder / "own_clock.so"
        done = subprocess.run(
            [compiler, "-shared", "-fPIC", "-O2", "-x", "c", "-", "-o", str(self._library), "-ldl"],
            input=_SOURCE,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NoOwnClockError(f"the C compiler refuses: {done.stderr.strip()[:200]}")
        for name in names:
            self.set(name, 0)

    @property
    def env(self) -> Mapping[str, str]:
        """The environment variables that give a process its own clock."""
        return {"LD_PRELOAD": str(self._library), FOLDER: str(self._folder)}

    @contextmanager
    def started(self, name: str) -> Iterator[None]:
        """What is started meanwhile has the clock of this name."""
        worn = {**self.env, NAME: name}
        os.environ.update(worn)
        try:
            yield
        finally:
            for each in worn:
                del os.environ[each]

    def set(self, name: str, ahead_s: int) -> None:
        """Put a process's clock so many seconds before the machine's, from now on."""
        path = self._folder / name
        with path.open("r+b" if path.is_file() else "wb") as file:
            file.write(struct.pack("=q", ahead_s))
