"""Evaluates what the templates and policies of this repository use of Azure's template language, strictly: what it does
not know is an error."""

import base64
import hashlib
import json
import re
import time
import uuid

TOKENS = re.compile(r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+)|(?P<name>[A-Za-z]\w*)|(?P<mark>[()\[\],.]))")


class TemplateError(Exception):
    pass


def evaluate(value, functions):
    """`value` with every expression in it evaluated. `functions` has what stands before parentheses, by name."""
    if isinstance(value, dict):
        nested = "expressionEvaluationOptions" in value  # of scope "inner": its template is evaluated by itself, later
        return {key: item if nested and key == "template" else evaluate(item, functions) for key, item in value.items()}
    if isinstance(value, list):
        return [evaluate(item, functions) for item in value]
    if not isinstance(value, str) or not value.startswith("[") or not value.endswith("]"):
        return value
    if value.startswith("[["):
        return value[1:]
    parser = Parser(value[1:-1], functions)
    result = parser.expression()
    if parser.tokens:
        raise TemplateError(f"{value}: unexpected {parser.tokens[0]}")
    return result


class Parser:
    def __init__(self, text, functions):
        self.text, self.functions, self.tokens = text, {**LIBRARY, **functions}, []
        position = 0
        while position < len(text.rstrip()):
            match = TOKENS.match(text, position)
            if not match:
                raise TemplateError(f"{text}: cannot be read from {text[position:]!r} on")
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            position = match.end()

    def take(self, *expected):
        if not self.tokens or expected and self.tokens[0][1] not in expected:
            raise TemplateError(f"{self.text}: expected {' or '.join(expected)}, found {self.tokens[:1]}")
        return self.tokens.pop(0)

    def expression(self):
        kind, word = self.take()
        if kind == "string":
            return word[1:-1].replace("''", "'")
        if kind == "number":
            return int(word)
        if kind != "name" or word not in self.functions and word != "lambda":
            raise TemplateError(f"{self.text}: {word} is no function that is known")
        self.take("(")
        if word == "lambda":
            return self.function()
        arguments = []
        while self.tokens and self.tokens[0][1] != ")":
            arguments.append(self.expression())
            if self.tokens and self.tokens[0][1] != ")":
                self.take(",")
        self.take(")")
        result = self.functions[word](*arguments)
        while self.tokens and self.tokens[0][1] in ".[":
            if self.take()[1] == ".":
                result = result[self.take()[1]]
            else:
                result = result[self.expression()]
                self.take("]")
        return result


    def function(self):
        """A function of one variable: what is between its name and the closing parenthesis is evaluated for each value."""
        name = self.expression()
        self.take(",")
        body, depth = [], 0
        while depth or self.tokens[0][1] != ")":
            depth += {"(": 1, ")": -1}.get(self.tokens[0][1], 0)
            body.append(self.tokens.pop(0))
        self.take(")")

        def call(value):
            inner = Parser("", {**self.functions, "lambdaVariables": {name: value}.__getitem__})
            inner.text, inner.tokens = self.text, list(body)
            return inner.expression()
        return call


def merged(*objects):
    """Objects by key, the last wins; lists with each item once."""
    if isinstance(objects[0], list):
        return [item for index, item in enumerate(sum(objects, [])) if item not in sum(objects, [])[:index]]
    result = {}
    for one in objects:
        for key, value in one.items():
            result[key] = merged(result[key], value) if isinstance(value, dict) and key in result else value
    return result


def format_text(text, *values):
    return re.sub(r"\{(\d+)\}", lambda match: str(values[int(match.group(1))]), text)


LIBRARY = {
    "if": lambda condition, yes, no: yes if condition else no,
    "equals": lambda a, b: str(a).lower() == str(b).lower(),
    "not": lambda value: not value,
    "empty": lambda value: not value,
    "concat": lambda *values: "".join(values) if isinstance(values[0], str) else sum(values, []),
    "format": format_text,
    "string": lambda value: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "replace": lambda text, old, new: text.replace(old, new),
    "split": lambda text, separator: text.split(separator),
    "last": lambda value: value[-1],
    "first": lambda value: value[0],
    "startsWith": lambda text, start: text.lower().startswith(start.lower()),
    "toLower": lambda text: text.lower(),
    "filter": lambda values, holds: [value for value in values if holds(value)],
    "union": merged,
    "false": lambda: False,
    "uniqueString": lambda *parts: hashlib.sha256("-".join(parts).encode()).hexdigest()[:13],
    "length": len,
    "trim": lambda text: text.strip(),
    "createArray": lambda *values: list(values),
    "createObject": lambda *words: dict(zip(words[::2], words[1::2])),
    "guid": lambda *parts: str(uuid.uuid5(uuid.NAMESPACE_URL, "-".join(parts))),
}
TYPES = {"string": str, "securestring": str, "bool": bool, "array": list, "object": dict, "secureobject": dict, "int": int}


