"""Studies in TOML: what the file says is what is run, and a mistake is named with its line."""

import re

import pytest

from actscope.errors import BadSpec, InputError, UnknownName
from actscope.study import Study
from actscope.study.file import builtin, builtin_text, builtins, dumps, line_of, load, loads

WHOLE = """\
# a comment, and a key that is not one: lr = 3
name = "rescue"
activation = ["relu", ["relu", "sigmoid"], {name = "leaky_relu", slope = 0.1}]
depth = 2
lr = [
  0.05,
  0.5,  # not 5
]
norm = [false, true]
data = ["moons", {name = "blobs", classes = 3}]
seeds = {start = 100, count = 20}

[trace]
metrics = ["cka", "spread"]
every = 50
formats = ["float64", "bfloat16"]
"""


UNION = """\
lr = 0.1
seeds = 3

[[grid]] # the first
activation = "sigmoid"
lr = [1, 10]

[[grid]]
activation = [
  "tanh",
  ["relu", "tanh"],
]

[trace]
metrics = "cka"
"""


def test_a_union_of_grids_is_the_cells_of_each():
    cells = loads(UNION).plan().cells
    assert [(c.activation, c.lr) for c in cells] == [
        ("sigmoid", 1.0),
        ("sigmoid", 10.0),
        ("tanh", 0.1),
        ("relu/tanh", 0.1),
    ]
    assert {c.trace.metrics for c in cells} == {("cka",)}
    alone = Study(activation="tanh", lr=0.1, trace={"metrics": "cka"}).plan().cells[0]
    assert alone.id == cells[2].id  # a cell is what it is, not where it is listed


def test_a_cell_of_two_grids_is_there_once():
    study = Study(lr=[0.1, 1.0], grid=[{"activation": ["relu", "tanh"]}, {"lr": 1}, {}])
    assert len(study.plan().cells) == 4


@pytest.mark.parametrize("name", builtins())
def test_a_builtin_study_says_what_it_answers_and_has_20_seeds(name):
    text = builtin_text(name)
    assert text.startswith("# ")
    assert "Sigmoid plateaus at 0.28" in text
    assert len(builtin(name).seeds) >= 20
    assert builtin(name).name == name
    assert loads(dumps(builtin(name))) == builtin(name)


def test_a_builtin_study_that_is_not_there_names_all():
    with pytest.raises(UnknownName, match=r"did you mean 'rescue'.*architecture, depth, hybrid"):
        Study.builtin("rescu")


def test_a_file_is_the_study_that_it_says(tmp_path):
    (tmp_path / "some name.toml").write_text(WHOLE)
    assert load(tmp_path / "some name.toml") == Study(
        name="rescue",
        activation=["relu", ["relu", "sigmoid"], {"name": "leaky_relu", "slope": 0.1}],
        lr=[0.05, 0.5],
        norm=[False, True],
        data=["moons", {"name": "blobs", "classes": 3}],
        seeds=range(100, 120),
        trace={"metrics": ["cka", "spread"], "every": 50, "formats": ["float64", "bfloat16"]},
    )


def test_without_a_name_it_has_the_files(tmp_path):
    (tmp_path / "my-grid.toml").write_bytes(b"\xef\xbb\xbflr = 0.1\n")  # a byte-order mark too
    assert load(tmp_path / "my-grid.toml").name == "my-grid"


