#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The house rules that no compiler knows (style.md, design.md section 7).

tests/tidy/tidy.py [--report]     from anywhere; --report also prints what is large but allowed.

Each check counts what it looked at and fails when that is nothing: a check that sees no input
proves nothing. An exception is one line in allow.txt beside this file, with its reason; a line
that no longer matches anything is an error too.
"""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOW = Path(__file__).resolve().parent / "allow.txt"

FILE_LINES_MAX, FILE_LINES_REPORT = 700, 500
FUNCTION_LINES_MAX, FUNCTION_LINES_REPORT = 100, 70
HEADER_LINES_REPORT = 200
FOLDER_FILES_REPORT = 20
ASSERTS_PER_1000_LINES = 10

# The arrow goes down only. A floor may include itself and what stands here; src/meson.build links
# the same floors.
_LOW = {"base", "json", "crypto", "net"}
MAY_INCLUDE = {
    "base": set(),
    "json": {"base"},
    "crypto": {"base"},
    "net": {"base"},
    "db": {"base"},
    "core": {"base"},
    "store": {"base", "json", "crypto", "db", "core"},
    "egress": {"base", "net"},
    "engine": _LOW | {"core", "store"},
    "inbound": _LOW | {"core", "store", "engine"},
    "workflow": _LOW | {"core", "store", "engine"},
    "api": _LOW | {"core", "store", "engine", "inbound", "workflow"},
    "server": _LOW | {"db", "core", "store", "engine", "inbound", "workflow", "api"},
    "cli": _LOW | {"db", "core", "store", "egress", "engine", "inbound", "workflow", "api", "server"},
}

# Tables that other floors may read although they stand in a floor that those must not know: the
# error tokens are stored by number and named again by engine, API and command line.
SHARED_HEADERS = {"egress/token.h": {"core", "store", "engine", "api"}}

BANNED_CALLS = (
    "strcpy strcat sprintf vsprintf gets atoi atol atoll strtok gmtime localtime ctime asctime"
    " rand srand system popen tmpnam mktemp alloca"
).split()

# What an object of src/core may need from outside: nothing that tells the time, draws a number,
# allocates or talks. Functions of core itself are found by looking.
PURE_SYMBOLS = re.compile(
    r"^(mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp)|abort|base_assert_fail|__stack_chk_fail"
    r"|__(memcpy|memmove|memset)_chk|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|tsan|sanitizer|sancov|gcov)_.*"
    r"|(heap|list|map|str|err)_[a-z0-9_]+)$"
)

C_TEXT = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL
)


class Report:
    """Collects errors and notes; knows the allow list."""

    def __init__(self):
        self.errors, self.notes, self.seen = [], [], {}
        self.allowed, self.used = {}, set()
        for number, line in enumerate(ALLOW.read_text().splitlines() if ALLOW.exists() else [], 1):
            if not line.strip() or line.startswith("#"):
                continue
            parts = line.split(None, 2)
            if len(parts) < 3:
                self.errors.append(f"tests/tidy/allow.txt:{number}: needs rule, path, reason")
                continue
            self.allowed[(parts[0], parts[1])] = number

    def look(self, check, n=1):
        self.seen[check] = self.seen.get(check, 0) + n

    def error(self, check, path, line, text):
        name = str(path)
        if (check, name) in self.allowed:
            self.used.add((check, name))
            return
        self.errors.append(f"{name}:{line}: [{check}] {text}")

    def note(self, path, line, text):
        self.notes.append(f"{path}:{line}: {text}")

    def finish(self, checks):
        for check in checks:
            if self.seen.get(check, 0) == 0:
                self.errors.append(f"[{check}] saw no input, so it proves nothing")
        for key, number in self.allowed.items():
            if key not in self.used:
                self.errors.append(f"tests/tidy/allow.txt:{number}: {' '.join(key)} is not needed any more")


def find_files(folders, suffixes):
    found = []
    for folder in folders:
        for base, names, files in os.walk(ROOT / folder):
            names[:] = sorted(n for n in names if n not in ("node_modules", "corpus", "__pycache__", "dist"))
            # schema.d.ts is made from the contract and never committed.
            found += [
                Path(base, f).relative_to(ROOT)
                for f in files
                if f.endswith(suffixes) and f != "schema.d.ts"
            ]
    return sorted(found)


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def blank(text, keep_strings):
    """The same text with comments (and, if asked, strings) as spaces, so that lines stay."""

    def one(match):
        piece = match.group(0)
        if keep_strings and piece[0] in "\"'":
            return piece
        if piece[0] in "\"'":
            return piece[0] + " " * (len(piece) - 2) + piece[-1]
        return re.sub(r"[^\n]", " ", piece)

    return C_TEXT.sub(one, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


# --- Sizes ------------------------------------------------------------------------------------


def check_sizes(report, files):
    for path in files:
        lines = read(path).count("\n")
        report.look("file-size")
        if lines > FILE_LINES_MAX:
            report.error("file-size", path, lines, f"{lines} lines, at most {FILE_LINES_MAX}")
        elif lines > FILE_LINES_REPORT:
            report.note(path, lines, f"{lines} lines")
        if path.suffix == ".h" and lines > HEADER_LINES_REPORT:
            report.note(path, lines, f"a header of {lines} lines")


def check_functions(report, files):
    """With Linux braces a function body is what stands between `{` and `}` in the first column."""
    for path in files:
        start, head = None, ""
        for number, line in enumerate(blank(read(path), False).splitlines(), 1):
            if line.startswith("{") and not line[1:].strip():
                start = number
            elif line.startswith("}") and start is not None:
                length = number - start - 1
                report.look("function-size")
                if length > FUNCTION_LINES_MAX:
                    text = f"{head} has {length} lines, at most {FUNCTION_LINES_MAX}"
                    report.error("function-size", path, start, text)
                elif length > FUNCTION_LINES_REPORT:
                    report.note(path, start, f"{head} has {length} lines")
                start = None
            elif start is None:
                match = re.match(r"[A-Za-z_].*?([A-Za-z_0-9]+)\(", line)
                if match:
                    head = match.group(1)


def check_folders(report, files):
    count = {}
    for path in files:
        if path.suffix == ".c" and path.parts[0] == "src":
            count[path.parent] = count.get(path.parent, 0) + 1
    for folder, n in sorted(count.items()):
        if n > FOLDER_FILES_REPORT:
            report.note(folder, 1, f"{n} .c files in one folder")


def check_asserts(report, files):
    lines, asserts = {}, {}
    for path in files:
        if path.suffix == ".c" and path.parts[0] == "src" and len(path.parts) > 2:
            text = read(path)
            floor = path.parts[1]
            lines[floor] = lines.get(floor, 0) + text.count("\n")
            asserts[floor] = asserts.get(floor, 0) + len(re.findall(r"\b(?:ASSERT|static_assert)\(", text))
    for floor in sorted(lines):
        rate = asserts[floor] * 1000 // max(lines[floor], 1)
        if rate < ASSERTS_PER_1000_LINES:
            report.note(f"src/{floor}", 1, f"{rate} asserts per 1,000 lines of {lines[floor]}")


# --- Words --------------------------------------------------------------------------------------


def check_banned_calls(report, files):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED_CALLS) + r")\s*\(")
    for path in files:
        report.look("banned-call")
        text = blank(read(path), False)
        for match in pattern.finditer(text):
            report.error("banned-call", path, line_of(text, match.start()), f"{match.group(1)}()")


def strings_of(text):
    for match in C_TEXT.finditer(text):
        if match.group(0)[0] == '"':
            yield match.start(), match.group(0)[1:-1]


def check_strings(report, files):
    sql = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)\s")
    for path in files:
        if path.parts[0] != "src":
            continue
        floor = path.parts[1]
        text = read(path)
        for offset, string in strings_of(text):
            if floor != "store":
                report.look("sql")
                if sql.match(string.replace("\\n", " ")):
                    report.error("sql", path, line_of(text, offset), "SQL outside src/store")
            if floor != "json":
                report.look("json-by-hand")
                if '{\\"' in string:
                    report.error("json-by-hand", path, line_of(text, offset), "use json/ to write JSON")


def check_left_over(report, files):
    word = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    for path in files:
        report.look("left-over")
        if Path(ROOT / path) == Path(__file__).resolve():
            continue
        for number, line in enumerate(read(path).splitlines(), 1):
            match = word.search(line)
            if match:
                report.error("left-over", path, number, f"{match.group(1)}: do it or say why not")


def check_licence(report, files):
    for path in files:
        report.look("licence")
        if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(read(path).splitlines()[:3]):
            report.error("licence", path, 1, "no SPDX line at the top")


# --- Includes -----------------------------------------------------------------------------------


def check_includes(report, files):
    pattern = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
    for path in files:
        if path.parts[0] != "src" or len(path.parts) < 3:
            continue
        floor = path.parts[1]
        text = blank(read(path), True)
        includes = [(m.group(1), m.group(2), line_of(text, m.start())) for m in pattern.finditer(text)]
        report.look("include", len(includes))
        if floor not in MAY_INCLUDE:
            report.error("include", path, 1, f"src/{floor} has no row in MAY_INCLUDE")
            continue
        own = f"{floor}/{path.stem}.h"
        if path.suffix == ".c" and (ROOT / "src" / own).exists():
            if not includes or includes[0][1] != own:
                report.error("include", path, 1, f'"{own}" must be the first include')
        for kind, name, line in includes:
            if kind == "<":
                continue
            target = name.split("/")[0]
            if "/" not in name or not (ROOT / "src" / name).exists():
                report.error("include", path, line, f'"{name}" is not a path below src/')
            elif floor in SHARED_HEADERS.get(name, ()):
                continue
            elif target != floor and target not in MAY_INCLUDE[floor]:
                report.error("include", path, line, f"{floor} must not know {target} ({name})")


def library_flags():
    names = "yyjson libcurl libcares sqlite3 libpq libsodium libcrypto libmicrohttpd libidn2 libpcre2-8"
    done = subprocess.run(
        ["pkg-config", "--cflags", *names.split()], capture_output=True, text=True, check=False
    )
    return done.stdout.split()


def check_headers(report, files):
    flags = ["-std=c17", "-D_GNU_SOURCE", "-DPOSTERN_VERSION=\"0\"", "-Wall", "-Wextra", "-Werror", "-Isrc"]
    flags += library_flags()

    def compile_one(path):
        return path, subprocess.run(
            [os.environ.get("CC", "gcc"), *flags, "-fsyntax-only", "-x", "c", "-"],
            input=f'#include "{path.relative_to("src")}"\n',
            cwd=ROOT, capture_output=True, text=True, check=False,
        )

    headers = [p for p in files if p.parts[0] == "src" and p.suffix == ".h"]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for path, done in pool.map(compile_one, headers):
            report.look("header-alone")
            if done.returncode != 0:
                report.error("header-alone", path, 1, "does not compile alone\n" + done.stderr.rstrip())


def check_core_is_pure(report, files):
    sources = [p for p in files if p.parts[:2] == ("src", "core") and p.suffix == ".c"]
    needs, defines = {}, set()
    with tempfile.TemporaryDirectory() as folder:
        for path in sources:
            report.look("core-pure")
            target = Path(folder, path.stem + ".o")
            done = subprocess.run(
                [os.environ.get("CC", "gcc"), "-std=c17", "-D_GNU_SOURCE", "-O2", "-Isrc", "-c", str(path), "-o", str(target)],
                cwd=ROOT, capture_output=True, text=True, check=False,
            )
            if done.returncode != 0:
                report.error("core-pure", path, 1, "does not compile\n" + done.stderr.rstrip())
                continue
            table = subprocess.run(["nm", str(target)], capture_output=True, text=True, check=True)
            for line in table.stdout.splitlines():
                kind, name = line.split()[-2:]
                if kind in "Uw":
                    needs.setdefault(name, path)
                else:
                    defines.add(name)
    for name, path in sorted(needs.items()):
        if name not in defines and not PURE_SYMBOLS.match(name):
            report.error("core-pure", path, 1, f"the core must not need {name}")


CHECKS = (
    "file-size function-size banned-call sql json-by-hand left-over licence include header-alone"
    " core-pure"
).split()


def main():
    report = Report()
    c_files = find_files(["src", "tests", "bench"], (".c", ".h"))
    other = find_files(["src", "tests", "bench", "web/src", "sdk", "scripts"], (".mjs", ".ts", ".tsx", ".js", ".py", ".sh"))
    scripts = [p.relative_to(ROOT) for p in sorted((ROOT / "scripts").iterdir()) if p.is_file()]
    check_sizes(report, c_files + other)
    check_functions(report, [p for p in c_files if p.suffix == ".c"])
    check_folders(report, c_files)
    check_asserts(report, c_files)
    check_banned_calls(report, c_files)
    check_strings(report, c_files)
    check_left_over(report, sorted(set(c_files + other + scripts)))
    check_licence(report, c_files)
    check_includes(report, c_files)
    check_headers(report, c_files)
    check_core_is_pure(report, c_files)
    report.finish(CHECKS)
    if "--report" in sys.argv[1:]:
        for note in report.notes:
            print("note:", note)
    for error in report.errors:
        print("error:", error)
    seen = ", ".join(f"{check} {report.seen.get(check, 0)}" for check in CHECKS)
    print(f"tidy: {len(report.errors)} errors, {len(report.notes)} notes; looked at {seen}")
    return 1 if report.errors else 0


if __name__ == "__main__":
    sys.exit(main())
