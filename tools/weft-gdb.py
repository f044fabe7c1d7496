"""gdb commands for programs that use weft: what each task is, and where it waits.

    (gdb) source weft-gdb.py
    (gdb) info weft-tasks              the tasks that are alive
    (gdb) weft-bt 3                    the stack of task 3; weft-bt 3 full: with its variables
    (gdb) weft-bt all
    (gdb) weft-core FILE               a core file with the stacks of all tasks

They work on a live program and on a core file. They need the debug information of libweft, of the
very build that runs. They change nothing in the program: the registers of a parked task lie on its
stack, and an unwinder makes them the caller of the frame in which the selected thread happens to be.
"""
import bisect
import re
import struct

import gdb
import gdb.unwinder

FREE = 1 << 63  # WEFT__LIFE_FREE, a macro: not in the debug information
KIND_SHIFT = 27  # of a handle, see record.h
PAGE = 4096
RED_ZONE = 128  # below the stack pointer, what a function of x86-64 may use


class Missing(gdb.GdbError):
    """Something without which no command works, in words for the user."""


def value_of(expression):
    try:
        return gdb.parse_and_eval(expression)
    except gdb.error:
        raise Missing(f"weft: no debug information of libweft: {expression} is not known. Is this a "
                      "program with weft, and was its libweft built with -g and not stripped?")


def type_of(name):
    try:
        found = gdb.lookup_type(name)
        found.fields()
        return found
    except (gdb.error, TypeError):
        raise Missing(f"weft: no debug information of libweft: type {name} is not known")


def names_of(enum, prefix):
    """The enumerators of an enum by value: WEFT__REASON_TAKE becomes "take"."""
    return {field.enumval: field.name[len(prefix):].lower() for field in type_of(enum).fields()}


class Layout:
    """Where the members of a struct are, so that many can be taken out of one read."""

    def __init__(self, name, members):
        self.type = type_of(name)
        self.bytes = self.type.sizeof
        self.places = {member: self.place(name, member) for member in members}

    def place(self, name, path):
        inside, offset = self.type, 0
        for part in path.split("."):
            field = next((f for f in inside.strip_typedefs().fields() if f.name == part), None)
            if field is None:
                raise Missing(f"weft: {name} has no member {path}: this script is of another "
                              "version than libweft")
            offset += field.bitpos // 8
            inside = field.type
        size = inside.sizeof
        return offset, {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}.get(size), size

    def take(self, memory, at, member):
        offset, form, _ = self.places[member]
        return struct.unpack_from(form, memory, at + offset)[0]

    def read(self, address, member):
        offset, form, size = self.places[member]
        return struct.unpack(form, read_memory(address + offset, size))[0]