@pytest.mark.parametrize(
    "study",
    [
        Study(),
        loads(WHOLE),
        loads(UNION),
        Study(activation="max(0, x)", noise=[0.1, 1e-7], seeds=[3, 1], points="all", data="xor"),
    ],
)
def test_what_is_written_reads_as_the_same_study(study):
    assert loads(dumps(study)) == study


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = 3\n\nlr = -1", "f.toml:3: lr = -1: expected a finite number ≥ 0"),
        ("lr = [0.1,\n 0.2,\n -3.5]", "f.toml:3: lr[2] = -3.5: expected a finite number"),
        ("lr = [0.1,\n 'x']", "f.toml:2: lr[1] = 'x': expected"),
        ("leanring_rate = 1", "f.toml:1: leanring_rate = 1: expected no such key. Keys: "),
        ("\nlearning_rate = 1", "f.toml:2: learning_rate = 1: expected no such key. did you mean"),
        ("# x\nactivations = 'relu'", "f.toml:2: activations = 'relu': expected no such key. did"),
        ("activation = [\n'relu',\n'rellu']", "f.toml:3: activation[1] = 'rellu': expected"),
        (
            'activation = ["relu",\n  ["relu", "tanhh"]]',
            "f.toml:2: activation[1][1] = 'tanhh': expected",
        ),
        ('data = [\n"moons",\n{name = "moonz"}]', "f.toml:3: data[1] = {'name': 'moonz'}: "),
        (
            'data = ["moons",\n  {name = "xor", nois = 1}]',
            "f.toml:2: data[1] = {'name': 'xor', 'nois': 1}: expected parameters that fit",
        ),
        ("[trace]\nmetrics = ['cka',\n'ckaa']", "f.toml:3: trace.metrics[1] = 'ckaa': expected"),
        ("lr=1\n[trace]\nevery = 3", "f.toml:2: trace = {'every': 3}: expected metrics"),
        ("[trace]\nmetrics='cka'\nwhen=1", "f.toml:3: trace.when = 1: expected no such key"),
        ("[extra]\na = 1", "f.toml:1: extra = {'a': 1}: expected no such key"),
        ("lr = 0.1\nlr = 0.2", "f.toml = 'text': expected TOML"),
        ("lr = ", "f.toml = 'text': expected TOML"),
        ("seeds = 0", "f.toml:1: seeds = 0: expected how many"),
        ("\n\nseeds = {count = -1}", "f.toml:3: seeds.count = -1: expected a whole number"),
        (UNION.replace("10]", "-1]"), "f.toml:6: grid[0].lr[1] = -1: expected a finite"),
        (UNION.replace("lr = [", "lt = ["), "f.toml:6: grid[0].lt = [1, 10]: expected no such"),
        (UNION.replace('  ["relu", "tanh"]', '  ["relu", "tanhh"]'), "f.toml:11: grid[1].act"),
        (UNION.replace('  ["relu", "tanh"]', '  ["relu"]'), "f.toml:11: grid[1].activation[1]"),
        (UNION.replace("lr = [1, 10]", "seeds = 3"), "f.toml:6: grid[0].seeds = 3: expected one v"),
        ("[grid]\nlr = 1", "f.toml:1: grid = {'lr': 1}: expected a list of mappings"),
        ("grid = [3]", "f.toml:1: grid[0] = 3: expected a mapping"),
        ("lr = -1\n[[grid]]\nwidth = 4", "f.toml:1: lr = -1: expected"),
        ("noise = 0.1\n[[grid]]\ndata = 'xor'\n[[grid]]\ndata = 'digits'", "f.toml:1: noise"),
        ("[[data]]\nname = 'moons'\n[[data]]\nname = 'moonz'", "f.toml:3: data[1] = "),
        ("activation=['relu']\nactivation2 = 1", "f.toml:2: activation2 = 1: expected no such"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(text, message):
    with pytest.raises(BadSpec) as raised:
        loads(text, "f.toml")
    assert str(raised.value).startswith(message), str(raised.value)


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(BadSpec, match="did you mean 'optimiser'"):
        loads("optimizer = 'adam'")
    with pytest.raises(BadSpec, match="did you mean 'epochs'"):
        loads("epoch = 3")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), (b"\xff\xfe", "no UTF-8")],
)
def test_a_file_that_cannot_be_read(tmp_path, content, message):
    path = tmp_path / "a.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load(path)
    with pytest.raises(InputError, match="Is a directory"):
        load(tmp_path)


def test_every_key_of_a_file_is_found_on_its_line():
    import tomllib

    given = tomllib.loads(WHOLE)
    lines = WHOLE.splitlines()
    for key in given:
        if key != "trace":
            assert re.match(rf"{key} = ", lines[line_of(WHOLE, key, given) - 1])
    for key in given["trace"]:
        assert re.match(rf"{key} = ", lines[line_of(WHOLE, f"trace.{key}", given) - 1])
    assert line_of(WHOLE, "lr[1]", given) == 7
    assert line_of(WHOLE, "width", given) is None
