"""The tree of RFC 6962."""

from hashlib import sha256

from patchbay.audit.merkle import leaf_hash, path_of, root_by_path, root_of

# Source: the reference implementation of Certificate Transparency, merkletree tests.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def test_roots_are_those_of_the_reference() -> None:
    hashes = [leaf_hash(bytes.fromhex(text)) for text in INPUTS]

    assert {size: root_of(hashes[:size]).hex() for size in ROOTS} == ROOTS


def test_each_leaf_of_trees_of_any_size_has_a_proof_and_no_other_leaf_has_it() -> None:
    for size in range(1, 34):
        hashes = [leaf_hash(b"%d" % number) for number in range(size)]
        root = root_of(iter(hashes))
        for index, leaf in enumerate(hashes):
            path = path_of(hashes, index)
            assert root_by_path(leaf, index, size, path) == root
            assert root_by_path(sha256(leaf).digest(), index, size, path) != root
            assert root_by_path(leaf, index, size, [*path, leaf]) is None
            assert path == [] or root_by_path(leaf, index, size, path[:-1]) is None
            assert root_by_path(leaf, size, size, path) is None