def resources(template, given, location="westeurope", scope="/subscriptions/s/resourceGroups/g", existing=None):
    """The resources that a deployment of `template` with the parameters `given` creates. `existing`: properties of those
    that are there, by id."""
    functions = {"resourceGroup": lambda: {"location": location, "id": scope},
                 "resourceId": lambda kind, *names: f"{scope}/providers/{kind.split('/')[0]}/" + "/".join(
                     part for pair in zip(kind.split("/")[1:], names) for part in pair),
                 "subscription": lambda: {"id": scope.split("/resourceGroups/")[0]},
                 "guid": lambda *texts: str(uuid.uuid5(uuid.NAMESPACE_URL, "-".join(texts))),
                 "reference": lambda identifier, version, full="": (existing or {})[identifier],
                 "subscriptionResourceId": lambda kind, name: f"{scope.split('/resourceGroups/')[0]}/providers/{kind}/{name}",
                 "utcNow": lambda: time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + str(time.monotonic_ns())}
    declared_parameters = template.get("parameters", {})
    if unknown := set(given) - set(declared_parameters):
        raise TemplateError(f"no such parameters: {', '.join(sorted(unknown))}")
    parameters = {}
    functions["parameters"] = lambda name: parameters[name]
    for name, declared in declared_parameters.items():
        if name not in given and "defaultValue" not in declared:
            raise TemplateError(f"parameter {name} is missing")
        value = given[name] if name in given else evaluate(declared["defaultValue"], functions)
        if not isinstance(value, TYPES[declared["type"].lower()]):
            raise TemplateError(f"parameter {name}: expected {declared['type']}, found {value!r}")
        if value not in declared.get("allowedValues", [value]):
            raise TemplateError(f"parameter {name}: {value!r} is not allowed")
        if isinstance(value, str) and not declared.get("minLength", 0) <= len(value) <= declared.get("maxLength", len(value)):
            raise TemplateError(f"parameter {name}: its length is not allowed")
        parameters[name] = value
    variables = template.get("variables", {})
    functions["variables"] = lambda name: evaluate(variables[name], functions)
    return [evaluate(resource, {**functions, "copyIndex": lambda: index})
            for declared in template["resources"] for index, resource in copies(declared, functions)]


def copies(resource, functions):
    """A resource as often as its "copy" says, each with its index."""
    count = evaluate(resource["copy"]["count"], functions) if "copy" in resource else 1
    return [(index, {name: value for name, value in resource.items() if name != "copy"}) for index in range(count)]


def policy_applies(condition, resource, parameters):
    """Whether a policy's condition holds for a resource. `resource`: what each field is, tags among them."""
    functions = {"parameters": lambda name: parameters[name], "field": lambda name: resource.get(name)}
    if "allOf" in condition:
        return all(policy_applies(part, resource, parameters) for part in condition["allOf"])
    if "anyOf" in condition:
        return any(policy_applies(part, resource, parameters) for part in condition["anyOf"])
    if "not" in condition:
        return not policy_applies(condition["not"], resource, parameters)
    if "count" in condition:
        entries = resource.get(condition["count"]["field"].removesuffix("[*]")) or []
        field = condition["count"]["where"]["field"]
        name = field.removeprefix(condition["count"]["field"]).lstrip(".")
        return sum(policy_applies(condition["count"]["where"], {field: entry[name]}, parameters)
                   for entry in entries) >= condition["greaterOrEquals"]
    left = (resource.get(evaluate(condition["field"], functions)) if "field" in condition
            else evaluate(condition["value"], functions))
    if "containsKey" in condition:
        return evaluate(condition["containsKey"], functions) in (left or {})
    if "equals" in condition:
        return LIBRARY["equals"](left, evaluate(condition["equals"], functions))
    return left is not None and left.lower() in [word.lower() for word in evaluate(condition["in"], functions)]
