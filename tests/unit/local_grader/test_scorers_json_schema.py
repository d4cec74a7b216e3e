import json
import math

import pytest

from local_grader import scorers
from local_grader.samples import Sample
from sync.errors import UsageError

CITY = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}


def made(folder, schema):
    path = folder / "schema.json"
    path.write_text(schema if isinstance(schema, str) else json.dumps(schema))
    return scorers.make("json-schema", {"schema": str(path)})


def graded(folder, answer, schema=CITY):
    return made(folder, schema).score(Sample(id="a", answer=answer, place="a.jsonl line 1"))


@pytest.mark.parametrize("answer", ['{"name": "Bonn"}', ' {"name": "Bonn", "people": 3}\n', {"name": "Bonn"}])
def test_json_that_the_schema_accepts_is_right_as_text_or_parsed(tmp_path, answer):
    assert graded(tmp_path, answer).value == 1


@pytest.mark.parametrize(
    ("answer", "explanation"),
    [
        ('{"name": 3}', "$.name: 3 is not of type 'string'"),
        ({"name": "Bonn", "people": -1}, "$.people: -1 is less than the minimum of 0"),
        ("{}", "$: 'name' is a required property"),
        ('Sure! {"name": "Bonn"}', "not JSON (Expecting value: line 1 column 1 (char 0))"),
        ('{"name": NaN}', "not JSON (NaN is no JSON)"),
        ("[" * 100_000, "nested too deeply"),
        ([1], "$: [1] is not of type 'object'"),
    ],
)
def test_what_is_wrong_with_an_answer_is_named_with_its_place(tmp_path, answer, explanation):
    result = graded(tmp_path, answer)
    assert (result.value, result.explanation) == (0, explanation)


def test_a_list_is_one_answer(tmp_path):
    assert graded(tmp_path, [1, 2], {"type": "array"}).value == 1


def test_a_schema_may_refer_to_its_own_parts(tmp_path):
    schema = {"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}
    assert graded(tmp_path, '{"a": 1}', schema).value == 1
    assert graded(tmp_path, '{"a": "1"}', schema).value == 0
    named = {"properties": {"$ref": {"type": "integer"}}, "enum": [{"$ref": 1}]}
    assert graded(tmp_path, '{"$ref": 1}', named).value == 1


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is neither an object nor true or false"),
        ('{"properties": {"a": {"type": "text"}}}', "is no JSON schema at $.properties.a.type"),
        ('{"properties": {"a": {"$ref": "#/$defs/n"}}}', "refers to #/$defs/n, which is not in it"),
        ('{"items": {"$ref": "https://example.com/a.json"}}', "refers to https://example.com/a.json"),
    ],
)
def test_a_schema_that_is_none_is_refused_before_anything_is_graded(tmp_path, schema, message):
    with pytest.raises(UsageError) as caught:
        made(tmp_path, schema)
    assert message in str(caught.value)
    assert "schema.json" in str(caught.value)


def test_without_a_schema_there_is_nothing_to_grade_by(tmp_path):
    with pytest.raises(UsageError) as caught:
        scorers.make("json-schema", {})
    assert "--schema" in caught.value.hint
    with pytest.raises(UsageError, match="cannot be read"):
        scorers.make("json-schema", {"schema": str(tmp_path / "absent.json")})


def test_a_schema_is_known_by_its_content(tmp_path):
    first, second = made(tmp_path, CITY).options, made(tmp_path, {**CITY, "required": []}).options
    assert first != second
    assert first == made(tmp_path, CITY).options


@pytest.mark.parametrize(
    "answer", ["", "\x00", "\ud800", 10**500, math.nan, {}, [[]], b"x", True, "9" * 9999, math.inf, "1e999"]
)
@pytest.mark.parametrize("schema", [CITY, {"multipleOf": 0.01}, {"$ref": "#"}, {"minLength": 2}, False])
def test_no_answer_however_odd_makes_it_fail(tmp_path, answer, schema):
    result = graded(tmp_path, answer, schema)
    assert (result.value is None) == bool(result.reason)
    assert graded(tmp_path, None, schema).reason == "no answer"
