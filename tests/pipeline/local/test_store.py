"""A file is replaced whole or not at all, whoever else writes it."""

from concurrent.futures import ThreadPoolExecutor

from pipeline.local.store import write

LENGTH = 20_000


def test_writers_at_once_leave_one_of_their_texts_and_nothing_else(tmp_path):
    texts = [letter * LENGTH for letter in "abcdefgh"]
    file = tmp_path / "card.html"

    with ThreadPoolExecutor(len(texts)) as writers:
        for _ in range(20):
            list(writers.map(lambda text: write(file, text), texts))

    assert file.read_text() in texts
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path):
    remnant = tmp_path / ".4194305-1.unfinished"  # beyond every process's number
    remnant.write_text("half")

    file = write(tmp_path / "card.html", "<p>")

    assert list(tmp_path.iterdir()) == [file]


def test_a_file_of_a_like_name_is_kept(tmp_path):
    other = tmp_path / "card.unfinished"
    other.write_text("a thing of somebody's")

    write(tmp_path / "card.html", "<p>")

    assert other.read_text() == "a thing of somebody's"
