#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the documents still say what the code says?

tests/docs/docs_test.py     from anywhere; the last line is "N passed, N failed, N skipped".

Each check reads a table of the code and looks for each of its rows in the document that must name
it. A check that finds no row in the code has failed: it proves nothing.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Points of docs/seeds.md: how many each part has.
SEED_POINTS = {"A0": 20, "A1": 41, "A2": 9, "A3": 54, "A4": 21, "X": 23}

# Numbers of the configuration that say how many there are, not how many there may be.
NO_LIMITS = {"egress_processes", "reader_threads"}

UNITS = {
    "CONFIG_SIZE": {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30},
    "CONFIG_DURATION_MS": {"ms": 1, "s": 1000, "m": 60 * 1000, "h": 3600 * 1000, "d": 86400 * 1000},
    "CONFIG_INT": {},
}

# Documents that stand in the repository root.
ROOT_DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")


class Fault(Exception):
    """What a check found wrong."""


def read(name):
    path = ROOT / name
    if not path.is_file():
        raise Fault(f"{name} does not exist")
    return path.read_text(encoding="utf-8")


def need(rows, where):
    if not rows:
        raise Fault(f"nothing was found in {where}, so this proves nothing")
    return rows


def documents():
    return [name for name in ROOT_DOCUMENTS if (ROOT / name).exists()] + sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")
    )


def table_rows(text):
    """The cells of every row of every Markdown table, without the lines under the headings."""
    rows = []
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                rows.append(cells)
    return rows


def tick(cell):
    """The word of a cell such as `data`, or None."""
    match = re.fullmatch(r"`([^`]+)`", cell)
    return match.group(1) if match else None


# --- What the code says -------------------------------------------------------------------------


def config_table():
    pattern = re.compile(
        r'X\((\w+), (CONFIG_\w+), "([^"]*)", (-?\d+), (-?\d+), (true|false), "((?:\\.|[^"\\])*)"\)'
    )
    rows = pattern.findall(read("src/server/config_table.h"))
    keys = [
        {"key": key, "type": kind, "default": default, "min": int(low), "max": int(high),
         "reload": reload == "true"}
        for key, kind, default, low, high, reload, _ in rows
    ]
    return need(keys, "src/server/config_table.h")


def macro_rows(name, pattern):
    """Rows X(...) of a table macro; pattern matches from behind the bracket."""
    return need(re.findall(r"\bX\(" + pattern, read(name)), name)


def error_codes():
    return macro_rows("src/base/err.h", r'([A-Z_]+), (\d+), "([a-z_]+)", (\d+),')


def tokens():
    rows = macro_rows("src/egress/token.h", r'[A-Z_]+, (\d+),\s*\\?\s*"([a-z_]*)"')
    return [(number, token) for number, token in rows if token]


def enum_rows(name, prefix):
    return need(re.findall(prefix + r"([A-Z_]+) = (\d+)", read(name)), f"{prefix} of {name}")


def comment_block(name, first, until):
    """Lines of a block comment from the one with `first` to before the one with `until`, without
    the stars and the indentation that they share."""
    lines, inside = [], False
    for line in read(name).splitlines():
        body = re.sub(r"^ \*(/| ?)", "", line) if line.startswith(" *") else None
        if not inside and body is not None and first in body:
            inside = True
        if inside:
            if body is None or line.startswith(" */") or (until and until in body):
                break
            lines.append(body.rstrip())
    need(lines, f"`{first}` of {name}")
    return shift_left(lines)


def shift_left(lines):
    filled = [line for line in lines if line.strip()]
    margin = min(len(line) - len(line.lstrip()) for line in filled)
    return [line[margin:].rstrip() for line in filled]