def read_memory(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


# ---- registers of a parked task: struct switch_frame of runtime/task/context.c ----

# for each architecture: what weft__switch has pushed, by offset from the saved stack pointer; how
# many bytes it pops; the names of the stack pointer and of the thread pointer
FRAMES = {
    "x86-64": ({"r15": 8, "r14": 16, "r13": 24, "r12": 32, "rbx": 40, "rbp": 48, "rip": 56}, 64,
               "rsp", "fs_base"),
    "aarch64": (dict([(f"x{19 + i}", 8 * i) for i in range(10)] +
                     [("x29", 160), ("x30", 168), ("pc", 168)]), 176, "sp", "tpidr"),
}


def frame_shape():
    name = gdb.selected_frame().architecture().name()
    for known, shape in FRAMES.items():
        if known in name:
            return shape
    raise Missing(f"weft: tasks run on x86-64 and aarch64, not on {name}")


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class TaskUnwinder(gdb.unwinder.Unwinder):
    """While a task is set: the frame of the selected thread that has its registers is called by the
    task's innermost frame."""

    def __init__(self):
        super().__init__("weft-task")
        self.saved = None  # register -> value, of the task
        self.thread_sp = self.thread_pc = 0

    def begin(self, saved_sp):
        registers, popped, sp_name, _ = frame_shape()
        memory = read_memory(saved_sp, popped)
        frame = gdb.newest_frame()
        self.thread_sp = int(frame.read_register("sp"))
        self.thread_pc = int(frame.read_register("pc"))
        self.saved = {name: struct.unpack_from("<Q", memory, offset)[0]
                      for name, offset in registers.items()}
        self.saved[sp_name] = saved_sp + popped
        gdb.invalidate_cached_frames()

    def end(self):
        self.saved = None
        gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.saved is None:
            return None
        if int(pending.read_register("sp")) != self.thread_sp or \
                int(pending.read_register("pc")) != self.thread_pc:
            return None
        sp = self.saved.get("rsp", self.saved.get("sp"))
        # below the task's frames, so that gdb sees a stack that grows downwards
        info = pending.create_unwind_info(FrameId(gdb.Value(sp - 16), gdb.Value(self.thread_pc)))
        for name, number in self.saved.items():
            like = pending.read_register(name).type
            info.add_saved_register(name, gdb.Value(number).cast(like))
        return info


UNWINDER = TaskUnwinder()


# ---- tasks ----

class Task:
    """One task as it is now; all of it copied."""

    def __init__(self, handle, state, name, home, wait, site, stack, thread):
        self.handle = handle
        self.state = state
        self.name = name
        self.home = home  # (runtime, worker index), or None
        self.wait = wait
        self.site = site
        self.stack = stack  # address of its struct weft__stack; 0: none
        self.thread = thread  # the gdb thread that runs on its stack, or None


class Program:
    """What the debug information says about weft, and the tasks as they are now."""

    def __init__(self):
        if gdb.selected_thread() is None:
            raise Missing("weft: the program is not being run, and there is no core file")
        value_of("weft__record_chunks")
        self.task = Layout("struct weft__task", (
            "record.life", "record.index", "record.kind", "wait", "home", "stack", "result", "flags",
            "reason", "seen", "site", "extras"))
        self.worker = Layout("struct weft__worker", ("current", "index", "runtime", "thread.thread"))
        self.runtime = Layout("struct weft__runtime", ("handle",))
        self.stack = Layout("struct weft__stack", ("context.sp", "low", "top"))
        self.guard = int(value_of("WEFT__GUARD_BYTES"))
        self.kind_task = int(value_of("WEFT__KIND_TASK"))
        self.ended = int(value_of("WEFT__LIFE_ENDED"))
        self.foreign = int(value_of("WEFT__TASK_FOREIGN"))
        self.waiting = int(value_of("WEFT__WAIT_WAITING"))
        self.states = int(value_of("WEFT__WAIT_STATES"))
        self.operation = int(value_of("WEFT__REASON_OPERATION"))
        self.reasons = names_of("enum weft__wait_reason", "WEFT__REASON_")
        self.opcodes = names_of("enum weft__opcode", "WEFT__OP_")
        self.workers = {}
        self.stops = None

    def chunks(self):
        """(address, stride, records) of each chunk of tasks."""
        table = value_of("weft__record_chunks")
        memory = read_memory(int(table.address), table.type.sizeof)
        count = int(value_of("WEFT__RECORD_CHUNK"))
        bases = [(base, stride) for base, stride in struct.iter_unpack("<QQ", memory) if base != 0]
        if not bases:
            raise Missing("weft: no runtime has been started in this program")
        for base, stride in bases:
            if self.task.read(base, "record.kind") == self.kind_task:
                yield base, stride, count

    def worker_of(self, address):
        """(current task, index, handle of the runtime, pthread_t) of a worker."""
        if address not in self.workers:
            memory = read_memory(address, self.worker.bytes)
            runtime = self.worker.take(memory, 0, "runtime")
            self.workers[address] = (self.worker.take(memory, 0, "current"),
                                     self.worker.take(memory, 0, "index"),
                                     self.runtime.read(runtime, "handle"),
                                     self.worker.take(memory, 0, "thread.thread"))
        return self.workers[address]

    def thread_stops(self):
        """The stack pointer of each thread of the program, and which thread it is."""
        if self.stops is None:
            self.stops = []
            with Selection():
                for thread in gdb.selected_inferior().threads():
                    if thread.is_valid() and not thread.is_running():
                        thread.switch()
                        sp = int(gdb.newest_frame().read_register("sp"))
                        self.stops.append((sp, thread))
        return self.stops

    def thread_on(self, stack):
        """The thread whose stack pointer lies in a stack, or just below it. That, and not what the
        worker says, tells where the registers are: it names the next task before it switches."""
        memory = read_memory(stack, self.stack.bytes)
        low = self.stack.take(memory, 0, "low") - self.guard
        top = self.stack.take(memory, 0, "top")
        return next((thread for sp, thread in self.thread_stops() if low <= sp <= top), None)

    def name_of(self, extras):
        if extras == 0:
            return ""
        return read_memory(extras, 64).split(b"\0")[0].decode("utf-8", "replace")

    def wait_text(self, reason, descriptor):
        if reason < self.operation:
            return self.reasons.get(reason, f"reason {reason}")
        opcode = self.opcodes.get(reason - self.operation, f"operation {reason - self.operation}")
        descriptor -= (descriptor & 0x80000000) << 1
        return opcode if descriptor < 0 else f"{opcode} on descriptor {descriptor}"

    def look(self, memory, at, address):
        """The task in a record; None when there is none alive."""
        take = lambda member: self.task.take(memory, at, member)
        life = take("record.life")
        if life & (FREE | self.ended):
            return None
        waits = take("wait") & self.states == self.waiting
        if take("flags") & self.foreign and not waits:
            return None  # a thread that has waited in weft before
        handle = life >> 32 << 32 | take("record.kind") << KIND_SHIFT | take("record.index")
        home, stack = take("home"), take("stack")
        worker = self.worker_of(home) if home != 0 else None
        thread = None
        if take("flags") & self.foreign:
            state = "thread"
        elif take("seen") == 0:
            state, stack = "fresh", 0  # what is there is of the record's last user
        elif worker is not None and worker[0] == address:
            state = "running"
        else:
            state = "waiting" if waits else "ready"
        if stack != 0:
            thread = self.thread_on(stack)
        return Task(handle, state, self.name_of(take("extras")),
                    (worker[2], worker[1]) if worker is not None else None,
                    self.wait_text(take("reason"), take("result")) if waits else "",
                    take("site"), stack, thread)

    def tasks(self):
        found = []
        for base, stride, count in self.chunks():
            memory = read_memory(base, stride * count)
            for i in range(count):
                task = self.look(memory, i * stride, base + i * stride)
                if task is not None:
                    found.append(task)
        return NUMBERS.sorted(found)


class Numbers:
    """Small numbers for tasks, as gdb gives them to threads: a task keeps its own while the program
    runs, and none is used twice."""

    def __init__(self):
        self.forget()

    def forget(self, _event=None):
        self.by_handle = {}

    def of(self, handle):
        return self.by_handle.setdefault(handle, len(self.by_handle) + 1)

    def sorted(self, tasks):
        return sorted(tasks, key=lambda task: self.of(task.handle))


NUMBERS = Numbers()


class Selection:
    """Keeps the selected thread and frame over what a command selects."""

    def __enter__(self):
        self.thread = gdb.selected_thread()
        self.depth = 0
        frame = gdb.selected_frame()
        while frame.newer() is not None:
            frame = frame.newer()
            self.depth += 1

    def __exit__(self, *_error):
        self.thread.switch()
        frame = gdb.newest_frame()
        for _ in range(self.depth):
            frame = frame.older()
        frame.select()


# ---- what the user sees ----

def site_text(site):
    """Where a task was spawned: the site is where the call returns to."""
    if site == 0:
        return ""
    block = None
    try:
        block = gdb.block_for_pc(site - 1)
    except (gdb.error, RuntimeError):
        pass
    while block is not None and block.function is None:
        block = block.superblock
    line = gdb.find_pc_line(site - 1)
    where = f"{line.symtab.filename}:{line.line}" if line.symtab is not None else ""
    if block is not None:
        return f"{block.function.name} at {where}" if where else block.function.name
    text = gdb.execute(f"info symbol {site - 1:#x}", to_string=True).strip()
    return where or (f"{site:#x}" if text.startswith("No symbol") else text.split(" in section")[0])


def home_text(task, runtimes):
    if task.home is None:
        return "-"
    return f"{task.home[1]} of {task.home[0]:#x}" if len(runtimes) > 1 else str(task.home[1])


def rows_of(tasks):
    runtimes = {task.home[0] for task in tasks if task.home is not None}
    sites = {}
    yield ("N", "handle", "name", "state", "worker", "waits for", "spawned at")
    for task in tasks:
        if task.site not in sites:
            sites[task.site] = site_text(task.site)
        yield (str(NUMBERS.of(task.handle)), f"{task.handle:#x}", task.name, task.state,
               home_text(task, runtimes), task.wait, sites[task.site])


def print_table(rows):
    rows = list(rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def print_head(task):
    name = f' "{task.name}"' if task.name else ""
    doing = f"{task.state}: {task.wait}" if task.wait else task.state
    site = f", spawned at {site_text(task.site)}" if task.site != 0 else ""
    print(f"Task {NUMBERS.of(task.handle)}{name} ({task.handle:#x}) {doing}{site}")


def print_frames(text, skip):
    """A backtrace without its first frames, counted anew."""
    shown = False
    for line in text.splitlines():
        found = re.match(r"#(\d+)(\s+)(.*)", line)
        if found:
            number = int(found.group(1)) - skip
            shown = number >= 0
            line = f"#{number:<2} {found.group(3)}"
        if shown:
            print(line)


def limit_beyond(options, skip):
    """Options of backtrace that leave room for frames that are not shown: 5 means 5 of the task's."""
    found = re.search(r"(?<!\S)\d+$", options.strip())
    if found is None:
        return options
    return f"{options.strip()[:found.start()]}{int(found.group(0)) + skip}"


def print_parked(program, task, options):
    UNWINDER.begin(program.stack.read(task.stack, "context.sp"))
    try:
        saved = UNWINDER.saved
        wanted = saved.get("rsp", saved.get("sp"))
        frame, skip = gdb.newest_frame(), 0
        while frame is not None and int(frame.read_register("sp")) != wanted:
            frame, skip = frame.older(), skip + 1
        if frame is None:
            raise gdb.GdbError("weft: gdb can't go from the selected thread's frame to the task's; "
                               "select another thread")
        text = gdb.execute(f"backtrace {limit_beyond(options, skip)}", to_string=True)
        print_frames(text, skip)
    finally:
        UNWINDER.end()


def print_backtrace(program, task, options):
    print_head(task)
    if task.state == "thread":
        print("It is no task, but a thread that waits in weft; see info threads.")
    elif task.stack == 0:
        print("It has not started: it has no stack.")
    elif task.thread is not None:
        task.thread.switch()
        print_frames(gdb.execute(f"backtrace {options}", to_string=True), 0)
    else:
        print_parked(program, task, options)


class InfoTasks(gdb.Command):
    """The tasks of weft that are alive, in all runtimes of the program.
Usage: info weft-tasks
A number stays with its task while the program runs. A worker in the list is where the task resumes.
State thread: no task, but a thread of the program that waits in a call of weft."""

    def __init__(self):
        super().__init__("info weft-tasks", gdb.COMMAND_STATUS)

    def invoke(self, argument, _from_tty):
        if argument.strip():
            raise gdb.GdbError("Usage: info weft-tasks")
        tasks = Program().tasks()
        if not tasks:
            print("No task of weft is alive.")
            return
        print_table(rows_of(tasks))


class Backtrace(gdb.Command):
    """The stack of a task of weft, or of all of them.
Usage: weft-bt N|HANDLE|all [OPTION]...
N is of info weft-tasks, a handle is 0x and more. Options are those of backtrace: weft-bt 3 full."""

    def __init__(self):
        super().__init__("weft-bt", gdb.COMMAND_STACK)

    def invoke(self, argument, _from_tty):
        words = argument.split(None, 1)
        if not words or not re.fullmatch(r"all|\d+|0x[0-9a-fA-F]+", words[0]):
            raise gdb.GdbError("Usage: weft-bt N|HANDLE|all [OPTION]...")
        program = Program()
        tasks = program.tasks()
        if words[0] != "all":
            tasks = [task for task in tasks if self.is_meant(task, words[0])]
            if not tasks:
                raise gdb.GdbError(f"weft: no task {words[0]} is alive; see info weft-tasks")
        with Selection():
            for i, task in enumerate(tasks):
                if i > 0:
                    print()
                print_backtrace(program, task, words[1] if len(words) > 1 else "")
        if not tasks:
            print("No task of weft is alive.")

    @staticmethod
    def is_meant(task, word):
        if word.startswith("0x"):
            return task.handle == int(word, 16)
        return NUMBERS.of(task.handle) == int(word)


def page_of(address):
    return address & ~(PAGE - 1)


def used_pages(program, tasks):
    """The pages of the stacks of tasks, from the innermost frame up."""
    sps = {thread.ptid: sp for sp, thread in program.thread_stops()}
    for task in tasks:
        if task.stack == 0:
            continue
        memory = read_memory(task.stack, program.stack.bytes)
        sp = program.stack.take(memory, 0, "context.sp")
        if task.thread is not None:
            sp = sps[task.thread.ptid]
        yield from range(page_of(sp - RED_ZONE), program.stack.take(memory, 0, "top"), PAGE)


def segments_of(core):
    """(address, bytes, place in the file) of what an ELF core file holds of the memory."""
    head = core.read(64)
    (phoff, shoff), (entry, count) = struct.unpack_from("<QQ", head, 32), struct.unpack_from(
        "<HH", head, 54)
    if count == 0xffff:  # PN_XNUM: the count is in the first section header
        core.seek(shoff + 44)
        count = struct.unpack("<I", core.read(4))[0]
    core.seek(phoff)
    table = core.read(entry * count)
    for i in range(count):
        kind, _flags, place, address, _, size, *_ = struct.unpack_from("<IIQQQQQQ", table, i * entry)
        if kind == 1:  # PT_LOAD
            yield address, size, place


def add_pages(path, pages):
    """Writes pages of the program into a core file, where it has room for them."""
    with open(path, "r+b") as core:
        segments = sorted(segments_of(core))
        for page in sorted(set(pages)):
            at = bisect.bisect_right(segments, (page, 1 << 64, 0)) - 1
            if at < 0 or page + PAGE > segments[at][0] + segments[at][1]:
                continue
            try:
                memory = read_memory(page, PAGE)
            except gdb.MemoryError:
                continue  # of a guard: a task that has overflowed
            core.seek(segments[at][2] + page - segments[at][0])
            core.write(memory)


class Core(gdb.Command):
    """Writes a core file with the stacks of all tasks of weft.
Usage: weft-core FILE
As generate-core-file does, but that leaves a whole mapping out from the first page on that it can't
read, and the guards between stacks can't be read. Core files that the kernel writes have all."""

    def __init__(self):
        super().__init__("weft-core", gdb.COMMAND_DATA, gdb.COMPLETE_FILENAME)

    def invoke(self, argument, _from_tty):
        if not argument.strip():
            raise gdb.GdbError("Usage: weft-core FILE")
        program = Program()
        tasks = program.tasks()
        gdb.execute(f"generate-core-file {argument}", to_string=True)
        add_pages(argument.strip(), used_pages(program, tasks))
        print(f"Saved core file {argument.strip()}, with the stacks of {len(tasks)} tasks.")


InfoTasks()
Backtrace()
Core()
gdb.unwinder.register_unwinder(None, UNWINDER, replace=True)
gdb.events.exited.connect(NUMBERS.forget)
