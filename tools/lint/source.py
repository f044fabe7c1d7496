"""What the lints share: the files of the tree, C text without comments and strings, functions.

The parser knows the house style and no more: a function's braces stand in column 0, which
tools/lint/format guarantees.
"""
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True

HERE = pathlib.Path(__file__).resolve().parent
ROOT = pathlib.Path(os.environ.get("LINT_ROOT", HERE.parent.parent)).resolve()
LIBRARY = ("numa/", "uring/", "runtime/")

breaches = 0


def files(*prefixes):
    """C files of the tree as relative paths, those below prefixes when some are given."""
    listed = subprocess.run([str(HERE / "files")], env={**os.environ, "LINT_ROOT": str(ROOT)},
                            capture_output=True, text=True, check=True).stdout.split()
    return [path for path in listed
            if (not prefixes or path.startswith(prefixes)) and (ROOT / path).exists()]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def blanked(match):
    return re.sub(r"[^\n]", " ", match.group(0))


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code(text, keep_strings=False):
    """The text with comments, and strings unless they are kept, turned into blanks."""
    def replace(match):
        is_string = match.group(0)[0] in "\"'"
        return match.group(0) if is_string and keep_strings else blanked(match)
    return TOKEN.sub(replace, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def functions(path):
    """(name, is_static, first line, last line, body) of every function defined in the file."""
    text = re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*", blanked, code(read(path)), flags=re.M)
    found = []
    for brace in re.finditer(r"\)\s*\n\{\n", text):
        head_start = max(text.rfind(mark, 0, brace.start()) for mark in (";", "}", "\n\n"))
        head = text[head_start + 1:brace.end()].strip()
        name = re.search(r"(\w+)\s*\(", re.sub(r"__attribute__\s*\(\(.*?\)\)|WEFT__PRINTF\([^)]*\)",
                                               "", head))
        end = text.find("\n}", brace.end() - 1)
        if name is None or end < 0:
            continue
        first = line_of(text, text.find(head.split("\n")[0], head_start + 1))
        found.append((name.group(1), re.search(r"\bstatic\b", head) is not None, first,
                      line_of(text, end + 1), text[brace.end():end]))
    return found


def breach(path, line, message):
    global breaches
    breaches += 1
    print(f"{path}:{line}: {message}")


def finish():
    sys.exit(1 if breaches else 0)
