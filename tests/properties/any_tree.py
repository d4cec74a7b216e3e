"""Any tree at all, as hypothesis draws it: contents, names that a disk may hold, files, links and folders."""

from collections.abc import Mapping

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.unit.sync.store.shelf import File, Folder, Link, noise

Item = File | Link | Folder

bounded = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


contents = st.one_of(
    st.binary(max_size=200),
    st.builds(noise, st.integers(0, 200_000), st.integers(0, 5)),
    st.builds(lambda piece, n: piece * n, st.binary(min_size=1, max_size=50), st.integers(0, 5_000)),
)
names = st.one_of(
    st.sampled_from([b"a", b"b", b"a.b", b"a-b", b"ab", b"A", b"...", b"\xff", b"\xc3\xa9", b"e\xcc\x81"]),
    st.binary(min_size=1, max_size=12).map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_")),
).filter(lambda name: name not in (b".", b".."))
targets = st.binary(min_size=1, max_size=20).map(lambda raw: raw.replace(b"\0", b"_"))
leaves = st.one_of(st.builds(File, contents, st.booleans()), st.builds(Link, targets))
nested = st.recursive(
    st.dictionaries(names, leaves, max_size=4),
    lambda inner: st.dictionaries(names, st.one_of(leaves, inner), max_size=4),
    max_leaves=12,
)


def flat(tree: Mapping[bytes, object], prefix: bytes = b"") -> dict[bytes, Item]:
    found: dict[bytes, Item] = {}
    for name, item in tree.items():
        if isinstance(item, File | Link):
            found[prefix + name] = item
        elif isinstance(item, dict) and item:
            found |= flat(item, prefix + name + b"/")
        else:
            found[prefix + name] = Folder()
    return found


trees = nested.map(lambda tree: flat(tree))
