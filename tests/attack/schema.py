"""tests/attack/schema.py - as much of JSON Schema as the program's own description uses: checking a value
against a schema, and making values that keep or break one."""
import re
import string

NASTY = ["", " ", "a", "0", "null", "'", "\"", "\\", "<b>", "%00", "../../etc/passwd", "' OR '1'='1", "{{7*7}}", "é" * 10,
         "\u202e\u0000", "\ud7ff", "𝕏" * 50, "x" * 300, "x" * 6000, "-1", "1e400", "2026-02-30", "\n", "\t\v", "{}", "[]"]
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
         "null": type(None)}
FORMATS = {"uuid": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
           "date": r"\d{4}-\d\d-\d\d"}


def resolve(doc, schema):
    while "$ref" in schema:
        node = doc
        for word in schema["$ref"].split("/")[1:]:
            node = node[word]
        schema = node
    return schema


def _is(value, kind):
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def problems(doc, schema, value, at="body"):
    """What is wrong with value, as a list of sentences."""
    schema = resolve(doc, schema)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, k) for k in kinds):
        return [f"{at}: {type(value).__name__}, not {'|'.join(kinds)}"]
    found = []
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: not one of {schema['enum']}")
    if isinstance(value, str):
        form = FORMATS.get(schema.get("format"))
        if form and not re.fullmatch(form, value):
            found.append(f"{at}: no {schema['format']}")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{at}: lacks {n}" for n in schema.get("required", []) if n not in value]
        if schema.get("additionalProperties") is False:
            found += [f"{at}: unknown {n}" for n in value if n not in known]
        for name in value.keys() & known.keys():
            found += problems(doc, known[name], value[name], f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            found += problems(doc, schema["items"], item, f"{at}[{i}]")
    return found


def _text(rng, schema):
    form = schema.get("format") or (schema.get("anyOf") or [{}])[0].get("format")
    if form == "uuid":
        return "01890000-0000-7000-8000-" + "".join(rng.choices("0123456789abcdef", k=12))
    if form in ("date-time", "date"):
        day = f"20{rng.randint(27, 60)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        return day + f"T{rng.randint(0, 23):02}:00:00Z" if form == "date-time" else day
    if form == "email":
        return "".join(rng.choices(string.ascii_lowercase, k=12)) + "@example.org"
    if form == "uri":
        return "https://example.org/" + "".join(rng.choices(string.ascii_letters, k=8))
    if schema.get("pattern") == "^[A-Z]{3}$":
        return rng.choice(["USD", "EUR", "JPY"])
    if schema.get("examples"):
        return rng.choice(schema["examples"])
    least, most = max(1, schema.get("minLength", 1)), min(schema.get("maxLength", 40), 200)
    n = rng.choice([least, most, rng.randint(least, most)])
    return "".join(rng.choices("abcdefghijk LMNOP-_.äß漢🎈'\"<>&%;", k=n)).strip().ljust(least, "x") or "x"


def good(doc, rng, schema):
    """A value as the schema has it."""
    schema = resolve(doc, schema)
    kinds = schema.get("type", "string")
    kind = rng.choice(kinds) if isinstance(kinds, list) else kinds
    if kind == "null":
        return None
    if "enum" in schema:
        return rng.choice([v for v in schema["enum"] if v is not None])
    if kind == "string":
        return _text(rng, schema)
    if kind == "boolean":
        return rng.random() < 0.5
    if kind in ("integer", "number"):
        least, most = schema.get("minimum", 0), min(schema.get("maximum", 1000), 10 ** 6)
        return rng.choice([least, most, rng.randint(int(least), int(most))])
    if kind == "array":
        return [good(doc, rng, schema.get("items", {})) for _ in range(rng.randint(0, min(3, schema.get("maxItems", 3))))]
    known = schema.get("properties", {})
    wanted = [n for n in known if n in schema.get("required", []) or
              (not known[n].get("deprecated") and rng.random() < 0.4)]
    return {n: good(doc, rng, known[n]) for n in wanted}


def bad(doc, rng, schema):
    """A value that the schema does not have, or any text where it takes all of them."""
    schema = resolve(doc, schema)
    kinds = schema.get("type", "string")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    others = {"string": [5, True, [], {}], "integer": ["x", 1.5, [], {}, 10 ** 30], "number": ["x", [], {}, True],
              "boolean": ["x", 2, [], {}], "array": ["x", 5, {}], "object": ["x", 5, [], [1]]}
    choices = list(others[next(k for k in kinds if k != "null")])
    if "null" not in kinds:
        choices.append(None)
    if "maxLength" in schema:
        choices.append("y" * (int(schema["maxLength"]) + 1))
    if "minimum" in schema:
        choices.append(schema["minimum"] - 1)
    if "maximum" in schema:
        choices.append(schema["maximum"] + 1)
    if "maxItems" in schema:
        choices.append(["https://example.org/a"] * (int(schema["maxItems"]) + 1))
    if "enum" in schema:
        choices.append("nonsense")
    if schema.get("format") in ("email", "uri", "uuid"):
        choices += ["a b", "@", "http://"]
    return rng.choice(choices)
