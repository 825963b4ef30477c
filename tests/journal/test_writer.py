from phsx.journal import Journal, read


def test_what_is_committed_is_read_back(tmp_path):
    with Journal.open(tmp_path) as journal:
        record = journal.append("trial", id=0, params={"x": 0.1, "y": (1, "ä\n")})
        assert read(tmp_path).seq == 1
        journal.commit()
        assert read(tmp_path).records[1:] == [record]
    assert [r["type"] for r in read(tmp_path).records] == ["open", "trial", "close"]