def fenced_blocks(text):
    return [
        shift_left(block.splitlines())
        for block in re.findall(r"^```[a-z]*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        if block.strip()
    ]


# --- The checks ---------------------------------------------------------------------------------


def to_number(text, kind):
    """`128m`, `35s`, `4,194,304`: in bytes or milliseconds."""
    match = re.fullmatch(r"(-?[\d,]+)([a-z]*)", text)
    if not match or (match.group(2) and match.group(2) not in UNITS[kind]):
        return None
    return int(match.group(1).replace(",", "")) * UNITS[kind].get(match.group(2), 1)


def range_is_right(row, cell):
    """`1 to 30s`, `100ms to 30s`, `256 to 64k`; a bare first number has the unit of the second or none."""
    match = re.fullmatch(r"([\d,]+[a-z]*) to ([\d,]+[a-z]*)", cell)
    if not match:
        return False
    return (to_number(match.group(1), row["type"]), to_number(match.group(2), row["type"])) == (
        row["min"], row["max"])


def is_used(key):
    """Does the server read this setting anywhere but where settings are read?"""
    for path in sorted((ROOT / "src/server").glob("*.c")):
        if not path.name.startswith("config") and re.search(rf"(->|\.){key}\b", path.read_text(encoding="utf-8")):
            return True
    return False


def check_configuration():
    """Every key of config_table.h is in docs/configuration.md with its default, range and reload."""
    documented = {tick(cells[0]): cells for cells in table_rows(read("docs/configuration.md"))
                  if len(cells) == 5 and tick(cells[0])}
    keys = config_table()
    faults = []
    for row in keys:
        cells = documented.pop(row["key"], None)
        if cells is None:
            faults.append(f"`{row['key']}` is missing in docs/configuration.md")
            continue
        default = tick(cells[1]) or ("" if cells[1] == "empty" else cells[1])
        if row["type"] in UNITS:
            if to_number(default, row["type"]) != int(row["default"]):
                faults.append(f"`{row['key']}`: the default is {row['default']}, not {default}")
            if not range_is_right(row, cells[2]):
                faults.append(f"`{row['key']}`: the range is {row['min']} to {row['max']}, not {cells[2]}")
        elif default != row["default"]:
            faults.append(f"`{row['key']}`: the default is `{row['default']}`, not `{default}`")
        if is_used(row["key"]) == ("Has no effect yet" in cells[4]):
            faults.append(f"`{row['key']}`: the document says the opposite of whether src/server uses it")
        if cells[3] != ("yes" if row["reload"] else "no"):
            faults.append(f"`{row['key']}`: reload is {row['reload']}")
    faults += [f"docs/configuration.md names `{key}`, which is no key" for key in documented if key != "key"]
    if faults:
        raise Fault("\n".join(faults))
    return len(keys)


def named_constants():
    """NAME = number of the enums of src/, where the number is plain arithmetic."""
    found = {}
    pattern = re.compile(r"\b([A-Z][A-Z0-9_]+) *=\s*([0-9][0-9 *+<()]*?) *(?=[,}/\n])")
    for path in sorted((ROOT / "src").rglob("*.[ch]")):
        name = str(path.relative_to(ROOT))
        for constant, value in pattern.findall(path.read_text(encoding="utf-8")):
            found.setdefault(constant, {})[name] = eval(value, {"__builtins__": {}})  # digits, * + < ( )
    return need(found, "src/")


def limit_rows():
    return [cells for cells in table_rows(read("docs/limits.md")) if len(cells) == 6 and tick(cells[0])]


def check_limits():
    """Every number of config_table.h is in docs/limits.md with its default, and every constant there is
    one of src/ with this value."""
    rows = {tick(cells[0]): cells for cells in limit_rows()}
    constants = named_constants()
    faults, seen = [], 0
    for row in config_table():
        if row["type"] not in UNITS or row["key"] in NO_LIMITS:
            continue
        seen += 1
        cells = rows.pop(row["key"], None)
        if cells is None:
            faults.append(f"`{row['key']}` is missing in docs/limits.md")
        elif to_number(cells[1].split()[0], "CONFIG_INT") != int(row["default"]):
            faults.append(f"`{row['key']}`: the default is {row['default']}, not {cells[1]}")
    for name, cells in rows.items():
        seen += 1
        values = constants.get(name)
        if values is None:
            faults.append(f"docs/limits.md names `{name}`, which is no number of src/")
        elif to_number(cells[1].split()[0], "CONFIG_INT") not in values.values():
            faults.append(f"`{name}` is {sorted(set(values.values()))}, not {cells[1]}")
    if faults:
        raise Fault("\n".join(faults))
    return seen


def sections(text, prefix):
    """{heading: body} of the headings `### prefix...`."""
    parts = re.split(r"^(#{1,3} .*)$", text, flags=re.MULTILINE)
    return {
        head[len("### " + prefix):].strip(): body.strip()
        for head, body in zip(parts[1::2], parts[2::2])
        if head.startswith("### " + prefix)
    }


def is_given(name):
    """Does any code but the table give this error?"""
    word = re.compile(rf"\bE_{name}\b")
    return any(word.search(path.read_text(encoding="utf-8")) for path in (ROOT / "src").rglob("*.c"))


def check_errors():
    """Every code of err.h and every token of token.h has its section in docs/errors.md, with its number."""
    text = read("docs/errors.md")
    problems, attempts = sections(text, ""), sections(text, "Attempt: ")
    faults, seen = [], 0
    for name, _, code, status in error_codes():
        seen += 1
        section = problems.pop(code, "")
        if not re.match(status + r"\b", section):
            faults.append(f"docs/errors.md: `### {code}` is missing or does not begin with {status}")
        elif is_given(name) == ("Not answered yet" in section):
            faults.append(f"docs/errors.md: `### {code}` says the opposite of whether the code gives E_{name}")
    for number, token in tokens():
        seen += 1
        if not re.match(number + r"\.", attempts.pop(token, "")):
            faults.append(f"docs/errors.md: `### Attempt: {token}` is missing or does not begin with {number}.")
    for head in problems:
        if not head.startswith("Attempt: "):
            faults.append(f"docs/errors.md: `### {head}` is no code of src/base/err.h")
    faults += [f"docs/errors.md: `### Attempt: {head}` is no token of src/egress/token.h" for head in attempts]
    if faults:
        raise Fault("\n".join(faults))
    return seen


def fault_codes():
    """The codes of `errors` that src/api and src/json give."""
    found = set()
    for floor in ("api", "json"):
        for path in sorted((ROOT / "src" / floor).glob("*.c")):
            text = path.read_text(encoding="utf-8")
            # call_query_fault(call, "name of the parameter", code, ...): only the code counts
            text = re.sub(r'\bcall_query_fault\(call,\s*(?:"[^"]*"|\w+),', "form_fault(", text)
            for call in re.findall(r"\b(?:form_fault|put_errors)\(([^;]*);", text):
                call = re.sub(r"(?:form_pointer|form_value|arena_printf)\([^()]*(?:\([^()]*\)[^()]*)*\)", "", call)
                words = re.findall(r'"((?:\\.|[^"\\])*)"', call)
                codes = [word for word in words if re.fullmatch(r"[a-z]+(_[a-z]+)*", word)]
                found.update(codes[:1])
    return need(found, "src/api and src/json")


def check_fault_codes():
    """Every code of `errors` is named in docs/errors.md."""
    text = read("docs/errors.md")
    codes = fault_codes()
    missing = sorted(code for code in codes if f"`{code}`" not in text)
    if missing:
        raise Fault(f"docs/errors.md does not name the codes {', '.join(missing)}")
    return len(codes)


def check_states():
    """docs/states.md shows the diagrams of the code and names every state and reason."""
    text = read("docs/states.md")
    blocks = fenced_blocks(text)
    diagrams = (
        ("src/core/core.h", "states of a delivery", None),
        ("src/core/state.h", "Where a delivery in memory is:", None),
        ("src/egress/transfer.h", "resolving -> trying", None),
    )
    faults = []
    for name, first, until in diagrams:
        if comment_block(name, first, until) not in blocks:
            faults.append(f"docs/states.md does not show the diagram `{first}` of {name} as it stands there")
    documented = {(tick(cells[0]), cells[1]) for cells in table_rows(text) if len(cells) == 4}
    documented_reasons = {tuple(map(tick, cells[:2])) + (cells[2],) for cells in table_rows(text) if len(cells) == 5}
    states = enum_rows("src/store/delivery.h", "DELIVERY_")
    reasons = [row for row in enum_rows("src/store/delivery.h", "REASON_") if row[0] != "NONE"]
    shown = dict(re.findall(r'\[REASON_([A-Z_]+)\] = "([a-z_]+)"', read("src/api/delivery_view.c")))
    for name, number in states:
        if (name.lower(), number) not in documented:
            faults.append(f"docs/states.md: the state `{name.lower()}`, number {number}, is missing")
    for name, number in reasons:
        if (shown.get(name), name, number) not in documented_reasons:
            faults.append(f"docs/states.md: the reason `{shown.get(name)}`, `{name}`, number {number}, is missing")
    endpoint = re.search(r"enum endpoint_status \{([^}]*)\}", read("src/engine/registry.h"))
    for name in need(re.findall(r"ENDPOINT_([A-Z]+)", endpoint.group(1)), "enum endpoint_status"):
        if f"`{name.lower()}`" not in text:
            faults.append(f"docs/states.md: the endpoint's status `{name.lower()}` is missing")
    if faults:
        raise Fault("\n".join(faults))
    return len(diagrams) + len(states) + len(reasons)


def check_first_event():
    """The commands of the README are those that the server prints."""
    text = read("src/server/welcome.c")
    start = text.index("void welcome_print_dev")
    printed = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', text[start:]))
    printed = printed.replace("\\n", "\n").replace('\\"', '"')
    values = {"%.*s": "http://127.0.0.1:8080", "%s": "./var"}
    printed = re.sub(r"%\.\*s|%s", lambda match: values[match.group(0)], printed)
    commands = need([line for line in printed.splitlines() if line.startswith("curl ")], "src/server/welcome.c")
    readme = [line.strip() for line in read("README.md").splitlines()]
    missing = [command for command in commands if command not in readme]
    if missing:
        raise Fault("README.md does not show the command\n" + "\n".join(missing))
    return len(commands)


def check_commands():
    """The README's table of commands is that of src/cli/main.c, without the hidden ones."""
    names, hidden = {}, set()
    for path in sorted((ROOT / "src/cli").glob("*.c")):
        text = path.read_text(encoding="utf-8")
        for variable, body in re.findall(r"^const struct command (command_\w+) = \{\n(.*?)^\};", text, re.DOTALL | re.MULTILINE):
            names[variable] = re.search(r'\.name = "([^"]+)"', body).group(1)
            if ".is_hidden = true" in body:
                hidden.add(variable)
    listed = need(re.findall(r"&(command_\w+),", read("src/cli/main.c")), "the table of src/cli/main.c")
    wanted = {names[variable] for variable in listed if variable not in hidden}
    section = read("README.md").split("## The command line")[1].split("\n## ")[0]
    shown = {word for cells in table_rows(section) for word in re.findall(r"`([a-z-]+)`", cells[0])}
    faults = [f"README.md does not name the command {name}" for name in sorted(wanted - shown)]
    faults += [f"README.md names the command {name}, which does not exist" for name in sorted(shown - wanted)]
    if faults:
        raise Fault("\n".join(faults))
    return len(wanted)


def without_fences(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchor(heading):
    """The anchor that Markdown renderers make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def check_paths():
    """Every path in backticks and every relative link of the documents exists."""
    faults, seen = [], 0
    path_like = re.compile(
        r"`((?:src|tests|docs|api|scripts|packaging|bench|web|sdk)/[\w./*{},-]+|Makefile|LICENSE)`"
    )
    for name in documents():
        text = without_fences(read(name))
        folder = (ROOT / name).parent
        for path in path_like.findall(text):
            seen += 1
            if not (ROOT / path).exists() and not ("*" in path and list(ROOT.glob(path))):
                faults.append(f"{name}: `{path}` does not exist")
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            seen += 1
            path, _, fragment = target.partition("#")
            file = folder / path if path else ROOT / name
            if not file.exists():
                faults.append(f"{name}: the link {target} leads nowhere")
            elif fragment and file.suffix == ".md":
                heads = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
                if fragment not in {anchor(head) for head in heads}:
                    faults.append(f"{name}: {path or name} has no heading for #{fragment}")
    if faults:
        raise Fault("\n".join(faults))
    return need(seen, "the documents")


# A message of Standard Webhooks' own test vectors, and the same body signed by hand (openssl dgst -hmac).
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID, MESSAGE_AT, MESSAGE_BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", '{"test": 2432232314}'
STANDARD = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
TIMESTAMPED = "t=1614265330,v1=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964"
PLATFORM = "sha256=80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c"
LONG_S = 10**10  # of tolerance, for a message of the past

# The same for each language: which verifier, header, body, tolerance, and whether it may pass.
RECEIVER_CASES = (
    ("standard", STANDARD, MESSAGE_BODY, LONG_S, True),
    ("standard", "v1,AAAA v2,x " + STANDARD, MESSAGE_BODY, LONG_S, True),
    ("standard", STANDARD, MESSAGE_BODY + " ", LONG_S, False),
    ("standard", STANDARD, MESSAGE_BODY, 300, False),
    ("standard", "v2" + STANDARD[2:], MESSAGE_BODY, LONG_S, False),
    ("standard", "", MESSAGE_BODY, LONG_S, False),
    ("timestamped", TIMESTAMPED, MESSAGE_BODY, LONG_S, True),
    ("timestamped", TIMESTAMPED.replace(",", ",v1=00,"), MESSAGE_BODY, LONG_S, True),
    ("timestamped", TIMESTAMPED, MESSAGE_BODY + " ", LONG_S, False),
    ("timestamped", TIMESTAMPED, MESSAGE_BODY, 300, False),
    ("timestamped", TIMESTAMPED.replace("t=1", "t=2"), MESSAGE_BODY, LONG_S, False),
    ("timestamped", "", MESSAGE_BODY, LONG_S, False),
    ("platform", PLATFORM, MESSAGE_BODY, None, True),
    ("platform", PLATFORM, MESSAGE_BODY + " ", None, False),
    ("platform", "", MESSAGE_BODY, None, False),
)

RUN_PYTHON = """
import json, sys
for profile, header, body, tolerance_s in json.loads(CASES):
    if profile == "standard":
        headers = {"webhook-id": ID, "webhook-timestamp": AT, "webhook-signature": header}
        print(int(verify_standard(headers, body.encode(), SECRET, tolerance_s)))
    elif profile == "timestamped":
        print(int(verify_timestamped(header, body.encode(), SECRET, tolerance_s)))
    else:
        print(int(verify_platform(header, body.encode(), SECRET)))
"""

RUN_NODE = """
for (const [profile, header, body, toleranceS] of JSON.parse(CASES)) {
    const raw = Buffer.from(body);
    let ok;
    if (profile === 'standard') {
        const headers = { 'webhook-id': ID, 'webhook-timestamp': AT, 'webhook-signature': header };
        ok = verifyStandard(headers, raw, SECRET, toleranceS);
    } else if (profile === 'timestamped') {
        ok = verifyTimestamped(header, raw, SECRET, toleranceS);
    } else {
        ok = verifyPlatform(header, raw, SECRET);
    }
    console.log(ok ? 1 : 0);
}
"""


def run_samples(language, program, command, suffix):
    """The samples of docs/receivers.md in one language, with every case."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", read("docs/receivers.md"), re.DOTALL | re.MULTILINE)
    need(blocks, f"the {language} samples of docs/receivers.md")
    cases = json.dumps([list(case[:4]) for case in RECEIVER_CASES])
    values = {"CASES": cases, "ID": MESSAGE_ID, "AT": MESSAGE_AT, "SECRET": SECRET}
    word = "const " if language == "js" else ""
    head = "".join(f"{word}{name} = {json.dumps(value)}\n" for name, value in values.items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "samples" + suffix)
        path.write_text("\n".join(blocks) + "\n" + head + program, encoding="utf-8")
        done = subprocess.run([command, str(path)], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Fault(f"the {language} samples of docs/receivers.md end with an error\n{done.stderr.rstrip()}")
    answers = done.stdout.split()
    if len(answers) != len(RECEIVER_CASES):
        raise Fault(f"the {language} samples answered {len(answers)} of {len(RECEIVER_CASES)} cases")
    return [
        f"{language}: {case} was {'accepted' if answer == '1' else 'refused'}"
        for case, answer in zip(RECEIVER_CASES, answers)
        if (answer == "1") != case[4]
    ]


def check_receivers():
    """docs/receivers.md leads with the rule that matters, has its chapters, and its samples verify."""
    text = read("docs/receivers.md")
    faults = []
    first = text.split("\n## ")[1]
    if "Answer 2xx first, then work" not in first:
        faults.append("docs/receivers.md does not lead with `Answer 2xx first, then work`")
    for words in ("CSRF", "## Every event can come twice", "## Test without a server", "## Common mistakes"):
        if words not in text:
            faults.append(f"docs/receivers.md says nothing of `{words}`")
    faults += run_samples("python", RUN_PYTHON, sys.executable, ".py")
    node = shutil.which("node")
    if node is None:
        faults.append("node is missing: scripts/bootstrap test")
    else:
        faults += run_samples("js", RUN_NODE, node, ".mjs")
    if faults:
        raise Fault("\n".join(faults))
    return 2 * len(RECEIVER_CASES)


def check_filters():
    """docs/filters.md explains thin, and names every operator, style and envelope of the code."""
    text = read("docs/filters.md")
    names = re.findall(r'\{ "(\$\w+)",', read("src/json/filter.c"))
    names += re.findall(r'str_eq_c\(name, "(\$\w+)"\)', read("src/json/filter.c"))
    names += re.findall(r'str_eq_c\(name, "(\w+)"\)', read("src/engine/payload_plan.c"))
    missing = sorted({name for name in need(names, "src/json/filter.c") if f"`{name}`" not in text})
    if missing:
        raise Fault(f"docs/filters.md does not name {', '.join(missing)}")
    thin = text[text.index("## Payload style"):text.index("## Envelope")]
    for words in ("idempotent by nature", "smaller"):
        if words not in thin:
            raise Fault(f"docs/filters.md does not say of thin: {words}")
    return len(names)


def check_exit_codes():
    """The table of exit codes in docs/errors.md is that of src/cli/exit.h."""
    codes = enum_rows("src/cli/exit.h", "EXIT_")
    rows = {(tick(cells[1]), cells[0]) for cells in table_rows(read("docs/errors.md")) if len(cells) == 3}
    missing = [name for name, number in codes if (name, number) not in rows]
    if missing:
        raise Fault(f"docs/errors.md lacks the exit codes {', '.join(missing)}")
    return len(codes)


def seed_rows():
    return [cells for cells in table_rows(read("docs/seeds.md")) if re.fullmatch(r"(A\d\.|X)\d+", cells[0])]


def check_seeds():
    """docs/seeds.md has every point once; what is done names a test and a place that exist."""
    rows = seed_rows()
    points = [cells[0] for cells in rows]
    expected = [
        f"{part}.{n}" if part != "X" else f"X{n}"
        for part, count in SEED_POINTS.items()
        for n in range(1, count + 1)
    ]
    faults = [f"docs/seeds.md: the point {p} is missing" for p in expected if p not in points]
    faults += [f"docs/seeds.md: the point {p} is unknown" for p in points if p not in expected]
    faults += [f"docs/seeds.md: the point {p} stands there twice" for p in set(points) if points.count(p) > 1]
    for cells in rows:
        if len(cells) != 5:
            faults.append(f"docs/seeds.md: {cells[0]} has {len(cells)} cells, not 5")
            continue
        point, _, state, place, test = cells
        if state not in ("done", "open"):
            faults.append(f"docs/seeds.md: {point} is `{state}`, neither done nor open")
        if state == "done":
            if place in ("", "-"):
                faults.append(f"docs/seeds.md: {point} is done but names no place")
            tests = re.findall(r"`(tests/[\w./-]+)`", test)
            if not tests:
                faults.append(f"docs/seeds.md: {point} is done but names no test")
    if faults:
        raise Fault("\n".join(faults))
    return len(rows)


def check_tests_exist():
    """The tests that docs/limits.md and docs/seeds.md name exist, and a case that they name is in the file."""
    faults, seen = [], 0
    cells = [(row[0], row[5], "docs/limits.md") for row in limit_rows()]
    cells += [(row[0], row[4], "docs/seeds.md") for row in seed_rows() if len(row) == 5]
    for name, cell, document in cells:
        if cell in ("-", ""):
            continue
        for path, case in re.findall(r"`(tests/[\w./-]+)`(?: `([^`]+)`)?", cell):
            seen += 1
            file = ROOT / path
            if not file.is_file():
                faults.append(f"{document}: {name}: {path} does not exist")
            elif case and not re.search(rf"(?<!\w){re.escape(case)}(?!\w)", file.read_text(encoding="utf-8")):
                faults.append(f"{document}: {name}: {path} has no `{case}`")
    if faults:
        raise Fault("\n".join(faults))
    return need(seen, "the tests named in docs/limits.md and docs/seeds.md")


def check_routes():
    """Every path of the routes table stands in docs/architecture.md."""
    text = read("src/api/routes.c")
    names = dict(re.findall(r'^#define (\w+) +"([^"]*)"', text, re.MULTILINE))
    for name, value in re.findall(r'^#define (\w+) +(\w+ "[^"]*")', text, re.MULTILINE):
        base, _, rest = value.partition(" ")
        names[name] = names[base] + rest.strip('"')
    table = text[text.index("table[] = {"):text.index("};", text.index("table[] = {"))]
    document = read("docs/architecture.md")
    faults, seen = [], 0
    for method, pattern in need(re.findall(r'\{ "([A-Z]+)",\s*([^,]+),', table), "src/api/routes.c"):
        seen += 1
        path = "".join(
            names[word] if word in names else word.strip('"') for word in re.findall(r'"[^"]*"|\w+', pattern)
        )
        tails = [path, "..." + path.removeprefix("/api/v1/apps/{app}"),
                 "..." + path.removeprefix("/api/v1/apps/{app}/endpoints/{endpoint}")]
        if not any(f"`{tail}`" in document or f"{method} {tail}`" in document for tail in tails):
            faults.append(f"docs/architecture.md does not name {method} {path}")
    if faults:
        raise Fault("\n".join(faults))
    return seen


def check_tables():
    """Every table of the schema stands in docs/architecture.md."""
    text = read("src/store/migrations.c")
    tables = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", text))
    tables |= set(re.findall(r'CONFIG_SQLITE\("(\w+)"\)', text))
    document = read("docs/architecture.md")
    missing = sorted(table for table in need(tables, "src/store/migrations.c") if f"`{table}`" not in document)
    if missing:
        raise Fault(f"docs/architecture.md does not name the tables {', '.join(missing)}")
    return len(tables)


def check_events():
    """docs/events.md is what scripts/events-doc makes of api/presets."""
    run = subprocess.run([ROOT / "scripts/events-doc", "--check"], capture_output=True, text=True)
    if run.returncode != 0:
        raise Fault(run.stderr.strip())
    return len(need(list((ROOT / "api/presets").glob("*.json")), "api/presets"))


CHECKS = (
    check_configuration, check_limits, check_errors, check_fault_codes, check_states, check_first_event,
    check_commands, check_exit_codes, check_paths, check_seeds, check_tests_exist, check_routes, check_tables,
    check_receivers, check_filters, check_events,
)


def main():
    failed = 0
    for check in CHECKS:
        name = check.__name__.removeprefix("check_")
        try:
            print(f"ok      {name}: {check()} looked at")
        except (Fault, ValueError, AttributeError, KeyError, OSError) as error:
            failed += 1
            print(f"FAILED  {name}: {check.__doc__.splitlines()[0]}")
            print("\n".join("        " + line for line in str(error).splitlines()))
    print(f"{len(CHECKS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
